"""Trained models that a study fine-tunes: the finished trials of another study's directory."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from search_spaces.core.space import Study
from study.datasets.core.data import Data
from study.errors import UserError
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial
from study.models.core.classifier import last_linear
from study.registry import signature
from study.registry.lookup import find, suggest


def attach(trials: list[Trial], study: Study, directory: Path | None, data: Data) -> list[Trial]:
    """Returns the trials with what each starts from: seed i of a setting from seed i of its parent.

    directory: of the parents' study. The hash of a parent's weights becomes part of a trial's identity, its path does
    not. Raises UserError where a parent is missing, is not finished, or does not fit the model.
    """
    wanted = [trial for trial in trials if trial.parent is not None]
    if not wanted:
        if directory is not None:
            raise UserError("--parents is for a study whose arms have parents, and this one has none")
        return trials
    if directory is None:
        advice = f"One that has them: study launch {study.parents} --output PARENTS" if study.parents else ""
        settings = ", ".join(dict.fromkeys(repr(t.parent["setting"]) for t in wanted if t.parent))
        raise UserError(f"the study fine-tunes {settings}; add --parents, the directory of a study of these. {advice}")
    folder = Folder(directory.absolute())
    candidates = folder.trials()

    @cache
    def parent_of(setting: str, seed: int) -> dict[str, str]:
        path = folder.trial(_trial(candidates, setting, seed, folder).key).checkpoint
        return {"setting": setting, "checkpoint": str(path), "weights": _digest(_weights(path))}

    attached = []
    for trial in trials:
        parent = trial.parent
        if parent is not None:
            setting = parent["setting"]
            parent = {**parent_of(setting, trial.seed), "first": parent_of(setting, 0)["weights"]}
        attached.append(replace(trial, parent=parent))
    _try(attached, data)
    return attached


@torch.no_grad()
def inherit(model: nn.Module, parent: Mapping[str, str]) -> None:
    """Copies a parent's parameters and statistics into the model, in place, all but those of the last linear layer.

    That layer stays as it was drawn: its rows are the classes of another dataset. Raises UserError where the weights
    are not those that the trial was resolved with, or do not fit.
    """
    state = _weights(Path(parent["checkpoint"]))
    if _digest(state) != parent["weights"]:
        raise UserError(f"{parent['checkpoint']} has changed since this study was launched. Launch it again")
    own, last = model.state_dict(), last_linear(model)
    head = {key for key in own if last is not None and key.startswith(f"{last[0]}.")}
    inherited = {key: value for key, value in state.items() if key not in head}
    try:
        model.load_state_dict({**{key: own[key] for key in head}, **inherited})
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"the parent {parent['setting']!r} ({parent['checkpoint']}) does not fit this study's model and images: "
            f"{reason}. Give both studies the same --model, for images of the same size or of any"
        ) from error


def _trial(candidates: list[Trial], setting: str, seed: int, folder: Folder) -> Trial:
    labels = dict.fromkeys(t.label for t in candidates)
    if setting not in labels:
        raise UserError(f"{folder.path} (from --parents) has no setting {setting!r}.{suggest(setting, labels)}")
    seeds = {t.seed: t for t in candidates if t.label == setting}
    if seed not in seeds:
        raise UserError(
            f"{folder.path} (from --parents) has {setting!r} with the seeds {', '.join(map(str, sorted(seeds)))}, "
            f"and this study asks for seed {seed}. Add --seeds {min(set(range(seed + 1)) - set(seeds))}, "
            "or launch more seeds there"
        )
    if (state := folder.trial(seeds[seed].key).test) is not State.FINISHED:
        raise UserError(f"{setting!r}, seed {seed}, of {folder.path} (from --parents) is {state}, not finished")
    return seeds[seed]


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)["fit"]["model"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path} holds no weights of a trained model: {reason}") from error
    return state


def _digest(state: Mapping[str, Tensor]) -> str:
    """Returns 16 hex digits of SHA-256 over names, shapes, types and values, whatever else the file holds."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].contiguous()
        digest.update(repr((name, tuple(value.shape), str(value.dtype))).encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _try(trials: list[Trial], data: Data) -> None:
    """Fits every parent into its trial's model once, so that one that does not fit is known before any work."""
    tried = set()
    for trial in trials:
        if trial.parent is not None and trial.parent["weights"] not in tried:
            tried.add(trial.parent["weights"])
            target = find("model", trial.model)
            inherit(signature.build(target, trial.model_params, shape=data.shape, classes=data.classes), trial.parent)
