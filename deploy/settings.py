"""The settings of a deployment: read once from the environment, checked, and passed down.

Every field is one variable, ``RETENTION_`` and the field's name in capitals; an empty one counts as unset.
``settings_table()`` makes the reference table of the documentation from the descriptions here.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from deploy.apps_text import read_apps
from schemas.apps import AppCatalog
from schemas.errors import PipelineError

if TYPE_CHECKING:
    from streams.settings import StreamSettings

__all__ = [
    "PREFIX",
    "Settings",
    "SettingsError",
    "load_settings",
    "settings_environment",
    "settings_table",
    "stream_settings",
    "unknown_variables",
]

PREFIX: Final = "RETENTION_"

_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/\[\]]+):(\d{1,5})")
_MAX_PORT: Final = 65535


class SettingsError(PipelineError):
    """A variable holds a value that cannot be used; the message names it, its value and the way out."""


class Settings(BaseSettings):
    """All settings of one deployment. Immutable; secrets never show in ``repr`` or in logs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", description="Kafka brokers to start from: `host:port`, several separated by commas"
    )
    partitions: int = Field(
        default=4,
        ge=1,
        le=1024,
        description="partitions of the input topics and of the changelog, fixed for an epoch; also the most workers "
        "that share the work",
    )
    replication: int = Field(default=1, ge=1, le=15, description="replicas of each topic; 3 in production")
    clickhouse_url: str = Field(
        default="http://127.0.0.1:8123",
        description="HTTP interface of ClickHouse: `http://host:port` or `https://host:port`",
    )
    clickhouse_user: str = Field(default="default", min_length=1, description="ClickHouse user")
    clickhouse_password: SecretStr = Field(default=SecretStr(""), description="password of that user; never logged")
    clickhouse_database: str = Field(
        default="retention", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="database of the tables and views"
    )
    worker_id: str = Field(
        default="retention",
        pattern=r"^[A-Za-z0-9._-]{1,150}$",
        description="name of the worker group; the Faust app, its consumer group and its changelog are called "
        "`<worker_id>-v<epoch>`",
    )
    epoch: int = Field(
        default=1,
        ge=1,
        le=2**32 - 1,
        description="version of the results; a higher one computes everything again beside the current one",
    )
    apps: Annotated[AppCatalog, NoDecode, BeforeValidator(read_apps)] = Field(
        default=AppCatalog(),
        description='the apps and how each is counted: JSON such as `{"listed": {"wx1": {}}}`, or `@` and the path of '
        "a JSON file; without listed apps every app is accepted",
    )
    flush_interval_s: float = Field(
        default=0.5, gt=0, le=60, description="seconds between flushes; the delay until an event shows in the views"
    )
    session_timeout_s: float = Field(
        default=8,
        ge=6,
        le=300,
        description="seconds after which the partitions of a worker that died move to the others",
    )
    max_event_bytes: int = Field(
        default=262_144, ge=1024, le=8 * 1024 * 1024, description="larger events are refused as `invalid`"
    )
    state_dir: Path | None = Field(
        default=None,
        description="a directory on a local disk for the states of users at rest, when there are more than memory "
        "holds; needs `pip install 'retention[rocksdb]'`; unset, they stay in memory",
    )
    web_host: str = Field(
        default="127.0.0.1", min_length=1, description="address of the worker's `/healthz`, `/readyz` and `/metrics`"
    )
    web_port: int = Field(default=0, ge=0, le=_MAX_PORT, description="port of these pages; 0 turns them off")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="least severe level that is logged"
    )

    @field_validator("kafka_bootstrap")
    @classmethod
    def _brokers_have_ports(cls, value: str) -> str:
        for broker in value.split(","):
            match = _BROKER.fullmatch(broker.strip())
            if match is None or not 0 < int(match[2]) <= _MAX_PORT:
                raise ValueError(f"{broker.strip()!r} is not host:port; write for example 127.0.0.1:9092")
        return ",".join(broker.strip() for broker in value.split(","))

    @field_validator("clickhouse_url")
    @classmethod
    def _url_is_http(cls, value: str) -> str:
        example = "write for example http://127.0.0.1:8123"
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{error}; {example}") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            raise ValueError(f"not an http:// or https:// address; {example}")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError(f"only scheme, host and port belong here; {example}")
        return value.rstrip("/")

    @field_validator("clickhouse_url", mode="before")
    @classmethod
    def _url_has_no_secret(cls, value: Any) -> Any:
        if isinstance(value, str) and "@" in value:
            raise ValueError(f"user and password belong in {PREFIX}CLICKHOUSE_USER and {PREFIX}CLICKHOUSE_PASSWORD")
        return value

    @property
    def app_id(self) -> str:
        """Name of the Faust app, which is also its consumer group and the stem of its changelog topic."""
        return f"{self.worker_id}-v{self.epoch}"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; ``overrides`` win over it.

    Raises:
        SettingsError: a value cannot be used. One line, with the variable, its value and what to do.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    first = problems[0]
    name, *inside = (str(part) for part in first["loc"])
    field = Settings.model_fields[name]
    reason = first["msg"].removeprefix("Value error, ")
    where = f" (in {'.'.join(inside)})" if inside else ""
    shown = _shown(name, first["input"])
    # A password, or an address that carries one, must not reach a terminal or a log.
    value = "" if name == "clickhouse_password" or "@" in shown and name == "clickhouse_url" else f"={shown}"
    default = field.get_default(call_default_factory=True)
    unset = "unset it to serve every app" if name == "apps" else f"unset it for the default, {default}"
    more = f" ({len(problems) - 1} more wrong after it)" if len(problems) > 1 else ""
    why = f"{reason[:1].lower()}{reason[1:]}"
    return f"{PREFIX}{name.upper()}{value} is wrong{where}: {why}. Correct it, or {unset}.{more}"


def _shown(name: str, value: Any, most: int = 80) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return repr(text if len(text) <= most else text[: most - 1] + "…")


def settings_environment(settings: Settings) -> dict[str, str]:
    """The variables from which another process reads exactly these settings (the password included)."""
    environment = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, AppCatalog):
            text = value.model_dump_json()
        elif isinstance(value, SecretStr):
            text = value.get_secret_value()
        elif value is None:
            text = ""
        else:
            text = str(value)
        environment[f"{PREFIX}{name.upper()}"] = text
    return environment


def stream_settings(settings: Settings) -> "StreamSettings":
    """The part of the settings that the stream needs, in its own words."""
    from streams.settings import StreamSettings

    return StreamSettings(
        bootstrap=settings.kafka_bootstrap,
        app_id=settings.app_id,
        epoch=settings.epoch,
        partitions=settings.partitions,
        apps=settings.apps,
        flush_interval_s=settings.flush_interval_s,
        session_timeout_s=settings.session_timeout_s,
        max_event_bytes=settings.max_event_bytes,
        state_dir=settings.state_dir.expanduser() if settings.state_dir else None,
        web_host=settings.web_host,
        web_port=settings.web_port,
        replication=settings.replication,
    )


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables with our prefix that name no setting but nearly do, each with the setting that was probably meant."""
    from difflib import get_close_matches

    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    unknown = (name for name in environment if name.startswith(PREFIX) and name not in known)
    close = ((name, get_close_matches(name, known, n=1, cutoff=0.85)) for name in unknown)
    return {name: matches[0] for name, matches in close if matches}


def settings_table() -> str:
    """The settings as a Markdown table: variable, default, meaning."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, SecretStr) or default is None:
            shown = ""
        elif isinstance(default, AppCatalog):
            shown = "`{}`"
        else:
            shown = f"`{default}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(settings_table())
