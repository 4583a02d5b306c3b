"""ClickHouse's HTTP interface over the engine in this process, as a program of its own.

    python -m deploy.embedded.clickhouse_server --data-dir DIR --port PORT [--host 127.0.0.1]

With RETENTION_EMBEDDED_PASSWORD in the environment, requests must bring that password. SIGTERM and SIGINT let the
running statements finish, close the engine and end with status 0. A data directory or a port that cannot be had ends
with status 1 and one line on standard error.
"""

import argparse
import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from deploy.embedded.engine.engine import Engine
from deploy.embedded.engine.errors import ClickHouseError
from deploy.embedded.httpd.app import create_application
from schemas.errors import Terminal

__all__ = ["main", "serve"]

#: Statements that run at once; each has a connection of the engine to itself.
_WORKERS = 4
#: At the end, for sending the answers of statements that have finished.
_ANSWER_SECONDS = 5.0
_MAX_URL_BYTES = 1 << 20  # ClickHouse's http_max_uri_size


async def serve(engine: Engine, host: str, port: int, password: SecretStr) -> None:
    """Serve until SIGTERM or SIGINT. Raises Terminal when the port cannot be had."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="statement")
    runner = web.AppRunner(
        create_application(engine, workers, password),
        access_log=None,
        auto_decompress=False,
        max_line_size=_MAX_URL_BYTES,
        max_field_size=_MAX_URL_BYTES,
        shutdown_timeout=_ANSWER_SECONDS,
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise Terminal(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}; choose another --port"
        ) from error
    print(f"listening on http://{host}:{port}", flush=True)
    await stop.wait()
    await site.stop()
    await asyncio.to_thread(workers.shutdown)
    await runner.cleanup()


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.clickhouse_server", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="where the data live; made if missing")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args(arguments)
    password = SecretStr(os.environ.get("RETENTION_EMBEDDED_PASSWORD", ""))
    try:
        with Engine(options.data_dir) as engine:
            asyncio.run(serve(engine, options.host, options.port, password))
    except (ClickHouseError, Terminal) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
