"""Throughput of the whole pipeline, beside the same fold in a plain Faust agent, on embedded services.

    python -m tests.bench [--events N] [--users N] [--rounds N]

Everything runs on this machine and shares its cores. Rates leave out the start: they count from the first progress seen
to the last. CPU seconds are those of the worker process alone.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from clickhouse_connect import get_client

from deploy.embedded.broker import EmbeddedBroker
from deploy.embedded.clickhouse import EmbeddedClickHouse
from deploy.migrating import migrate_all
from deploy.settings import Settings, settings_environment
from tests.bench.workload import fill_topic

PARTITIONS: Final = 4
_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: The plain agent is slow; a few seconds of it say as much as a minute.
_PLAIN_SECONDS: Final = 12.0


class Result(NamedTuple):
    """Events per second, CPU seconds per million events, and the largest resident memory in MiB."""

    rate: float
    cpu: float
    memory: float


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure_pipeline(settings: Settings, events: int) -> Result:
    """One worker folds the whole topic into ClickHouse."""
    migrate_all(settings)
    client = get_client(dsn=f"{settings.clickhouse_url}/{settings.clickhouse_database}")
    worker = subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "worker"],
        env={**os.environ, **settings_environment(settings), "RETENTION_LOG_LEVEL": "WARNING"},
    )
    began: tuple[float, int, float] | None = None
    try:
        while True:
            time.sleep(0.2)
            if worker.poll() is not None:
                raise SystemExit(f"the worker ended with {worker.returncode}")
            (row,) = client.query(
                "SELECT sum(accepted) FROM progress FINAL WHERE epoch = {epoch:UInt32}", {"epoch": settings.epoch}
            ).result_rows
            folded, now, cpu = int(row[0]), time.monotonic(), _cpu_seconds(worker.pid)
            if began is None and folded:
                began = now, folded, cpu
            if began is not None and folded >= events:
                done = folded - began[1]
                return Result(done / (now - began[0]), (cpu - began[2]) / done * 1e6, _peak_mib(worker.pid))
    finally:
        worker.terminate()
        worker.wait()
        client.close()


def measure_plain_agent(settings: Settings) -> Result:
    """The same fold, one event at a time, state in a Faust table."""
    agent = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.plain_agent", settings.kafka_bootstrap, str(PARTITIONS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert agent.stdout is not None
    began: tuple[float, int, float] | None = None
    try:
        for line in agent.stdout:
            folded, now = int(line.split()[0]), float(line.split()[1])
            cpu = _cpu_seconds(agent.pid)
            if began is None and folded:
                began = now, folded, cpu
            elif began is not None and now - began[0] >= _PLAIN_SECONDS:
                done = folded - began[1]
                return Result(done / (now - began[0]), (cpu - began[2]) / done * 1e6, _peak_mib(agent.pid))
        raise SystemExit(f"the plain agent ended with {agent.wait()}")
    finally:
        agent.kill()
        agent.wait()


def main() -> None:
    """Measure both in turn, in each round, and print the medians."""
    parser = argparse.ArgumentParser(description="Throughput of the pipeline beside a plain Faust agent.")
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pipeline: list[Result] = []
    plain: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        with EmbeddedBroker(None, base) as broker, EmbeddedClickHouse(base / "data", None, base) as clickhouse:
            settings = Settings(
                kafka_bootstrap=broker.bootstrap,
                clickhouse_url=clickhouse.url,
                partitions=PARTITIONS,
                session_timeout_s=8,
            )
            migrate_all(settings)
            fill_topic(settings, options.events, options.users)
            for round_number in range(1, options.rounds + 1):
                # Each round is an epoch of its own: another consumer group, another changelog, the same topic.
                pipeline.append(measure_pipeline(settings.model_copy(update={"epoch": round_number}), options.events))
                plain.append(measure_plain_agent(settings))
                print(f"round {round_number}: pipeline {pipeline[-1].rate:,.0f}/s, plain agent {plain[-1].rate:,.0f}/s")
    _print_table(options.events, options.users, pipeline, plain)


def _print_table(events: int, users: int, pipeline: list[Result], plain: list[Result]) -> None:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"\n{events:,} events of {users:,} users, {PARTITIONS} partitions; {machine}")
    print(f"{'':<28}{'events/s':>12}{'CPU s per million':>20}{'peak MiB':>10}")
    for name, results in (("pipeline, end to end", pipeline), ("plain Faust agent + table", plain)):
        rate, cpu, memory = (statistics.median(values) for values in zip(*results, strict=True))
        print(f"{name:<28}{rate:>12,.0f}{cpu:>20.1f}{memory:>10.0f}")
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(pipeline, plain, strict=True)]
    print(f"ratio, round by round: {', '.join(f'{ratio:.1f}' for ratio in ratios)}")


if __name__ == "__main__":
    main()
