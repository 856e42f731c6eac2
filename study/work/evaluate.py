"""Measures a saved model: a trial's checkpoint, or a plain state dictionary."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from study.datasets.core.data import Data
from study.errors import UserError
from study.evaluation.corruptions.catalog import CATALOG
from study.ledger.folder import Folder
from study.ledger.headline import marked
from study.ledger.trial import Trial
from study.ledger.trial_folder import TrialFolder
from study.models.core.weights import load_into
from study.registry import signature, sources
from study.registry.lookup import find
from study.work.trial_run import load_data


@dataclass(frozen=True)
class Subject:
    """A model to measure, and the data to measure it on."""

    model: nn.Module
    data: Data
    name: str
    trial: Trial | None
    """The trial that trained it, where a study's directory says."""
    removed: str = ""
    """What was taken off the file to get to the weights: wrapping keys and prefixes of names."""


def subject(
    checkpoint: Path,
    *,
    data: str | None,
    model: str | None,
    values: Mapping[str, Any],
    data_root: Path | None,
    device: str,
) -> Subject:
    """Loads a checkpoint with its dataset; both are the trial's own unless named.

    values: --set's, of which "model.*" and "data.*" are used. Raises UserError where the file, the model or the
    dataset is missing or does not fit.
    """
    place = _device(device)
    if not checkpoint.is_file():
        raise UserError(
            f"there is no checkpoint {checkpoint}. Give trials/KEY/checkpoint.pt of a study, or a state dict"
        )
    trial = _trial_of(checkpoint)
    if trial is None and (data is None or model is None):
        raise UserError(f"{checkpoint} is not a study's, so what it holds is unknown. Add --model and --data")
    data, model = data or trial.data, model or trial.model  # type: ignore[union-attr]
    data_params = {**(trial.data_params if trial and trial.data == data else {}), **prefixed("data.", values)}
    model_params = {**(trial.model_params if trial and trial.model == model else {}), **prefixed("model.", values)}
    loaded = load_data(data, signature.check(data, find("dataset", data), data_params, "--set"), data_root)
    target, supplied = find("model", model), {"shape": loaded.shape, "classes": loaded.classes}
    removed = ""
    if model == "torchvision_classifier" and trial is None:
        model_params["weights_file"] = str(checkpoint)
        built: nn.Module = signature.build(target, signature.check(model, target, model_params, "--set"), **supplied)
    else:
        built = signature.build(target, signature.check(model, target, model_params, "--set"), **supplied)
        removed = load_into(built, checkpoint, model)
    return Subject(
        built.to(place).eval(),
        loaded.to(place),
        checkpoint.parent.name if trial else checkpoint.stem,
        trial,
        "" if trial is not None else removed,
    )


def measure(subject: Subject, metrics: list[str], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the metrics' tidy rows, with family and headline; values: their options, as "METRIC.option"."""
    checked = {m: signature.check(m, find("metric", m), prefixed(f"{m}.", values), "--set") for m in metrics}
    owners = ("model", "data", *metrics)
    for key in values:
        if key.partition(".")[0] not in owners or "." not in key:
            raise UserError(f"--set {key}: it is an option of none of {', '.join(owners)}. Write it as OWNER.OPTION")
    rows = [
        row
        for name, params in checked.items()
        for row in signature.build(find("metric", name), params, model=subject.model, data=subject.data)
    ]
    numbers = [{name: value for name, value in row._asdict().items() if name != "correct"} for row in rows]
    families = [CATALOG[row.corruption].family if row.corruption in CATALOG else None for row in rows]
    return marked({**row, "family": family} for row, family in zip(numbers, families, strict=True))


def prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values whose key starts with the prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _trial_of(checkpoint: Path) -> Trial | None:
    place = TrialFolder(checkpoint.absolute().parent)
    if not place.trial_file.exists():
        return None
    sources.use(Folder(place.path.parents[1]).code)
    return place.trial()


def _device(name: str) -> torch.device:
    """Returns the device of a name. Raises UserError for one that torch does not know, or that is not here."""
    valid = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    valid += ["mps"] if torch.backends.mps.is_available() else []
    if name not in valid and not (name == "cuda" and torch.cuda.is_available()):
        raise UserError(f"--device is {name!r}, which this machine does not have. Valid here: {', '.join(valid)}")
    return torch.device(name)
