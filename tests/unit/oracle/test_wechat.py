from tests.unit.oracle.worked import did, view

#: Monday 26 February to Monday 11 March. u1 is new in the first week and back in the third, u2 new in the second.
WEEKS = (did("u1", "2024-02-26"), did("u1", "2024-03-03"), did("u2", "2024-03-04"), did("u1", "2024-03-11"))


def test_daily_has_a_row_for_each_day_and_keys_that_have_come() -> None:
    rows = view("wechat_daily_retain", *WEEKS)
    assert len(rows) == 15
    assert rows["20240226",] == (
        [(0, 1), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 1), (7, 0), (14, 1)],
        [(0, 1), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 1), (7, 0), (14, 1)],
    )
    assert rows["20240303",] == (
        [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)],
        [(0, 1), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)],
    )
    assert rows["20240310",] == ([(0, 0), (1, 0)], [(0, 0), (1, 0)])
    assert rows["20240311",] == ([(0, 0)], [(0, 1)])


def test_daily_ends_with_key_30() -> None:
    rows = view("wechat_daily_retain", did("u", "2024-01-01"), did("u", "2024-01-31"), did("u", "2024-03-31"))
    new, active = rows["20240101",]
    assert [key for key, _ in new] == [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]
    assert new[-1] == active[-1] == (30, 1)


def test_weekly_runs_from_monday_to_sunday() -> None:
    assert view("wechat_weekly_retain", *WEEKS) == {
        ("20240226-20240303",): ([(0, 1), (1, 0), (2, 1)], [(0, 1), (1, 0), (2, 1)]),
        ("20240304-20240310",): ([(0, 1), (1, 0)], [(0, 1), (1, 0)]),
        ("20240311-20240317",): ([(0, 0)], [(0, 1)]),
    }


def test_weekly_ends_with_key_4() -> None:
    rows = view("wechat_weekly_retain", did("u", "2024-01-01"), did("u", "2024-03-01"))
    assert [key for key, _ in rows["20240101-20240107",][0]] == [0, 1, 2, 3, 4]


def test_monthly_has_keys_0_and_1() -> None:
    rows = view("wechat_monthly_retain", did("u", "2023-12-31"), did("v", "2024-01-01"), did("v", "2024-02-29"))
    assert rows == {
        ("202312",): ([(0, 1), (1, 0)], [(0, 1), (1, 0)]),
        ("202401",): ([(0, 1), (1, 1)], [(0, 1), (1, 1)]),
        ("202402",): ([(0, 0)], [(0, 1)]),
    }
