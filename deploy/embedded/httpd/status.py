"""HTTP status of an engine error, and media type of a format, as ClickHouse's server answers them.

Source: ``src/Server/HTTP/exceptionCodeToHTTPStatus.cpp`` and the output formats' content types in ClickHouse.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["content_type", "http_status"]

# SYNTAX_ERROR, BAD_ARGUMENTS, TYPE_MISMATCH, INCORRECT_DATA, everything CANNOT_PARSE_* and the like.
_BAD_REQUEST = (
    *(6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168),
    *(223, 321, 376, 427, 441, 675, 676),
)
# UNKNOWN_TABLE, UNKNOWN_DATABASE, UNKNOWN_IDENTIFIER, UNKNOWN_FUNCTION, UNKNOWN_SETTING and the like.
_NOT_FOUND = (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511)

_STATUS: Mapping[int, int] = MappingProxyType(
    {
        **dict.fromkeys(_BAD_REQUEST, 400),
        **dict.fromkeys(_NOT_FOUND, 404),
        194: 401,  # REQUIRED_PASSWORD
        192: 403,  # UNKNOWN_USER
        193: 403,  # WRONG_PASSWORD
        497: 403,  # ACCESS_DENIED
        512: 403,  # SET_NON_GRANTED_ROLE
        516: 403,  # AUTHENTICATION_FAILED
        159: 408,  # TIMEOUT_EXCEEDED
        381: 411,  # HTTP_LENGTH_REQUIRED
        229: 413,  # QUERY_IS_TOO_LARGE
        48: 501,  # NOT_IMPLEMENTED
        76: 503,  # CANNOT_OPEN_FILE
        209: 503,  # SOCKET_TIMEOUT
        439: 503,  # CANNOT_SCHEDULE_TASK
    }
)


def http_status(code: int) -> int:
    """HTTP status for a ClickHouse error code; 500 for all that are not the client's doing."""
    return _STATUS.get(code, 500)


def content_type(output: str) -> str:
    """Media type of a format's output."""
    name = output.lower()
    if name.startswith("json"):
        each_row = name.endswith("eachrow") or "eachrowwith" in name or name == "jsonlines"
        return "application/x-ndjson; charset=UTF-8" if each_row else "application/json; charset=UTF-8"
    if name.startswith("csv"):
        return "text/csv; charset=UTF-8; header=" + ("present" if "withnames" in name else "absent")
    if name.startswith(("tabseparated", "tsv")):
        return "text/tab-separated-values; charset=UTF-8"
    if name == "xml":
        return "application/xml; charset=UTF-8"
    if name in ("native", "rowbinary", "parquet", "arrow", "arrowstream", "orc", "avro", "npy", "msgpack"):
        return "application/octet-stream"
    return "text/plain; charset=UTF-8"
