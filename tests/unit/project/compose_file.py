"""docker-compose.yml as Docker Compose would read it: merged, and with its variables filled in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["COMPOSE", "OWN_SERVICES", "ROOT", "filled", "services", "variables"]

ROOT: Final = Path(__file__).parents[3]
COMPOSE: Final = ROOT / "docker-compose.yml"

#: The services that run our own image; the others are Kafka and ClickHouse.
OWN_SERVICES: Final = ("migrate", "worker", "traffic")

_VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?(?P<error>[^}]*))?\}")


def services(environment: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """The services by name; with ``environment`` given, variables are replaced by their values or defaults.

    Raises:
        KeyError: a variable that the file requires is not in ``environment``.
    """
    text = COMPOSE.read_text(encoding="utf-8")
    loaded = yaml.safe_load(text if environment is None else filled(text, environment))
    found: dict[str, dict[str, Any]] = loaded["services"]
    return found


def filled(text: str, environment: Mapping[str, str]) -> str:
    """``text`` with each ``${NAME:-default}`` and ``${NAME:?error}`` replaced, an empty value counting as none."""

    def value(match: re.Match[str]) -> str:
        given = environment.get(match["name"], "")
        if given or match["default"] is not None:
            return given or match["default"]
        raise KeyError(match["name"])

    return _VARIABLE.sub(value, text)


def variables() -> dict[str, bool]:
    """The variables that the file reads, each with whether it must be set."""
    text = COMPOSE.read_text(encoding="utf-8")
    return {match["name"]: match["default"] is None for match in _VARIABLE.finditer(text)}
