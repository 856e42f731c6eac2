"""A study's directory: what stands where. It is the only truth about a study; everything else is made of it.

study.json             the study: name, identity, keys of its trials, command, versions, tracking
trials/KEY/            a trial, see `trial_folder`
code/HASH/             sources of the user's own methods, models, ... that trials name
candidates/N.json      a search's N-th candidate: its parameters and the keys of its trials
chosen.json            the end of a search: its candidates of which test data was read
race.json              a race: its rounds, and what each decided on what evidence
optuna.db              a search as Optuna shows it; made of the candidates where it is lost
members/M/E.json, E/   a population's member M: its interval up to epoch E, and its state then
population/M.parquet   a population's member: its values and metrics by epoch, whom it copied and when
corruptions.npz        a test image under every corruption that is measured, for the page (`study.work.examples`)
mlflow.json            the study's experiment and parent run in its MLflow store, once that has been reached
report/                figures, tables, the page
progress.json          how far the latest launch is, for other terminals; decides nothing
.lock                  held by the launch at work

The launching process writes all but what `trial_folder` gives to workers, and a population's members, which each
worker writes for the member that it has.
"""

import errno
import fcntl
import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from study.errors import UserError
from study.ledger import files
from study.ledger.state import State
from study.ledger.trial import Trial
from study.ledger.trial_folder import MARKS, TrialFolder

if TYPE_CHECKING:
    from study.ledger.remote import Remote

RECORD = "study.json"
EARLIER = frozenset({".lock", "code", "trials"})
"""What a launch writes before study.json. Where it was ended in between, the next launch writes it again."""
NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)
"""What file systems without flock(2) answer: Lustre as it is often mounted, some FUSE and NFS."""
LAYOUT = 2
"""Of the directory; raised when files move. Directories of another layout are refused in one line."""


@dataclass(frozen=True)
class Folder:
    """The directory of a study.

    storage: a URI that all nodes reach, where nodes share no folder; `path` is then each node's working copy, and
    `fetch`, `keep` and `remove` bring the two together. Without one the last two only write here.
    """

    path: Path
    storage: str | None = None

    @cached_property
    def remote(self) -> "Remote | None":
        """The study's home in an object store, if it has one. Raises UserError for a URI of no store."""
        if self.storage is None:
            return None
        from study.ledger.remote import Remote  # noqa: PLC0415  pyarrow takes a while, and few studies need it here

        return Remote(self.storage, self.path)

    def keep(self, *paths: Path) -> None:
        """Copies files, or folders with all they hold, to the storage. Raises StorageError."""
        if self.remote is not None:
            self.remote.push(*paths)

    def fetch(self, *paths: Path, missing: bool = False) -> None:
        """Copies files, or folders with all they hold, from the storage. missing: only those that are not here."""
        if self.remote is not None:
            for path in paths:
                self.remote.pull(path, missing=missing)

    def remove(self, path: Path) -> None:
        """Removes a file, here and in the storage. Raises StorageError."""
        with files.storing(path):
            path.unlink(missing_ok=True)
        if self.remote is not None:
            self.remote.delete(path)

    def write(self, path: Path, content: bytes) -> None:
        """Writes a file in one step, here and in the storage. Raises StorageError."""
        files.write(path, content)
        self.keep(path)

    def write_json(self, path: Path, value: Any) -> None:
        """Writes JSON in one step, here and in the storage. Raises StorageError."""
        self.write(path, json.dumps(value, indent=1).encode())

    def fetch_study(self) -> None:
        """Fetches all that says how far the study is. Raises UserError where another study lives in the storage."""
        if self.remote is None:
            return
        record = self.path / RECORD
        stored = self.remote.read(record)
        if stored and record.exists() and json.loads(stored)["id"] != self.read()["id"]:
            raise UserError(f"{self.storage} (from --storage) holds another study than {self.path}")
        self.fetch(record, self.mlflow, self.optuna, self.race)  # which other launches may have changed since
        self.fetch(self.chosen, self.candidate(0).parent, missing=True)
        self.fetch(self.code, missing=True)
        said = (".json", ".parquet")
        self.remote.sync(self.trials_path, lambda path: path.suffix in said, MARKS[State.FAILED])

    @property
    def trials_path(self) -> Path:
        """Folder of the trials' folders."""
        return self.path / "trials"

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.path / "report"

    @property
    def code(self) -> Path:
        """Folder of the sources of the user's own code."""
        return self.path / "code"

    def trial(self, key: str) -> TrialFolder:
        """Returns the folder of a trial."""
        return TrialFolder(self.trials_path / key)

    def candidate(self, number: int) -> Path:
        """The record of a search's candidate."""
        return self.path / "candidates" / f"{number:05}.json"

    def member(self, number: int, epoch: int) -> Path:
        """The state of a population's member after so many epochs; the note of the interval before is beside it."""
        return self.path / "members" / f"{number:03}" / f"{epoch:05}"

    @property
    def population(self) -> Path:
        """Folder of the tables of a population's members."""
        return self.path / "population"

    @property
    def selection(self) -> tuple[Path, ...]:
        """Files and folders that say what a search or a population did, beside its trials' own."""
        return self.candidate(0).parent, self.population, self.chosen, self.race

    @property
    def chosen(self) -> Path:
        """The record of what a search chose."""
        return self.path / "chosen.json"

    @property
    def race(self) -> Path:
        """The record of a race."""
        return self.path / "race.json"

    @property
    def examples(self) -> Path:
        """A test image under every corruption."""
        return self.path / "corruptions.npz"

    @property
    def optuna(self) -> Path:
        """Optuna's own store of a search."""
        return self.path / "optuna.db"

    @property
    def progress(self) -> Path:
        """How far the latest launch is."""
        return self.path / "progress.json"

    @property
    def mlflow(self) -> Path:
        """The record of where the study is in its MLflow store."""
        return self.path / "mlflow.json"

    @property
    def selects(self) -> bool:
        """Whether a search or a population decides which trials are measured on test data."""
        return self.candidate(0).parent.exists()

    def finished(self, trial: Trial) -> bool:
        """Whether a trial is trained and measured on test data."""
        return self.trial(trial.key).test is State.FINISHED

    def trials(self) -> list[Trial]:
        """Returns the study's trials: as launched, and a search's so far. Raises UserError where there is no study."""
        keys = list(self.read()["trials"])
        for path in sorted(self.candidate(0).parent.glob("*.json")):
            keys += files.read_json(path)["trials"]
        return [self.trial(key).trial() for key in dict.fromkeys(keys)]

    def add(self, trials: list[Trial]) -> None:
        """Writes what each trial is into its folder, where it does not stand there like that. Raises StorageError."""
        contents = {self.trial(trial.key).trial_file: trial.to_json().encode() for trial in trials}
        # A label may have changed, which decides no number.
        new = [path for path, content in contents.items() if not path.exists() or path.read_bytes() != content]
        for path in new:
            # Not forced to the disk one by one: a launch writes again what a power cut has taken.
            files.write(path, contents[path], durable=False)
        self.keep(*new)

    def read(self) -> dict[str, Any]:
        """Returns study.json. Raises UserError where there is none, or one of another layout."""
        path = self.path / RECORD
        if not path.is_file():
            raise UserError(
                f"{self.path} holds no study: there is no study.json. Give the directory that `study launch` named"
            )
        record: dict[str, Any] = files.read_json(path)
        if not isinstance(record, dict):
            raise UserError(f"{path} is no record of a study. Launch the study again into another --output")
        if (layout := record.get("layout", 1)) != LAYOUT:
            raise UserError(
                f"{self.path} was written by another version of this package (layout {layout}, this one reads "
                f"{LAYOUT}). Launch the study again into another --output, or use that version"
            )
        return record

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other launches out of the directory while entered; makes it where there is none.

        The lock goes when its process ends, however that ends. What dead writers left is removed. Raises UserError
        where another launch is at work.
        """
        with files.storing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            opened = (self.path / ".lock").open("w")
        with opened as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"another launch is at work in {self.path}. `study status {quote(str(self.path))}` says more"
                ) from error
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                logging.getLogger(__name__).warning(
                    "%s is on a file system without locks: nothing keeps a second launch out of it", self.path
                )
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Removes files that nobody will finish, and notes of former launches on trials that get another try."""
        with files.storing(self.path):
            for pattern in (
                f"*{files.PARTIAL}",
                f"*/*{files.PARTIAL}",
                f"trials/*/*{files.PARTIAL}",
                f"code/**/*{files.PARTIAL}",
            ):
                for left in self.path.glob(pattern):
                    left.unlink(missing_ok=True)
            for note in self.path.glob("trials/*/overdue.txt"):
                note.unlink(missing_ok=True)

    def check(self, name: str, identity: str) -> None:
        """Raises UserError where the directory holds another study, or something else; changes nothing."""
        if (self.path / RECORD).exists():
            old = self.read()
            if old["id"] != identity:
                raise UserError(
                    f"{self.path} holds another study: {old['name']} ({old['id']}), not {name} ({identity}). "
                    "Choose another --output"
                )
        elif self.path.is_file() or (self.path.is_dir() and any(p.name not in EARLIER for p in self.path.iterdir())):
            raise UserError(f"{self.path} is not an empty directory and holds no study. Choose another --output")

    def claim(self, name: str, identity: str, trials: list[Trial], facts: Mapping[str, Any]) -> None:
        """Makes the directory, which is held, the home of this study, or checks that it is; more seeds may join. Writes
        study.json and what each trial is.

        identity: `study_id` of the whole study, of which `trials` may be a part. The directory gets an identity
        of its own beside it, "home": the same study in another directory is another run of it.

        Raises UserError where another study lives there, StorageError where it cannot be written.
        """
        self.check(name, identity)
        keys: list[str] = []
        home = uuid.uuid4().hex[:12]
        if (self.path / RECORD).exists():
            old = self.read()
            keys, home = old["trials"], old["home"]
        self.add(trials)
        keys = list(dict.fromkeys([*keys, *(trial.key for trial in trials)]))
        record = {"layout": LAYOUT, "name": name, "id": identity, "home": home, **facts, "trials": keys}
        self.write_json(self.path / RECORD, record)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON in one step. Raises StorageError."""
    files.write(path, json.dumps(value, indent=1).encode())
