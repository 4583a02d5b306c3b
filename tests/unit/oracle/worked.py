"""Short spellings for the worked examples: events at a wall-clock time, and the oracle's view of them."""

from datetime import date
from typing import Any

from schemas.apps import AppCatalog, AppSettings
from tests.oracle.contract import instant_ms
from tests.oracle.hostile import to_json
from tests.oracle.judge import Judgement, Message, judge
from tests.oracle.tables import Oracle, tables
from tests.oracle.view import Row

__all__ = ["day", "did", "judged", "message", "one_app", "oracle_of", "view"]


def day(text: str) -> date:
    """``YYYY-MM-DD`` as the views hold it."""
    return date.fromisoformat(text)


def did(user_id: str, at: str, event: str = "app_open", **fields: Any) -> dict[str, Any]:
    """An event of app ``a``; ``at`` is a date, meaning noon in Shanghai, or a whole time with an offset.

    Its id follows from what it is, so that two different events have different ids.
    """
    ts = at if "T" in at else f"{at}T12:00:00+08:00"
    told = {"app_id": "a", "user_id": user_id, "event": event, "ts": ts, **fields}
    return {"event_id": f"{event}@{ts}{fields.get('for_day', '')}", **told}


def message(fields: dict[str, Any], offset: int = 0, partition: int = 0, **other: Any) -> Message:
    """``fields`` as a record of its own instant, keyed by its user."""
    recorded: dict[str, Any] = {
        "key": fields["user_id"].encode(),
        "value": to_json(fields),
        "timestamp_ms": instant_ms(fields["ts"]),
        **other,
    }
    return Message(partition, offset, **recorded)


def one_app(**settings: Any) -> AppCatalog:
    """Every app with these settings."""
    return AppCatalog(default=AppSettings(**settings))


def judged(*events: dict[str, Any], catalog: AppCatalog | None = None) -> Judgement:
    """The events, one after the other in a single partition."""
    messages = [message(fields, offset) for offset, fields in enumerate(events)]
    return judge(messages, catalog or AppCatalog(), partitions=1)


def oracle_of(*events: dict[str, Any], catalog: AppCatalog | None = None) -> Oracle:
    """All views of the events in a single partition."""
    catalog = catalog or AppCatalog()
    return tables(judged(*events, catalog=catalog), catalog)


def view(name: str, *events: dict[str, Any], catalog: AppCatalog | None = None) -> dict[Row, Row]:
    """The rows of one view of app ``a``, without the app in their keys."""
    rows = oracle_of(*events, catalog=catalog).views[name].rows
    return {key[1:]: row for key, row in rows.items() if key[0] == "a"}
