"""Tracking URIs: where an SQLite store lies, and what of a URI may be shown."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


def sqlite_path(uri: str) -> Path | None:
    """Returns the file of an SQLite store, or None for a URI of another kind."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def mask(uri: str) -> str:
    """Returns the URI without user and password, fit for printing and storing."""
    parts = urlsplit(uri)
    if parts.username is None and parts.password is None:
        return uri
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return urlunsplit(parts._replace(netloc=f"***@{host}"))
