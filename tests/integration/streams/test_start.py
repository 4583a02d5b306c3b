"""A worker whose broker goes away between the check and the start."""

import subprocess
import sys

from tests.ports import reserve_port

#: What ``retention worker`` runs after it has checked that the topics are there. It ends the process, come what may.
_START = """
import sys
from deploy.connection import clickhouse_sink
from deploy.settings import Settings, stream_settings
from streams.app import create_app
from streams.run import run_worker
settings = Settings(kafka_bootstrap=sys.argv[1])
run_worker(create_app(stream_settings(settings), clickhouse_sink(settings)))
"""


def test_a_broker_that_went_away_while_the_worker_started_is_named() -> None:
    broker = f"127.0.0.1:{reserve_port()}"
    ended = subprocess.run([sys.executable, "-c", _START, broker], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith(f"schemas.errors.Terminal: Kafka at {broker} stopped answering while the worker started")
