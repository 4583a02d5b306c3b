"""Who may ask: with a password configured, only those who know it; any user name will do."""

import binascii
import hmac
from base64 import b64decode

from aiohttp import web
from pydantic import SecretStr

from deploy.embedded.engine.errors import ClickHouseError, Code

__all__ = ["authenticate"]


def authenticate(request: web.Request, password: SecretStr) -> None:
    """Check the request's password in any of the places where ClickHouse's clients put it.

    Raises ClickHouseError: REQUIRED_PASSWORD when there is none, AUTHENTICATION_FAILED when it is another.
    """
    wanted = password.get_secret_value()
    if not wanted:
        return
    given = _given(request)
    if given is None:
        raise ClickHouseError.of(Code.REQUIRED_PASSWORD, "A password is required (RETENTION_EMBEDDED_PASSWORD is set).")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise ClickHouseError.of(Code.AUTHENTICATION_FAILED, "Authentication failed: password is incorrect.")


def _given(request: web.Request) -> str | None:
    if "X-ClickHouse-Key" in request.headers:
        return request.headers["X-ClickHouse-Key"]
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    match scheme.lower():
        case "basic":
            try:
                return b64decode(credentials, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        case "bearer":
            return credentials
    return request.query.get("password")
