"""A store keeps what is pushed, whole; a working copy gets what it lacks. On files, and over the S3 protocol."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from study.errors import UserError
from study.ledger.files import StorageError
from study.ledger.remote import Remote
from tests.support import free_port


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A server of the S3 protocol on the loopback interface, with one bucket."""
    pytest.importorskip("moto", reason="moto, a local server of the S3 protocol, is not installed")
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    urlopen(Request(f"http://127.0.0.1:{port}/bucket", method="PUT"), timeout=5).close()
                    break
                except (URLError, TimeoutError):
                    assert time.monotonic() < until and server.poll() is None
                    time.sleep(0.2)
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("AWS_ACCESS_KEY_ID", "key")
                environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
                yield f"s3://bucket/studies/one?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
        finally:
            server.terminate()


@pytest.fixture(params=["file", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return (tmp_path / "store").as_uri()
    whole: str = request.getfixturevalue("s3")
    return whole.replace("/one?", f"/{tmp_path.name}?")


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_another_working_copy_gets_what_was_pushed(uri: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    put(here / "study.json", b"{}")
    put(here / "trials" / "k" / "checkpoint.pt", os.urandom(3_000_000))
    put(here / "trials" / "k" / "half.tmp", b"nobody's")
    Remote(uri, here).push(here)
    Remote(uri, there).pull(there)
    expected = tree(here)
    del expected["trials/k/half.tmp"]
    assert tree(there) == expected


def test_a_push_replaces_and_a_pull_follows(uri: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for content in (b"first", b"second, and longer"):
        put(here / "trials" / "k" / "checkpoint.pt", content)
        Remote(uri, here).push(here / "trials" / "k")
        Remote(uri, there).pull(there / "trials" / "k")
        assert tree(there) == {"trials/k/checkpoint.pt": content}


def test_what_is_written_once_is_fetched_once(uri: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    put(here / "results" / "a", b"theirs")
    put(here / "results" / "b", b"theirs")
    put(there / "results" / "a", b"mine")
    Remote(uri, here).push(here)
    Remote(uri, there).pull(there / "results", missing=True)
    assert tree(there) == {"results/a": b"mine", "results/b": b"theirs"}


def test_what_is_not_there_is_no_error(uri: str, tmp_path: Path) -> None:
    remote = Remote(uri, tmp_path / "here")
    remote.pull(tmp_path / "here" / "trials" / "k")
    remote.push(tmp_path / "here" / "trials" / "k")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("wrong", ["nowhere", "ftp://host/x", "s3://"])
def test_a_uri_of_no_store_is_one_line(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--storage takes a URI such as s3://") as error:
        Remote(wrong, tmp_path)
    assert "\n" not in str(error.value)


def test_a_store_that_refuses_is_one_line(s3: str, tmp_path: Path) -> None:
    put(tmp_path / "a", b"x")
    with pytest.raises(StorageError, match="does not take or give files") as error:
        Remote(s3.replace("//bucket", "//elsewhere"), tmp_path).push(tmp_path / "a")
    assert "\n" not in str(error.value)


def test_a_credential_in_the_uri_is_refused_unseen(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds a credential") as error:
        Remote("s3://key:secret@bucket/x", tmp_path)
    assert "secret" not in str(error.value)


def test_what_has_not_changed_is_not_copied_again(tmp_path: Path) -> None:
    here, store = tmp_path / "here", tmp_path / "store"
    best, last = here / "trials/k/best.pt", here / "trials/k/checkpoint.pt"
    put(best, b"weights")
    put(last, b"one")
    remote = Remote(store.as_uri(), here)
    remote.push(best, last)
    copied = {path.name: path.stat().st_ino for path in (store / "trials/k").iterdir()}
    put(last, b"longer")
    remote.push(best, last)
    again = {path.name: path.stat().st_ino for path in (store / "trials/k").iterdir()}
    assert again["best.pt"] == copied["best.pt"] and (store / "trials/k/checkpoint.pt").read_bytes() == b"longer"
    assert again["checkpoint.pt"] != copied["checkpoint.pt"]


def test_what_is_deleted_is_gone_on_both_sides(uri: str, tmp_path: Path) -> None:
    here = tmp_path / "here"
    put(here / "trials/k/failure.json", b"{}")
    remote = Remote(uri, here)
    remote.push(here)
    remote.delete(here / "trials/k/failure.json")
    remote.delete(here / "trials/k/failure.json")  # again is no error
    assert remote.read(here / "trials/k/failure.json") is None
    put(here / "trials/k/failure.json", b"{}")
    remote.push(here)
    assert remote.read(here / "trials/k/failure.json") == b"{}"
