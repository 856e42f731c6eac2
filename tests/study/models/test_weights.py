"""Weights in the forms in which others save them, and what is said of those that do not fit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from study.errors import UserError
from study.models.core.weights import load_into
from tests.support import same, small_cnn

PLAIN = small_cnn(1).state_dict()


def _prefixed(prefix: str) -> dict[str, Any]:
    return {f"{prefix}{name}": value for name, value in PLAIN.items()}


FORMS = {
    "plain": (PLAIN, ""),
    "DataParallel": (_prefixed("module."), "module."),
    "compiled": (_prefixed("_orig_mod."), "_orig_mod."),
    "compiled in DataParallel": (_prefixed("module._orig_mod."), "module., _orig_mod."),
    "state_dict": ({"state_dict": PLAIN, "epoch": 3}, "state_dict"),
    "lightning": ({"state_dict": _prefixed("model."), "epoch": 3}, "state_dict, model."),
    "model": ({"model": PLAIN}, "model"),
    "model_state_dict": ({"model_state_dict": PLAIN, "optimizer": {}}, "model_state_dict"),
    "ours": ({"fit": {"model": PLAIN, "epoch": 1}, "history": []}, "fit, model"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_gives_the_weights_and_says_what_was_taken_off(form: str, tmp_path: Path) -> None:
    state, removed = FORMS[form]
    torch.save(state, tmp_path / "w.pt")
    network = small_cnn(2)
    assert load_into(network, tmp_path / "w.pt", "small_cnn") == removed
    assert same(network.state_dict(), PLAIN)


def test_all_names_and_shapes_that_differ_are_named(tmp_path: Path) -> None:
    state = dict(PLAIN)
    first, second, *_ = state
    state[f"{first}.other"] = state.pop(first)
    state[second] = torch.zeros(3)
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(UserError) as error:
        load_into(small_cnn(), tmp_path / "w.pt", "small_cnn")
    said = str(error.value)
    assert f"missing: {first}; unknown: {first}.other; of another shape: {second} (3,) instead of" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1, 2], "an object of type list, no state dictionary"),
        ({"epoch": 3, "note": "x"}, "a dictionary with the keys epoch, note, no state dictionary"),
        ({**PLAIN, next(iter(PLAIN)): torch.full_like(PLAIN[next(iter(PLAIN))], torch.nan)}, "no finite numbers"),
    ],
)
def test_what_holds_no_weights_is_one_line(content: Any, said: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(UserError, match=said) as error:
        load_into(small_cnn(), tmp_path / "w.pt", "small_cnn")
    assert "\n" not in str(error.value)
