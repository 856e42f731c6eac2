"""A trial: all that decides its numbers, and the identity that follows from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

NUMBERS = 1
"""Raised whenever a change of code changes the numbers of a trial; results of another version are not reused."""


Point = dict[str, float]
"""An epoch's metrics: "epoch" (counted from 1), "time" (seconds since 1970), "train_loss", "val_accuracy", ..."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """All that decides a trial's numbers, resolved: plain JSON values, nothing left to a default."""

    arm: str
    method: str
    params: Mapping[str, Any]
    recipe: Mapping[str, Any]
    data: str
    data_params: Mapping[str, Any]
    fingerprint: str
    model: str
    model_params: Mapping[str, Any]
    weights: str | None = None
    """Hash of the model's weights file, where it has one; it stands for the file's path."""
    evaluate: Mapping[str, Mapping[str, Any]]
    seed: int
    varied: tuple[str, ...] = ()
    """The parameters that the arm's space names: what tells its settings apart."""

    @cached_property
    def key(self) -> str:
        """Identity: a hash of what decides the numbers; neither labels nor paths, devices or workers count."""
        decisive = asdict(self)
        del decisive["arm"], decisive["varied"]
        decisive["model_params"].pop("weights_file", None)
        return digest({**decisive, "numbers": NUMBERS})

    @cached_property
    def config_id(self) -> str:
        """Identity of the setting: everything but the seed."""
        return replace(self, seed=0).key

    @property
    def label(self) -> str:
        """What tables call the setting: the arm and the values that vary in it."""
        values = {**self.recipe, **self.params}
        varied = ", ".join(f"{name} {_short(values[name])}" for name in self.varied)
        return f"{self.arm}, {varied}" if varied else self.arm

    def to_json(self) -> str:
        """Returns the trial as JSON; `from_json` is its inverse."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Trial":
        """Returns the trial that `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "varied": tuple(fields["varied"])})


def study_id(name: str, trials: list[Trial]) -> str:
    """Returns the identity of a study: its name and its settings, whatever the seeds and labels."""
    return digest([name, sorted({t.config_id for t in trials})])


def digest(value: Any) -> str:
    """Returns 12 hex digits of SHA-256 over the value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:12]


def file_digest(path: Path) -> str:
    """Returns 16 hex digits of SHA-256 over a file's content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_short(field)}" for name, field in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
