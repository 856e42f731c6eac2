"""Tracking URIs."""

from pathlib import Path

import pytest

from study.errors import UserError
from study.ledger.uri import absolute, check, has_secret, mask, sqlite_path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:secret@host:5000/a?b=c", "http://***@host:5000/a?b=c"),
        ("https://token@Host/x", "https://***@Host/x"),
        ("postgresql://u:p%40ss@db:5432/mlflow", "postgresql://***@db:5432/mlflow"),
        ("http://u:p@ss@host/", "http://***@host/"),
        ("http://u:p@[::1]:5000/x", "http://***@[::1]:5000/x"),
        ("http://host:5000", "http://host:5000"),
        ("http://host/path@version?mail=a@b", "http://host/path@version?mail=a@b"),
        ("sqlite:////data/a@b/mlflow.db", "sqlite:////data/a@b/mlflow.db"),
        ("databricks", "databricks"),
        ("study launch s --tracking-uri http://u:pw@h:1/a --seeds 2",
         "study launch s --tracking-uri http://***@h:1/a --seeds 2"),
        ("postgresql+pg8000://h/db?user=u&password=s3cret&a=b", "postgresql+pg8000://h/db?user=u&password=***&a=b"),
        ("s3://b/x?secret_key=abc and http://h/?monkeys", "s3://b/x?secret_key=*** and http://h/?monkeys"),
        ("a http://u:p@one and 'https://v:q@two/x'", "a http://***@one and 'https://***@two/x'"),
    ],
)  # fmt: skip
def test_users_and_passwords_are_not_shown(text: str, shown: str) -> None:
    assert mask(text) == shown and mask(shown) == shown


@pytest.mark.parametrize(
    ("uri", "secret"),
    [
        ("s3://key:secret@bucket/x", True),
        ("abfs://c@account.dfs.core.windows.net/x?client_secret=S", True),
        ("abfs://c@account.dfs.core.windows.net/x", False),
        ("hdfs://user@host:8020/x", False),
        ("s3://bucket/x?region=us-east-1", False),
    ],
)
def test_a_name_alone_is_no_secret(uri: str, secret: bool) -> None:
    assert has_secret(uri) is secret


def test_a_relative_store_is_the_same_file_from_everywhere() -> None:
    assert absolute("sqlite:///a/mlflow.db") == f"sqlite:///{Path.cwd() / 'a/mlflow.db'}"
    assert [absolute(uri) for uri in ("sqlite:////data/x.db", "http://h:1")] == ["sqlite:////data/x.db", "http://h:1"]


def test_the_file_of_a_store() -> None:
    assert sqlite_path("sqlite:////data/mlflow.db") == Path("/data/mlflow.db")
    assert sqlite_path("http://host") is None


@pytest.mark.parametrize(
    "uri", ["http://h:5000", "https://h/x", "postgresql+psycopg2://u@h/d", "sqlite:////a b/[x]/m.db"]
)
def test_a_server_or_a_database_is_taken(uri: str) -> None:
    check(uri)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("localhost:5000", "which is no server and no database. Is it http://localhost:5000\\?"),
        ("mlruns", "Valid: http://HOST:PORT"),
        ("file:///tmp/mlruns", "no server and no database"),
        ("sqlite:////a/feature%2Fnoise/m.db", "whose path has %"),
        ("sqlite:////a#b?c/m.db", "has # and \\?"),
    ],
)
def test_what_mlflow_would_not_take_is_one_line(uri: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        check(uri)
    assert "\n" not in str(error.value)
