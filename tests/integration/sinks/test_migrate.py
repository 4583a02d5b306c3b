"""Tables once, views always; what was applied is never edited; newer databases are left alone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.errors import Terminal
from sinks.client import Client, connect
from sinks.migrate import Migrated, current_epoch, migrate
from sinks.scripts import migrations, views


def objects(client: Client) -> list[tuple[str, str]]:
    found = client.query(
        "SELECT name, engine FROM system.tables WHERE database = {database:String} ORDER BY name",
        parameters={"database": client.database},
    )
    return [(str(name), str(engine)) for name, engine in found.result_rows]


def test_an_empty_server_gets_database_tables_views_and_epoch(bare: Client) -> None:
    done = migrate(bare, 4)
    assert done.applied == tuple(script.name for script in migrations())
    assert done.epoch == current_epoch(bare) == 4
    names = dict(objects(bare))
    assert {name for name, engine in names.items() if engine == "View"} == set(done.views)
    assert names.keys() >= {"cells", "users", "refused", "progress", "apps", "epochs", "schema_migrations"}


def test_migrating_again_applies_nothing_and_keeps_rows_and_epoch(bare: Client) -> None:
    migrate(bare, 4)
    bare.command("INSERT INTO apps (epoch, app_id, version) VALUES (4, 'shop', 1)")
    before = objects(bare)
    again = migrate(bare, 5)
    assert again.applied == ()
    assert again.epoch == 4
    assert objects(bare) == before
    assert bare.query("SELECT app_id FROM apps").result_rows == [("shop",)]


def test_a_view_that_was_changed_by_hand_is_put_right(client: Client) -> None:
    client.command("CREATE OR REPLACE VIEW dead_letters AS SELECT 1 AS wrong")
    migrate(client, 1)
    assert [row[0] for row in client.query("DESCRIBE TABLE dead_letters").result_rows][0] == "reason"


def test_an_applied_migration_that_was_edited_is_named(client: Client) -> None:
    client.command("INSERT INTO schema_migrations (name, checksum) VALUES ('0002_create_users.sql', 'abcdef')")
    with pytest.raises(Terminal, match=r"0002_create_users\.sql was edited after it was applied.*new migration"):
        migrate(client, 1)


def test_a_database_of_a_newer_version_is_left_alone(client: Client) -> None:
    client.command("INSERT INTO schema_migrations (name, checksum) VALUES ('9000_add_moods.sql', 'abcdef')")
    client.command("CREATE OR REPLACE VIEW dead_letters AS SELECT 1 AS newer")
    with pytest.raises(Terminal, match=r"9000_add_moods\.sql.*newer version"):
        migrate(client, 1)
    assert client.query("SELECT * FROM dead_letters").result_rows == [(1,)]


def test_a_migration_that_failed_half_way_is_finished_by_the_next_run(bare: Client) -> None:
    migrate(bare, 1)
    bare.command("ALTER TABLE schema_migrations DELETE WHERE name >= '0005' SETTINGS mutations_sync = 2")
    bare.command("DROP TABLE epochs")
    assert migrate(bare, 1).applied == ("0005_create_apps.sql", "0006_create_epochs.sql")
    assert current_epoch(bare) == 1


def test_processes_that_migrate_at_once_all_succeed(bare: Client, url: str) -> None:
    clients = [connect(url, "default", "", str(bare.database)) for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as threads:
        done: list[Migrated] = list(threads.map(lambda client: migrate(client, 3), clients))
    for client in clients:
        client.close()
    assert {result.epoch for result in done} == {3}
    assert migrate(bare, 3).applied == ()
    assert sum(engine == "View" for _, engine in objects(bare)) == len(views())
    assert bare.query("SELECT count() FROM schema_migrations FINAL").result_rows == [(len(migrations()),)]
