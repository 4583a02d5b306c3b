"""ClickHouse for trying out, developing and testing: the chDB engine behind ClickHouse's HTTP interface."""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.embedded.engine.datadir import DataDirLock
from deploy.embedded.service import EmbeddedService

__all__ = ["EmbeddedClickHouse"]

_ROOT = Path(__file__).resolve().parents[2]


class EmbeddedClickHouse(EmbeddedService):
    """ClickHouse on ``data_dir``, as a process of its own; acknowledged rows stay there, also after kill -9."""

    name = "clickhouse"
    flag = "--clickhouse-port"

    def __init__(
        self, data_dir: Path, port: int | None = None, log_dir: Path | None = None, *, explicit: bool = False
    ) -> None:
        """``log_dir`` defaults to ``data_dir``; ``port`` and ``explicit`` as in EmbeddedService."""
        self._data_dir = data_dir.absolute()
        super().__init__(port, log_dir or self._data_dir, explicit=explicit)

    def start(self) -> Self:
        """As EmbeddedService; raises DataDirError too, in one line, when another process holds the data directory."""
        DataDirLock(self._data_dir).release()
        return super().start()

    @property
    def url(self) -> str:
        """Base URL of the HTTP interface."""
        return f"http://{self.host}:{self.port}"

    def command(self) -> Sequence[str]:
        """The server module, run by this Python."""
        options = ["--data-dir", str(self._data_dir), "--host", self.host, "--port", str(self.port)]
        return [sys.executable, "-m", "deploy.embedded.clickhouse_server", *options]

    def environment(self) -> Mapping[str, str]:
        """Ours, so that the server module is found wherever we were started."""
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        return {**os.environ, "PYTHONPATH": path}

    def answers(self) -> bool:
        """GET /ping."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().read() == b"Ok.\n"
        except OSError:
            return False
        finally:
            connection.close()
