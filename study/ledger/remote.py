"""A study's home in an object store, for nodes that share no folder: the directory is then each node's working copy."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from study.errors import UserError
from study.ledger import files
from study.ledger.files import PARTIAL, StorageError
from study.ledger.uri import has_secret, mask

TRANSFERS = 16
"""Files that are copied at a time: each waits for the store's answer."""


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
        self._pushed: dict[Path, tuple[int, int]] = {}
        """File -> time and size of what was copied to the store last."""
        if not self.root:
            raise UserError(_not_a_store(uri, "it names no bucket"))

    def push(self, *paths: Path) -> None:
        """Copies files, and all files below folders, from the working copy to the store; replaces what is there.

        A file that this object has copied and that has not changed since is not copied again.
        """
        whole = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
        self._each(self._put, [file for file in whole if file.is_file() and file.suffix != PARTIAL])

    def pull(self, path: Path, *, missing: bool = False) -> None:
        """Copies a file, or all files below a folder, from the store to the working copy, where the store has them.

        missing: leave those alone that the working copy has: for files that are written once.
        """
        targets = [self.folder / name for name in self._names(path)]
        self._each(self._get, [target for target in targets if not (missing and target.exists())])

    def sync(self, path: Path, wanted: Callable[[Path], bool], removable: str) -> None:
        """Brings the wanted files below a folder to both sides, where one lacks them; of two versions each keeps its
        own. A file of the name `removable` that the store lacks was removed by another machine, and is removed here.
        """
        stored = {target for name in self._names(path) if wanted(target := self.folder / name)}
        own = {target for target in path.rglob("*") if target.is_file() and wanted(target)}
        self._each(self._get, sorted(stored - own))
        for target in own - stored:
            if target.name == removable:
                target.unlink()
        self._each(self._put, sorted(target for target in own - stored if target.name != removable))

    def delete(self, path: Path) -> None:
        """Removes a file from the store, if it is there."""
        self._pushed.pop(path, None)
        with self._asking():
            if self.store.get_file_info(self._at(path)).type == fs.FileType.File:
                self.store.delete_file(self._at(path))

    def read(self, path: Path) -> bytes | None:
        """Returns what the store has at a path of the working copy; None where it has no file."""
        with self._asking():
            info = self.store.get_file_info(self._at(path))
        return self._content(info.path) if info.type == fs.FileType.File else None

    def _names(self, path: Path) -> list[str]:
        """Returns the whole files that the store has at or below a path, by their names in the working copy."""
        with self._asking():
            here = self.store.get_file_info(self._at(path))
            below = fs.FileSelector(self._at(path), recursive=True, allow_not_found=True)
            infos = [here] if here.type == fs.FileType.File else self.store.get_file_info(below)
        names = [info.path.removeprefix(self.root).lstrip("/") for info in infos if info.type == fs.FileType.File]
        return [name for name in names if not name.endswith(PARTIAL)]

    def _each(self, act: Callable[[Path], None], paths: list[Path]) -> None:
        if len(paths) == 1:
            act(paths[0])
        elif paths:
            with ThreadPoolExecutor(TRANSFERS) as pool:
                list(pool.map(act, paths))

    def _get(self, target: Path) -> None:
        files.write(target, self._content(self._at(target)))

    def _content(self, path: str) -> bytes:
        with self._asking(), self.store.open_input_stream(path) as source:
            return bytes(source.read())

    def _put(self, source: Path) -> None:
        status = source.stat()
        version = status.st_mtime_ns, status.st_size
        if self._pushed.get(source) == version:
            return
        target = self._at(source)
        partial = f"{target}{PARTIAL}"
        with self._asking():
            self.store.create_dir(target.rpartition("/")[0], recursive=True)
            with self.store.open_output_stream(partial) as sink:
                sink.write(source.read_bytes())
            self.store.move(partial, target)
        self._pushed[source] = version

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
