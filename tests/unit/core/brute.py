"""What one user contributes to every cell, written straight from the definitions over plain sets of dates."""

from collections import Counter
from datetime import date, timedelta

EPOCH = date(1970, 1, 1)
CellKey = tuple[str, int, int]


def day(d: date) -> int:
    return (d - EPOCH).days


def dates(days: set[int]) -> set[date]:
    return {EPOCH + timedelta(days=d) for d in days}


def monday(d: date) -> date:
    return d - timedelta(days=d.weekday())


def month(d: date) -> date:
    return d.replace(day=1)


def months_between(a: date, b: date) -> int:
    return (b.year - a.year) * 12 + b.month - a.month


def run_ending_on(active: set[date], d: date) -> int:
    length = 0
    while d - timedelta(days=length) in active:
        length += 1
    return length


def cells(  # noqa: PLR0912 - one loop a definition
    active_days: set[int], check_in_days: set[int]
) -> Counter[CellKey]:
    """Every cell with what the user adds to it."""
    found: Counter[CellKey] = Counter()
    active, check_ins = dates(active_days), dates(check_in_days)
    for d in check_ins:
        found["streak_check_in", day(d), run_ending_on(check_ins, d)] += 1
    if not active:
        return found
    first = min(active)
    for d in active:
        if (d - first).days <= 365:
            found["new_daily", day(first), (d - first).days] += 1
        for later in active:
            if 0 <= (later - d).days <= 30:
                found["active_daily", day(d), (later - d).days] += 1
        found["streak_activity", day(d), run_ending_on(active, d)] += 1
    weeks, months = {monday(d) for d in active}, {month(d) for d in active}
    for w in weeks:
        if (w - monday(first)).days <= 52 * 7:
            found["new_weekly", day(monday(first)), (w - monday(first)).days // 7] += 1
        for later in weeks:
            if 0 <= (later - w).days <= 12 * 7:
                found["active_weekly", day(w), (later - w).days // 7] += 1
    for m in months:
        if months_between(month(first), m) <= 12:
            found["new_monthly", day(month(first)), months_between(month(first), m)] += 1
        for later in months:
            if 0 <= months_between(m, later) <= 12:
                found["active_monthly", day(m), months_between(m, later)] += 1
    reach = max((d - first).days for d in active if (d - first).days <= 365)
    for n in range(reach + 1):
        found["unbounded", day(first), n] += 1
    windows = (("wau", 7, False), ("mau", 30, False), ("histogram_7", 7, True), ("histogram_28", 28, True))
    for family, width, counted in windows:
        for x in {d + timedelta(days=k) for d in active for k in range(width)}:
            inside = sum(x - timedelta(days=width - 1) <= d <= x for d in active)
            found[family, day(x), inside if counted else 0] += 1
    return found


def last_day(family: str, start: int, n: int) -> int:
    """The last day whose activity the cell counts, by the definitions."""
    begin = EPOCH + timedelta(days=start)
    if family in ("new_daily", "active_daily", "new_daily_segment"):
        return start + n
    if family in ("new_weekly", "active_weekly"):
        return start + 7 * n + 6
    if family in ("new_monthly", "active_monthly"):
        index = begin.year * 12 + begin.month - 1 + n + 1
        return day(date(index // 12, index % 12 + 1, 1)) - 1
    return start + 365 if family == "unbounded" else start
