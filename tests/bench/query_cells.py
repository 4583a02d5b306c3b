"""Cells of a realistic table, made by numbers: several apps, 400 days, segments, and an epoch that is over.

How many cells there are depends on days, offsets, segments and partitions. Users only decide how large the counts are,
and which of the small ones are 0 and so have no row. That is why cells of 100 M users can be made without them.
"""

from typing import Final

from clickhouse_connect.driver.client import Client

__all__ = ["DAYS", "PARTITIONS", "TODAY", "app_name", "fill_app", "fill_progress"]

DAYS: Final = 400
PARTITIONS: Final = 4
#: 2025-12-31, in days since 1970-01-01.
TODAY: Final = 20_453
#: Each flush writes the cells of the latest days again, so parts that are not merged yet hold several versions.
_FLUSHES: Final = 20
_OPEN_DAYS: Final = 4
_VERSION: Final = 1_000_000

#: Share of a cohort that is active n days later.
_RATE: Final = "if(n = 0, 1, 0.35 / pow(n, 0.6))"
_SEGMENTS: Final = {"channel": 6, "platform": 2}
#: Family: the offsets it has, as the first one and one more than the last; each is bounded by the days that have come.
_BY_DAY: Final = {
    "new_daily": (0, 366),
    "unbounded": (0, 366),
    "active_daily": (0, 31),
}
_BY_WINDOW: Final = {
    "wau": (0, 1),
    "mau": (0, 1),
    "histogram_7": (1, 8),
    "histogram_28": (1, 29),
    "streak_activity": (1, 61),
    "streak_check_in": (1, 61),
}
_BY_WEEK: Final = {"new_weekly": (0, 53), "active_weekly": (0, 13)}

_CELLS: Final = """
INSERT INTO cells
SELECT
    {epoch:UInt32}, {family:String}, {app:String}, toDate(start), n, {segment:String}, {value:String}, part,
    toUInt64(round({cohort:Float64} * $rate * (0.8 + cityHash64(start, n, part) % 400 / 1000))) AS count,
    {version:UInt64} + start
FROM
(
    SELECT
        start,
        part,
        arrayJoin(range({low:UInt32}, toUInt32(greatest({low:UInt32}, least({high:UInt32}, $come))))) AS n
    FROM (SELECT {first:UInt32} + $step * number AS start FROM numbers({starts:UInt32})) AS starts
    CROSS JOIN (SELECT number AS part FROM numbers({partitions:UInt32})) AS parts
)
WHERE count > 0
SETTINGS async_insert = 0
"""


def app_name(number: int) -> str:
    """The id of one of the apps."""
    return f"wx{number:016x}"


def fill_app(client: Client, app: str, users: int, epoch: int) -> None:
    """Write the cells of an app that ``users`` users came to, evenly, in ``DAYS`` days, and its latest flushes."""
    client.command(
        "INSERT INTO apps VALUES ({epoch:UInt32}, {app:String}, 'Asia/Shanghai', 0, 3, [7, 30], 1)",
        {"epoch": epoch, "app": app},
    )
    cohort = users / DAYS / PARTITIONS
    common: dict[str, object] = {"epoch": epoch, "app": app, "segment": "", "value": "", "cohort": cohort}
    for family, offsets in _BY_DAY.items():
        _insert(client, common | {"family": family}, offsets, come=True)
    for family, offsets in _BY_WINDOW.items():
        _insert(client, common | {"family": family}, offsets)
    for family, offsets in _BY_WEEK.items():
        _insert(client, common | {"family": family}, offsets, weeks=True)
    for segment, values in _SEGMENTS.items():
        for number in range(values):
            cut = {"segment": segment, "value": f"{segment}{number}", "cohort": cohort / values}
            _insert(client, common | cut | {"family": "new_daily_segment"}, _BY_DAY["new_daily"], come=True)
    for flush in range(1, _FLUSHES + 1):
        for family, offsets in (("new_daily", (0, _OPEN_DAYS)), ("active_daily", (0, _OPEN_DAYS))):
            _insert(
                client, common | {"family": family, "version": _VERSION + flush}, offsets, come=True, days=_OPEN_DAYS
            )


def _insert(
    client: Client,
    values: dict[str, object],
    offsets: tuple[int, int],
    *,
    come: bool = False,
    weeks: bool = False,
    days: int = DAYS,
) -> None:
    """Cells of the latest ``days``; with ``come``, only those whose day has come."""
    first = TODAY - days + 1
    # 1970-01-01 was a Thursday.
    first -= (first + 3) % 7 if weeks else 0
    sql = _CELLS.replace("$rate", _RATE).replace("$step", "7" if weeks else "1")
    sql = sql.replace("$come", f"{TODAY} - start + 1" if come else "{high:UInt32}")
    bounds = {"low": offsets[0], "high": offsets[1], "first": first, "starts": days // 7 if weeks else days}
    client.command(sql, {"version": _VERSION, "partitions": PARTITIONS} | values | bounds)


def fill_progress(client: Client, epoch: int) -> None:
    """Say that every partition was read up to ``TODAY``."""
    client.command(
        "INSERT INTO progress (epoch, topic, partition, offset, watermark, version) "
        "SELECT {epoch:UInt32}, 'mp.events', number, 1, toDate({today:UInt32}), 1 FROM numbers({partitions:UInt32})",
        {"epoch": epoch, "today": TODAY, "partitions": PARTITIONS},
    )
