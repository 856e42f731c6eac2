"""Tracking URIs: where an SQLite store lies, and what of a URI may be shown."""

import re
from pathlib import Path


def sqlite_path(uri: str) -> Path | None:
    """Returns the file of an SQLite store, or None for a URI of another kind."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def mask(text: str) -> str:
    """Returns a URI, or a text with URIs in it, without users and passwords: fit for printing and storing."""
    return re.sub(r"(?<=://)[^/?#\s]*@", "***@", text)
