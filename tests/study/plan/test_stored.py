"""A study goes into JSON and comes back as it was; nothing else comes out of JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from search_spaces.core.space import Arm, Grid, Study
from study.errors import UserError
from study.plan.stored import decode, encode
from study.registry.lookup import find, names


def _there_and_back(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value))))


@pytest.mark.parametrize("name", names("study"))
def test_every_study_comes_back(name: str) -> None:
    study = find("study", name)
    assert _there_and_back(study) == study


def test_kinds_of_numbers_and_sequences_survive() -> None:
    values = (("lr", 1e-3), ("epochs", 2), ("sizes", (2, 3)), ("layers", [1, (2.0,)]), ("on", True), ("off", None))
    back = _there_and_back(values)
    assert back == values and [type(v) for _, v in back] == [type(v) for _, v in values]
    assert type(back[3][1][1]) is tuple and type(_there_and_back(1.0)) is float
    arm = Arm(method="gnt", label="x", space={"sigma": Grid(0.1, {"a": Grid(1, 2)})})
    assert _there_and_back(arm) == arm


@pytest.mark.parametrize(
    "value",
    [
        {"is": "Path", "fields": {}},
        {"is": "Study", "question": "?", "arms": [], "reports": [], "code": "boom"},
        {"is": "__builtins__"},
        {"is": "find"},
        {"is": "Grid"},
        {"is": "Grid", "values": []},
        {"is": ["Study"]},
        {"a": [{"is": "os.system", "command": "true"}]},
    ],
)
def test_a_file_that_asks_for_more_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match="which is no part of a study"):
        decode(value)


@pytest.mark.parametrize("value", [Path("x"), {1: 2}, {"is": "Study"}, object(), {"a": {1, 2}}])
def test_what_is_not_plain_data_is_not_stored(value: Any) -> None:
    with pytest.raises(TypeError, match="a study holds numbers"):
        encode(value)


def test_a_study_is_frozen_whichever_way_it_came() -> None:
    assert isinstance(_there_and_back(find("study", "sigma_sweep")), Study)
