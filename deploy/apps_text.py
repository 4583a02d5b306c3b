"""The text of the setting RETENTION_APPS: JSON, or ``@`` and the path of a JSON file."""

import json
from pathlib import Path
from typing import Any

__all__ = ["read_apps"]


def read_apps(value: Any) -> Any:
    """Turn the text into the catalog's plain data; anything but text stays as it is.

    Raises:
        ValueError: the file cannot be read, or the text is not JSON; the message says what to write.
    """
    if not isinstance(value, str):
        return value
    text = value
    if value.startswith("@"):
        path = Path(value[1:]).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"the file {str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error}); write a JSON object, or @ and the path of a JSON file") from error
