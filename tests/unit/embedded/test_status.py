import pytest

from deploy.embedded.httpd.status import content_type, http_status


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (62, 400),
        (6, 400),
        (60, 404),
        (81, 404),
        (115, 404),
        (47, 404),
        (164, 500),
        (241, 500),
        (516, 403),
        (194, 401),
        (48, 501),
    ],
)
def test_an_error_code_has_the_status_that_clickhouse_gives_it(code: int, status: int) -> None:
    assert http_status(code) == status


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("JSON", "application/json; charset=UTF-8"),
        ("JSONCompact", "application/json; charset=UTF-8"),
        ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
        ("JSONCompactEachRowWithNames", "application/x-ndjson; charset=UTF-8"),
        ("CSVWithNames", "text/csv; charset=UTF-8; header=present"),
        ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
        ("Native", "application/octet-stream"),
        ("PrettyCompact", "text/plain; charset=UTF-8"),
    ],
)
def test_a_format_has_the_media_type_of_its_output(name: str, media_type: str) -> None:
    assert content_type(name) == media_type
