"""What one request sets, the next must not see, unless both name the same session."""

from concurrent.futures import ThreadPoolExecutor

from tests.integration.embedded.web import Web

BLOCK_SIZE = "SELECT getSetting('max_block_size')"


def test_a_setting_holds_for_its_request_alone(web: Web) -> None:
    usual = web.run(BLOCK_SIZE)
    assert web.run(BLOCK_SIZE, max_block_size="7") == "7\n"
    web.run("SET max_block_size = 8")
    assert web.run(BLOCK_SIZE) == usual


def test_a_parameter_or_a_temporary_table_holds_for_its_request_alone(web: Web) -> None:
    web.run("SELECT {x:UInt8}", param_x="1")
    assert web.post("SELECT {x:UInt8}").code == 456
    web.run("CREATE TEMPORARY TABLE mine (a Int8)")
    assert web.post("SELECT * FROM mine").code == 60


def test_a_session_keeps_settings_tables_and_database(web: Web) -> None:
    web.run("SET max_block_size = 8", session_id="kept")
    web.run("CREATE TEMPORARY TABLE mine (a Int8)", session_id="kept")
    web.run("INSERT INTO mine VALUES (3)", session_id="kept")
    assert web.run(BLOCK_SIZE, session_id="kept") == "8\n"
    assert web.run("SELECT a FROM mine", session_id="kept") == "3\n"
    assert web.post("SELECT a FROM mine", session_id="another").code == 60


def test_in_a_session_too_the_address_holds_for_its_request_alone(web: Web) -> None:
    web.run("SET max_block_size = 8", session_id="own")
    web.run("USE system", session_id="own")  # a request that names a database too
    both = "SELECT getSetting('max_block_size'), getSetting('max_threads') = 3, currentDatabase()"
    assert web.run(both, session_id="own", max_block_size="9", max_threads="3") == f"9\t1\t{web.database}\n"
    after = web.send("POST", "/?session_id=own", both.encode())
    assert after.body == b"8\t0\tsystem\n"


def test_a_session_serves_one_request_at_a_time(web: Web) -> None:
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(web.get, "SELECT sum(sleepEachRow(0.2)) FROM numbers(10)", session_id="busy")
        seen = set()
        while not slow.done():
            seen.add(web.get("SELECT 1", session_id="busy").code)
        assert slow.result().status in (200, 500)  # it, or the other, came first
        assert 373 in seen | {slow.result().code}


def test_a_session_can_be_asked_for_and_closed(web: Web) -> None:
    assert web.get("SELECT 1", session_id="asked", session_check="1").code == 372
    web.run("SET max_block_size = 8", session_id="asked")
    assert web.get(BLOCK_SIZE, session_id="asked", session_check="1").body == b"8\n"
    web.run("SELECT 1", session_id="asked", close_session="1")
    assert web.get("SELECT 1", session_id="asked", session_check="1").code == 372
    assert web.get("SELECT 1", session_id="asked", session_timeout="99999").code == 374


def test_a_session_that_a_request_made_readonly_is_replaced(web: Web) -> None:
    web.run("SELECT 1", session_id="locked-in", readonly="1")
    assert web.run("SELECT getSetting('readonly')", session_id="locked-in") == "0\n"


def test_a_get_in_a_session_changes_nothing(web: Web) -> None:
    web.run("CREATE TEMPORARY TABLE mine (a Int8)", session_id="reading")
    assert web.get("INSERT INTO mine VALUES (1)", session_id="reading").code == 164
    assert web.get("SELECT count() FROM mine", session_id="reading").body == b"0\n"
