"""Read the data that an embedded ClickHouse left behind, with no server running."""

from pathlib import Path

__all__ = ["query_at_rest"]


def query_at_rest(data_dir: Path, sql: str, fmt: str = "PrettyCompact", database: str = "retention") -> bytes:
    """The encoded result of ``sql`` on ``data_dir``; a FORMAT clause in ``sql`` wins over ``fmt``.

    Raises:
        DataDirError: the directory is missing or another process holds it (query that process's port instead).
        ClickHouseError: the engine refuses the statement, or ``database`` does not exist.
    """
    from deploy.embedded.engine.engine import Engine, Job  # loads 500 MB: only when asked

    with Engine(data_dir, create=False) as engine:
        answer, _ = engine.run(Job(query=sql.encode(), default_format=fmt, database=database))
    return answer.body
