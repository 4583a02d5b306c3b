"""The directory in which the embedded services keep a run: what is in it, and the right to wipe it.

``DIR/run.json`` marks a directory as ours, ``DIR/clickhouse`` holds the data, ``DIR/logs`` what the services wrote.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import Terminal

__all__ = ["RunDir"]

_MARKER: Final = "run.json"
_OURS: Final = ("clickhouse", "logs")


@dataclass(frozen=True, slots=True)
class RunDir:
    """A directory that holds, or will hold, one run."""

    path: Path

    @property
    def clickhouse(self) -> Path:
        """Data of the embedded ClickHouse."""
        return self.path / "clickhouse"

    @property
    def logs(self) -> Path:
        """Logs of the services."""
        return self.path / "logs"

    def create(self, *, fresh: bool = False) -> None:
        """Make the directory ready for a new run; with ``fresh`` an earlier run in it is wiped first, and nothing else.

        Raises:
            Terminal: it holds a run already, or something that is not ours, or cannot be written.
        """
        try:
            if self._marker.exists():
                if not fresh:
                    raise Terminal(
                        f"{self.path} holds a run already: choose another --data-dir, or wipe that run with --fresh"
                    )
                self._wipe()
            foreign = [name for name in _OURS if (self.path / name).exists()]
            if foreign:
                raise Terminal(
                    f"{self.path / foreign[0]} was not made by a run: choose another --data-dir, or move it away"
                )
            self.logs.mkdir(parents=True)
            self._marker.write_text(json.dumps({"format": 1}) + "\n", encoding="utf-8")
        except OSError as error:
            raise Terminal(f"{self.path} cannot be used for a run: {error.strerror}") from error

    def require(self) -> None:
        """Make sure that there is a run to read.

        Raises:
            Terminal: there is none.
        """
        if not self.clickhouse.is_dir():
            raise Terminal(f"{self.path} holds no run: 'retention run FILE --data-dir {self.path}' makes one")

    @property
    def _marker(self) -> Path:
        return self.path / _MARKER

    def _wipe(self) -> None:
        for name in _OURS:
            if (self.path / name).exists():
                shutil.rmtree(self.path / name)
        self._marker.unlink()
