"""A trial: all that decides its numbers, and the identity that follows from it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

NUMBERS = 3
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
    folders: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Metric -> option -> hash of the folder that the option names; it stands for the folder's path."""
    seed: int
    parent: Mapping[str, str] | None = None
    """The trained model that is fine-tuned: "setting", its label; once `parents.attach` has found it, "checkpoint",
    its path, "weights", their hash, and "first", the hash of those that seed 0 starts from."""
    schedule: tuple[Mapping[str, Any], ...] = ()
    """Later phases, in order: "epoch", after how many epochs it begins, and its whole "params" and "recipe"."""
    varied: tuple[str, ...] = ()
    """The parameters that the arm's space names: what tells its settings apart. "noise.additive" is one's field."""

    @cached_property
    def key(self) -> str:
        """Identity: a hash of what decides the numbers; neither labels nor paths, devices or workers count."""
        decisive = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("arm", "varied", "folders")}
        decisive["model_params"] = {k: v for k, v in self.model_params.items() if k != "weights_file"}
        if not self.schedule:
            del decisive["schedule"]
        if self.folders:
            hashes = {metric: {**self.evaluate[metric], **each} for metric, each in self.folders.items()}
            decisive["evaluate"] = {**self.evaluate, **hashes}
        if self.parent is not None:
            decisive["parent"] = self.parent.get("weights", self.parent["setting"])
        else:
            del decisive["parent"]
        return digest({**decisive, "numbers": NUMBERS})

    @cached_property
    def config_id(self) -> str:
        """Identity of the setting, whatever the seed: the key of its trial with seed 0."""
        parent = self.parent
        if parent is not None and "first" in parent:
            parent = {**parent, "weights": parent["first"]}
        return replace(self, seed=0, parent=parent).key

    def with_seed(self, seed: int) -> "Trial":
        """Returns the same setting with another seed."""
        trial = replace(self, seed=seed)
        if self.parent is None:
            trial.__dict__["config_id"] = self.config_id  # computed once for all seeds
        return trial

    @property
    def label(self) -> str:
        """What tables call the setting: the arm and the values that vary in it."""
        return self.arm + "".join(f", {name} {_short(value)}" for name, value in self.label_values.items())

    @property
    def label_values(self) -> dict[str, Any]:
        """Name -> value of the parameters that tell the arm's settings apart; {} with a schedule, which has several."""
        return {} if self.schedule else self.values_at(0)

    def at(self, epoch: int) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Returns the method's and the recipe's parameters after so many epochs."""
        for phase in reversed(self.schedule):
            if epoch >= phase["epoch"]:
                return phase["params"], phase["recipe"]
        return self.params, self.recipe

    def values_at(self, epoch: int) -> dict[str, Any]:
        """Returns name -> value, after so many epochs, of the parameters that `varied` names."""
        params, recipe = self.at(epoch)
        return {name: _at({**recipe, **params}, name) for name in self.varied}

    def to_json(self) -> str:
        """Returns the trial as JSON; `from_json` is its inverse."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Trial":
        """Returns the trial that `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "varied": tuple(fields["varied"]), "schedule": tuple(fields["schedule"])})


def short(name: str) -> str:
    """Returns what print calls a method, dataset, model, metric or report: its name without the hash and the packages.

    Code of the user's own is named by its module and the hash of its source in a trial: "my_package.my_method@1a2b3c".
    """
    name = name.partition("@")[0]
    return Path(name).stem if name.endswith(".py") else name.rpartition(".")[2]


def with_values(
    params: Mapping[str, Any], recipe: Mapping[str, Any], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns a method's and a recipe's parameters with other values; "noise.additive" is the field of a dictionary."""
    changed = {"params": dict(params), "recipe": dict(recipe)}
    for name, value in values.items():
        head, _, field = name.partition(".")
        part = changed["recipe" if head in recipe else "params"]
        part[head] = {**part[head], field: value} if field else value
    return changed["params"], changed["recipe"]


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


def _at(values: Mapping[str, Any], name: str) -> Any:
    head, _, field = name.partition(".")
    return values[head][field] if field else values[head]


def folder_digest(path: Path) -> str:
    """Returns 16 hex digits of SHA-256 over the names and sizes of all files below a folder, and the bytes of its
    arrays (.npy), which are of one size whatever they hold.
    """
    digest_of_all = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            content = file_digest(file) if file.suffix == ".npy" else str(file.stat().st_size)
            digest_of_all.update(f"{file.relative_to(path).as_posix()}\0{content}\0".encode(errors="surrogateescape"))
    return digest_of_all.hexdigest()[:16]


def names_digest(path: Path) -> str:
    """Returns 16 hex digits of SHA-256 over the names of a folder's subfolders."""
    names = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
    return hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()[:16]


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_short(field)}" for name, field in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
