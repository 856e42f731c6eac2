"""A study's directory: what stands where, and what it says about each trial.

study.json             the study: name, identity, trials, command, versions, tracking
trials/KEY/            a trial at work: its checkpoint
results/KEY.parquet    a finished trial (there is no other mark)
failures/KEY.json      a failed trial: its reason
report/                figures, tables, the page
.lock                  held by the launch at work
"""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from study.errors import UserError
from study.trial import Trial

State = Literal["finished", "failed", "started", "pending"]


@dataclass(frozen=True)
class Folder:
    """The directory of a study. Paths only; whoever writes a file writes it in one step."""

    path: Path

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

    def failure(self, key: str) -> Path:
        """The record of a failed trial."""
        return self.path / "failures" / f"{key}.json"

    def failure_reason(self, key: str) -> str:
        """Returns why a failed trial failed, in one line."""
        return str(json.loads(self.failure(key).read_text(encoding="utf-8"))["reason"])

    def state(self, key: str) -> State:
        """Returns what the directory says about a trial."""
        if self.result(key).exists():
            return "finished"
        if self.failure(key).exists():
            return "failed"
        return "started" if self.trial(key).exists() else "pending"

    def trials(self) -> list[Trial]:
        """Returns the study's trials, as launched. Raises UserError where there is no study."""
        return [Trial.from_json(json.dumps(fields)) for fields in self.read()["trials"]]

    def read(self) -> dict[str, Any]:
        """Returns study.json. Raises UserError where there is none."""
        path = self.path / "study.json"
        if not path.is_file():
            raise UserError(
                f"{self.path} holds no study: there is no study.json. Give the directory that `study launch` named"
            )
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other launches out of a claimed directory while entered. Raises UserError where one is at work.

        The lock goes when its process ends, however that ends.
        """
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"another launch is at work in {self.path}. `study status {self.path}` shows how far it is"
                ) from error
            yield

    def claim(self, name: str, identity: str, trials: list[Trial], facts: Mapping[str, Any]) -> None:
        """Makes the directory the home of this study, or checks that it is; more seeds may join. Writes study.json.

        identity: `spec.study_id` of the whole study, of which `trials` may be a part. The directory gets an identity
        of its own beside it, "home": the same study in another directory is another run of it.

        Raises UserError where another study lives there, or where it cannot be written.
        """
        known: list[Trial] = []
        home = uuid.uuid4().hex[:12]
        if (self.path / "study.json").exists():
            old = self.read()
            if old["id"] != identity:
                raise UserError(
                    f"{self.path} holds another study: {old['name']} ({old['id']}), not {name} ({identity}). "
                    "Choose another --output"
                )
            known, home = self.trials(), old["home"]
        elif self.path.is_file() or (self.path.is_dir() and any(self.path.iterdir())):
            raise UserError(f"{self.path} is not an empty directory and holds no study. Choose another --output")
        merged = {t.key: t for t in [*known, *trials]}
        listed = [json.loads(t.to_json()) for t in merged.values()]
        record = {"name": name, "id": identity, "home": home, **facts, "trials": listed}
        try:
            write_json(self.path / "study.json", record)
        except OSError as error:
            raise UserError(f"cannot write to {self.path}: {error.strerror}. Choose another --output") from error


def write_json(path: Path, value: Any) -> None:
    """Writes JSON in one step: readers find the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    partial.write_text(json.dumps(value, indent=1), encoding="utf-8")
    partial.replace(path)
