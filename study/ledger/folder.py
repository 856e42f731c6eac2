"""A study's directory: what stands where, and what it says about each trial.

study.json             the study: name, identity, trials, command, versions, tracking
trials/KEY/            a trial: checkpoint.pt (last epoch; once trained, without its optimiser), best.pt (weights alone)
results/KEY.parquet    a finished trial (there is no other mark)
candidates/N.json      a search's N-th candidate: its parameters and its trials
validation/KEY.parquet a trial of a search, trained and measured on the validation split
stopped/KEY.parquet    a trial of a search that its scheduler stopped: its history
chosen.json            the end of a search: its candidates of which test data was read
optuna.db              a search as Optuna keeps it
members/M/E.json, E/   a population's member M: its interval up to epoch E, and its state then
population/M.parquet   a population's member: its values and metrics by epoch, whom it copied and when
failures/KEY.json      a failed trial: its reason, and where in the code
mlflow.json            the study's experiment and parent run in its MLflow store, once that has been reached
report/                figures, tables, the page
.lock                  held by the launch at work
"""

import fcntl
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from study.errors import UserError
from study.ledger import files
from study.ledger.trial import Trial

if TYPE_CHECKING:
    from study.ledger.remote import Remote

RECORD = "study.json"
State = Literal["finished", "failed", "validated", "stopped", "started", "pending"]


@dataclass(frozen=True)
class Folder:
    """The directory of a study. Paths only; whoever writes a file writes it in one step.

    storage: a URI that all nodes reach, where nodes share no folder; `path` is then each node's working copy, and
    `fetch` and `keep` bring the two together. They do nothing without one.
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
            for path in paths:
                self.remote.push(path)

    def fetch(self, *paths: Path, missing: bool = False) -> None:
        """Copies files, or folders with all they hold, from the storage. missing: only those that are not here."""
        if self.remote is not None:
            for path in paths:
                self.remote.pull(path, missing=missing)

    def fetch_study(self) -> None:
        """Fetches all that says how far the study is. Raises UserError where another study lives in the storage."""
        if self.remote is None:
            return
        record = self.path / RECORD
        stored = self.remote.read(record)
        if stored and record.exists() and json.loads(stored)["id"] != self.read()["id"]:
            raise UserError(f"{self.storage} (from --storage) holds another study than {self.path}")
        said = (self.results, self.validation("").parent, self.stopped("").parent, self.candidate(0).parent)
        self.fetch(record, self.mlflow, self.optuna)  # which other launches may have changed since
        self.fetch(self.chosen, *said, self.failure("").parent, missing=True)

    @property
    def results(self) -> Path:
        """Folder of the finished trials' tables."""
        return self.path / "results"

    @property
    def report(self) -> Path:
        """Folder of the report."""
        return self.path / "report"

    def trial(self, key: str) -> Path:
        """Folder of a trial at work."""
        return self.path / "trials" / key

    def result(self, key: str) -> Path:
        """The table of a finished trial."""
        return self.results / f"{key}.parquet"

    def overdue(self, key: str) -> Path:
        """Where a trial was when its time was over; empty or absent while it was not."""
        return self.trial(key) / "overdue.txt"

    def validation(self, key: str) -> Path:
        """The table of a search's trial, measured on the validation split."""
        return self.path / "validation" / f"{key}.parquet"

    def stopped(self, key: str) -> Path:
        """The table of a search's trial that was stopped early."""
        return self.path / "stopped" / f"{key}.parquet"

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
        """Files and folders that say what a search or a population did, beside its trials' own tables."""
        return self.candidate(0).parent, self.population, self.chosen

    @property
    def chosen(self) -> Path:
        """The record of what a search chose."""
        return self.path / "chosen.json"

    @property
    def optuna(self) -> Path:
        """Optuna's own store of a search."""
        return self.path / "optuna.db"

    def failure(self, key: str) -> Path:
        """The record of a failed trial."""
        return self.path / "failures" / f"{key}.json"

    @property
    def mlflow(self) -> Path:
        """The record of where the study is in its MLflow store."""
        return self.path / "mlflow.json"

    def failure_reason(self, key: str) -> str:
        """Returns why a failed trial failed, in one line."""
        return str(json.loads(self.failure(key).read_text(encoding="utf-8"))["reason"])

    def state(self, key: str) -> State:
        """Returns what the directory says about a trial."""
        if self.result(key).exists():
            return "finished"
        if self.failure(key).exists():
            return "failed"
        if self.validation(key).exists():
            return "validated"
        if self.stopped(key).exists():
            return "stopped"
        return "started" if self.trial(key).exists() else "pending"

    def trials(self) -> list[Trial]:
        """Returns the study's trials: as launched, and a search's so far. Raises UserError where there is no study."""
        listed = list(self.read()["trials"])
        for path in sorted(self.candidate(0).parent.glob("*.json")):
            listed += json.loads(path.read_text(encoding="utf-8"))["trials"]
        found = (Trial.from_json(json.dumps(fields)) for fields in listed)
        return list({trial.key: trial for trial in found}.values())

    def read(self) -> dict[str, Any]:
        """Returns study.json. Raises UserError where there is none."""
        path = self.path / RECORD
        if not path.is_file():
            raise UserError(
                f"{self.path} holds no study: there is no study.json. Give the directory that `study launch` named"
            )
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

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
                    f"another launch is at work in {self.path}. `study status {self.path}` shows how far it is"
                ) from error
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Removes files that nobody will finish, and notes of former launches on trials that get another try."""
        with files.storing(self.path):
            for pattern in (f"*{files.PARTIAL}", f"*/*{files.PARTIAL}", f"trials/*/*{files.PARTIAL}"):
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
        elif self.path.is_file() or (self.path.is_dir() and any(p.name != ".lock" for p in self.path.iterdir())):
            raise UserError(f"{self.path} is not an empty directory and holds no study. Choose another --output")

    def claim(self, name: str, identity: str, trials: list[Trial], facts: Mapping[str, Any]) -> None:
        """Makes the directory, which is held, the home of this study, or checks that it is; more seeds may join. Writes
        study.json.

        identity: `spec.study_id` of the whole study, of which `trials` may be a part. The directory gets an identity
        of its own beside it, "home": the same study in another directory is another run of it.

        Raises UserError where another study lives there, StorageError where it cannot be written.
        """
        self.check(name, identity)
        known: list[Trial] = []
        home = uuid.uuid4().hex[:12]
        if (self.path / RECORD).exists():
            old = self.read()
            known, home = [Trial.from_json(json.dumps(fields)) for fields in old["trials"]], old["home"]
        merged = {t.key: t for t in [*known, *trials]}
        listed = [json.loads(t.to_json()) for t in merged.values()]
        record = {"name": name, "id": identity, "home": home, **facts, "trials": listed}
        write_json(self.path / RECORD, record)
        self.keep(self.path / RECORD)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON in one step. Raises StorageError."""
    files.write(path, json.dumps(value, indent=1).encode())
