"""The event contract: what a message in ``mp.events`` must be.

A message is a JSON object in UTF-8. Unknown fields are left out; apps whose settings are ``strict`` refuse them.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, NotRequired

from msgspec import Meta
from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, StringConstraints
from typing_extensions import TypedDict

__all__ = ["CHECK_IN", "MAX_TS", "MIN_TS", "Event", "milliseconds"]

CHECK_IN: Final = "check_in"

#: Event times before 2000-01-01 are refused, and those from 2100-01-01 on as well, unless they are ``future`` anyway:
#: they are unit mistakes (seconds, microseconds), and ClickHouse's ``Date`` is bounded.
MIN_TS: Final = 946_684_800_000
MAX_TS: Final = 4_102_444_800_000

_INT64_MAX: Final = 2**63 - 1
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,40})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(text: str) -> int:
    """RFC 3339 text to milliseconds since the epoch, rounded down.

    Raises ``ValueError`` when it is no instant, or one before ``MIN_TS``.
    """
    if _RFC3339.fullmatch(text) is None:
        raise ValueError(
            "ts must be integer milliseconds or RFC 3339 with an offset, such as 2026-03-01T08:00:00+08:00"
        )
    ts = (datetime.fromisoformat(text.upper()) - _UNIX_EPOCH) // _MILLISECOND
    if ts < MIN_TS:
        raise ValueError("ts must be milliseconds since 1970, and not before the year 2000")
    return ts


def _day(value: object) -> int:
    """``YYYY-MM-DD`` to days since 1970-01-01."""
    if not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) is None:
        raise ValueError("for_day must be YYYY-MM-DD")
    return (date.fromisoformat(value) - date(1970, 1, 1)).days


def _flat(props: dict[str, Any]) -> dict[str, Any]:
    for name, value in props.items():
        if isinstance(value, dict | list):
            raise ValueError(
                f"props must be flat, but {name!r} holds a {'list' if isinstance(value, list) else 'object'}"
            )
    return props


# Each bound stands twice, for the two libraries that read events (schemas.validator): pydantic's is the contract.
Int64 = Annotated[int, Field(ge=-_INT64_MAX - 1, le=_INT64_MAX), Meta(ge=-_INT64_MAX - 1, le=_INT64_MAX)]
#: Attributes are kept with the user's state, so their length is bounded.
Text = Annotated[str, StringConstraints(max_length=256), Meta(max_length=256)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64), Meta(min_length=1, max_length=64)]
if TYPE_CHECKING:
    Timestamp = int  # what is left after validation
else:
    Timestamp = (
        Annotated[int, Field(ge=MIN_TS, le=_INT64_MAX), Meta(ge=MIN_TS, le=_INT64_MAX)]
        | Annotated[str, AfterValidator(milliseconds)]
    )


class Event(TypedDict):
    """One user event. ``ts`` is milliseconds since the epoch; ``for_day`` is days since 1970-01-01."""

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore")  # type: ignore[misc]  # pydantic's way for TypedDict

    event_id: Name
    app_id: Name
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=128), Meta(min_length=1, max_length=128)]
    event: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    ts: Annotated[Timestamp, Field(union_mode="left_to_right")]
    scene: NotRequired[Annotated[Int64 | Text, Field(union_mode="left_to_right")] | None]
    platform: NotRequired[Text | None]
    app_version: NotRequired[Text | None]
    page: NotRequired[str | None]
    city: NotRequired[Text | None]
    district: NotRequired[Text | None]
    channel: NotRequired[Text | None]
    campaign: NotRequired[Text | None]
    variant: NotRequired[Text | None]
    inviter_id: NotRequired[Text | None]
    duration_ms: NotRequired[Annotated[int, Field(ge=0, le=_INT64_MAX), Meta(ge=0, le=_INT64_MAX)] | None]
    amount: NotRequired[Int64 | None]
    for_day: NotRequired[Annotated[int, PlainValidator(_day)] | None]
    props: NotRequired[Annotated[dict[str, Any], AfterValidator(_flat)] | None]
