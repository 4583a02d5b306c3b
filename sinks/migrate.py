"""Creating and upgrading the database: tables by migrations that run once, views by files that are replaced.

Everything here may run twice, and in two processes at once: each statement is idempotent, and the ledger
``schema_migrations`` keeps one row per file whoever wrote it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.errors import Terminal
from sinks.client import Client, named_errors, translate
from sinks.scripts import Script, migrations, statements, views

__all__ = ["Migrated", "current_epoch", "migrate", "pending", "switch_epoch"]

#: What two processes that replace the same view at the same moment may see of each other.
_COLLISIONS: Final = frozenset(
    {
        57,  # TABLE_ALREADY_EXISTS
        60,  # UNKNOWN_TABLE
        82,  # DATABASE_ALREADY_EXISTS
        473,  # DEADLOCK_AVOIDED
        741,  # TABLE_UUID_MISMATCH
    }
)
_ATTEMPTS: Final = 6
_PAUSE_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Migrated:
    """What ``migrate`` did: the files it applied, the views it replaced, and the epoch that views show."""

    applied: tuple[str, ...]
    views: tuple[str, ...]
    epoch: int


def migrate(client: Client, epoch: int) -> Migrated:
    """Bring the client's database to this version of the code; create it if it is not there.

    Views show ``epoch`` from now on if they showed none; else only ``switch_epoch`` changes it.

    Raises:
        Terminal: an applied migration was edited since, or the database was migrated by a newer version.
        Transient: ClickHouse is away or busy.
    """
    _run(client, f"CREATE DATABASE IF NOT EXISTS {quote_identifier(str(client.database))}", use_database=False)
    scripts = migrations()
    # The ledger is the first migration, and creating it again is harmless.
    _run_all(client, scripts[0])
    applied = pending(scripts, _ledger(client))
    for script in applied:
        _run_all(client, script)
        _record(client, script)
    replaced = views()
    for script in replaced:
        _run_all(client, script)
    _run(
        client,
        "INSERT INTO epochs (epoch) SELECT {epoch:UInt32} WHERE (SELECT count() FROM epochs) = 0",
        parameters={"epoch": epoch},
    )
    return Migrated(
        tuple(script.name for script in applied),
        tuple(script.name.removesuffix(".sql") for script in replaced),
        current_epoch(client),
    )


def pending(scripts: Sequence[Script], ledger: Mapping[str, str]) -> tuple[Script, ...]:
    """The scripts that ``ledger`` (checksum per file name) does not hold, in order.

    Raises:
        Terminal: the ledger and the scripts contradict each other.
    """
    newer = sorted(ledger.keys() - {script.name for script in scripts})
    if newer:
        raise Terminal(
            f"the database has migration {newer[-1]}, which this version does not know: "
            "it was migrated by a newer version, so install that one or a later one"
        )
    for script in scripts:
        recorded = ledger.get(script.name, script.checksum)
        if recorded != script.checksum:
            raise Terminal(
                f"migration {script.name} was edited after it was applied: checksum {script.checksum[:12]}, applied "
                f"{recorded[:12]}; restore the file, and put the change into a new migration"
            )
    return tuple(script for script in scripts if script.name not in ledger)


def switch_epoch(client: Client, epoch: int) -> None:
    """Let all views show ``epoch``, at once. Switching back is the same call with the old number."""
    # A clock that was set back must not make an older switch the latest one.
    _run(
        client,
        "INSERT INTO epochs "
        "SELECT {epoch:UInt32}, greatest(now64(6, 'UTC'), addMicroseconds(max(switched_at), 1)) FROM epochs",
        parameters={"epoch": epoch},
    )


def current_epoch(client: Client) -> int:
    """The epoch that views show; 0 when none was ever switched to."""
    with named_errors(client.uri):
        ((epoch,),) = client.query("SELECT epoch FROM internal_epoch").result_rows
    return int(epoch)


def _ledger(client: Client) -> dict[str, str]:
    with named_errors(client.uri):
        rows = client.query("SELECT name, checksum FROM schema_migrations FINAL").result_rows
    return {str(name): str(checksum) for name, checksum in rows}


def _record(client: Client, script: Script) -> None:
    _run(
        client,
        "INSERT INTO schema_migrations (name, checksum) VALUES ({name:String}, {checksum:String})",
        parameters={"name": script.name, "checksum": script.checksum},
    )


def _run_all(client: Client, script: Script) -> None:
    for statement in statements(script.text):
        _run(client, statement)


def _run(
    client: Client, statement: str, *, parameters: dict[str, object] | None = None, use_database: bool = True
) -> None:
    """Run one idempotent statement, again if another process ran the same one at the same moment."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            client.command(statement, parameters=parameters, use_database=use_database)
            return
        except ClickHouseError as error:
            if getattr(error, "code", None) not in _COLLISIONS or attempt == _ATTEMPTS:
                raise translate(error, client.uri) from error
        time.sleep(_PAUSE_S * attempt)
