"""A study's home in an object store, for nodes that share no folder: the directory is then each node's working copy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from study.errors import UserError
from study.ledger import files
from study.ledger.files import PARTIAL, StorageError
from study.ledger.uri import has_secret, mask


class Remote:
    """A study's directory at a URI that all nodes reach: s3://, gs://, abfs://, hdfs:// or file:// (pyarrow.fs).

    A file appears there whole or not at all. Credentials are the environment's, as the store's own tools take them.
    folder: the working copy. Raises UserError for a URI that names no store, StorageError where the store refuses.
    """

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri, self.folder = uri, folder
        if has_secret(uri):
            raise UserError(_not_a_store(uri, "it holds a credential; give that in the environment"))
        try:
            self.store, root = fs.FileSystem.from_uri(uri)
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise UserError(_not_a_store(uri, str(error).splitlines()[0])) from error
        self.root = root.rstrip("/")
        if not self.root:
            raise UserError(_not_a_store(uri, "it names no bucket"))

    def push(self, path: Path) -> None:
        """Copies a file, or all files below a folder, from the working copy to the store; replaces what is there."""
        whole = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path] * path.is_file()
        for source in whole:
            if source.suffix != PARTIAL:
                self._put(source)

    def pull(self, path: Path, *, missing: bool = False) -> None:
        """Copies a file, or all files below a folder, from the store to the working copy, where the store has them.

        missing: leave those alone that the working copy has: for files that are written once.
        """
        with self._asking():
            found = self.store.get_file_info(self._at(path))
            below = fs.FileSelector(self._at(path), recursive=True, allow_not_found=True)
            infos = [found] if found.type == fs.FileType.File else self.store.get_file_info(below)
        for info in infos:
            target = self.folder / info.path.removeprefix(self.root).lstrip("/")
            if info.type == fs.FileType.File and target.suffix != PARTIAL and not (missing and target.exists()):
                files.write(target, self._content(info.path))

    def read(self, path: Path) -> bytes | None:
        """Returns what the store has at a path of the working copy; None where it has no file."""
        with self._asking():
            found = self.store.get_file_info(self._at(path))
        return self._content(found.path) if found.type == fs.FileType.File else None

    def _content(self, path: str) -> bytes:
        with self._asking(), self.store.open_input_stream(path) as source:
            return bytes(source.read())

    def _put(self, source: Path) -> None:
        target = self._at(source)
        partial = f"{target}{PARTIAL}"
        with self._asking():
            self.store.create_dir(target.rpartition("/")[0], recursive=True)
            with self.store.open_output_stream(partial) as sink:
                sink.write(source.read_bytes())
            self.store.move(partial, target)

    def _at(self, path: Path) -> str:
        below = path.relative_to(self.folder).as_posix()
        return self.root if below == "." else f"{self.root}/{below}"

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            first = " ".join(str(error).split())[:300]
            raise StorageError(
                f"{self.uri} (from --storage) does not take or give files: {first}. "
                "Nothing finished is lost: mend this, then launch or resume again"
            ) from error


def _not_a_store(uri: str, why: str) -> str:
    return f"--storage takes a URI such as s3://bucket/studies/NAME, got {mask(uri)!r}: {why}"
