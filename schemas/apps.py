"""Settings of one mini-program (an app), and the catalog that says which apps are served.

Definitions: docs/definitions.md (local day, lateness, qualifying, make-up, milestone).
"""

from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["SEGMENTS", "AppCatalog", "AppSettings"]

#: Attributes frozen at a user's first event, by which new users can be cut.
SEGMENTS: Final = (
    "scene",
    "platform",
    "app_version",
    "channel",
    "campaign",
    "variant",
    "city",
    "district",
    "inviter_id",
)

_MINUTES_PER_DAY = 24 * 60


class AppSettings(BaseModel):
    """How the events of one app are counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: str = "Asia/Shanghai"
    day_cutoff_minutes: Annotated[int, Field(ge=0, lt=_MINUTES_PER_DAY)] = 0
    allowed_lateness: Annotated[int, Field(ge=0, le=30, description="days")] = 3
    #: Events that make a user active; ``None`` means every event but those in ``not_qualifying``.
    qualifying: frozenset[str] | None = None
    not_qualifying: frozenset[str] = frozenset({"message_sent"})
    #: How many days back a check-in may fill by ``for_day``; 0 refuses make-ups.
    make_up_days: Annotated[int, Field(ge=0, le=30)] = 3
    segments: tuple[str, ...] = ("channel", "platform")
    milestones: tuple[Annotated[int, Field(ge=1, le=3650)], ...] = (3, 7, 14, 30, 60, 100, 150, 365)
    #: Refuse events that carry unknown fields, instead of leaving those fields out.
    strict: bool = False

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError, handled below
            raise ValueError(f"{name!r} is not an IANA time zone such as Asia/Shanghai") from error
        except KeyError as error:
            raise ValueError(f"{name!r} is not an IANA time zone such as Asia/Shanghai") from error
        return name

    @field_validator("segments")
    @classmethod
    def _segments_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(SEGMENTS))
        if unknown:
            raise ValueError(f"unknown segment {unknown[0]!r}; choose from {', '.join(SEGMENTS)}")
        return names

    @field_validator("milestones")
    @classmethod
    def _milestones_ascend(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days)):
            raise ValueError("milestones must ascend without repeats")
        return days

    @model_validator(mode="after")
    def _one_rule_for_qualifying(self) -> Self:
        if self.qualifying is not None and not self.qualifying:
            raise ValueError("qualifying is empty: no event would make a user active; leave it out for all events")
        return self

    def qualifies(self, event: str) -> bool:
        """Whether ``event`` makes its user active."""
        if self.qualifying is not None:
            return event in self.qualifying
        return event not in self.not_qualifying


class AppCatalog(BaseModel):
    """The apps that are served. Without any listed app every ``app_id`` is accepted with the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: AppSettings = AppSettings()
    listed: dict[Annotated[str, Field(min_length=1, max_length=64)], AppSettings] = {}

    def get(self, app_id: str) -> AppSettings | None:
        """Settings of ``app_id``, or ``None`` when a list is configured and the app is not on it."""
        if not self.listed:
            return self.default
        return self.listed.get(app_id)

    @property
    def open_days(self) -> int:
        """Days before the watermark that an accepted event can still change, over all apps."""
        apps = (self.default, *self.listed.values())
        return max(app.allowed_lateness + app.make_up_days for app in apps)
