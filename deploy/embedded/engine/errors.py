"""What the engine refuses, as ClickHouse numbers it.

Source of the numbers: ``src/Common/ErrorCodes.cpp`` of ClickHouse.
"""

import re
from enum import IntEnum
from typing import Self

from schemas.errors import PipelineError, Terminal

__all__ = ["ClickHouseError", "Code", "DataDirError"]

_CODE = re.compile(r"Code: (\d+)\.")


class Code(IntEnum):
    """Error codes that this project raises itself; all others come from the engine."""

    BAD_ARGUMENTS = 36
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    UNKNOWN_FORMAT = 73
    UNKNOWN_SETTING = 115
    READONLY = 164
    REQUIRED_PASSWORD = 194
    QUERY_IS_TOO_LARGE = 229
    CANNOT_DECOMPRESS = 271
    INTO_OUTFILE_NOT_ALLOWED = 358
    SESSION_NOT_FOUND = 372
    SESSION_IS_LOCKED = 373
    INVALID_SESSION_TIMEOUT = 374
    HTTP_LENGTH_REQUIRED = 381
    AUTHENTICATION_FAILED = 516
    UNKNOWN_EXCEPTION = 1002


class DataDirError(Terminal):
    """The data directory cannot be used: held by another process, missing, or not writable."""


class ClickHouseError(PipelineError):
    """A statement failed. ``code`` is ClickHouse's number; ``str()`` is the text a ClickHouse server would send."""

    def __init__(self, code: int, text: str) -> None:
        """``text`` as ``Code: N. DB::Exception: …``."""
        super().__init__(text)
        self.code = code

    @classmethod
    def of(cls, code: Code, message: str) -> Self:
        """An error of our own, in the engine's wording."""
        return cls(code, f"Code: {int(code)}. DB::Exception: {message} ({code.name})")

    @classmethod
    def from_engine(cls, error: BaseException) -> Self:
        """The engine's error without the binding's prefix; ``UNKNOWN_EXCEPTION`` when it bears no number."""
        text = str(error)
        found = _CODE.search(text)
        if found is None:
            return cls.of(Code.UNKNOWN_EXCEPTION, text)
        return cls(int(found[1]), text[found.start() :])
