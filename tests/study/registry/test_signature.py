"""Options are checked and never coerced; messages say what, got, where and what is valid."""

import math
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, MinLen
from hypothesis import given, settings
from hypothesis import strategies as st

from study.errors import UserError
from study.registry import signature

Level = Annotated[float, Ge(0), Le(10)]


class Target:
    """Takes one of everything."""

    def __init__(
        self,
        *,
        epochs: Annotated[int, Ge(0)] = 3,
        lr: Annotated[float, Gt(0)] = 0.1,
        sigma: Level | Annotated[tuple[Level, ...], MinLen(1)] = 0.5,
        kind: Literal["adam", "sgd"] = "adam",
        nesterov: bool = True,
        radius: Annotated[float, Ge(0)] | None = None,
        name: str = "x",
        shape: tuple[int, int, int],
    ) -> None:
        self.got = {k: v for k, v in locals().items() if k != "self"}


def _check(**given: Any) -> dict[str, Any]:
    return signature.check("target", Target, given, "--set")


def test_defaults_fill_what_is_not_given_and_the_platforms_arguments_are_no_options() -> None:
    assert _check(lr=0.2) == {
        "epochs": 3, "lr": 0.2, "sigma": 0.5, "kind": "adam", "nesterov": True, "radius": None, "name": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 2.5), ("epochs", 2.0), ("epochs", "2"), ("epochs", True), ("epochs", -1), ("epochs", None),
        ("lr", "1"), ("lr", True), ("lr", 0), ("lr", -0.1), ("lr", math.nan), ("lr", math.inf), ("lr", [0.1]),
        ("sigma", "0.5"), ("sigma", -1), ("sigma", 11), ("sigma", []), ("sigma", [0.1, 11]), ("sigma", [True]),
        ("sigma", {"a": 1}), ("sigma", None), ("sigma", math.inf), ("sigma", [0.1, math.nan]), ("sigma", [[0.1]]),
        ("kind", "Adam"), ("kind", 1), ("kind", None), ("nesterov", 1), ("nesterov", "true"), ("nesterov", "yes"),
        ("radius", math.nan), ("radius", math.inf), ("radius", "none"), ("name", 3), ("name", None), ("name", {1, 2}),
    ],
)  # fmt: skip
def test_wrong_values_are_one_line_that_says_what_got_where_and_valid(name: str, value: Any) -> None:
    with pytest.raises(UserError) as error:
        _check(**{name: value})
    text = str(error.value)
    assert text.startswith(f"target.{name} is {value!r} (from --set); it should be ") and "\n" not in text
    assert len(text.split("it should be ")[1]) > 5


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("epochs", 0, 0), ("lr", 1, 1.0), ("lr", 3e-4, 3e-4), ("sigma", 0, 0.0), ("sigma", 10, 10.0),
        ("sigma", [0.1, 1], [0.1, 1.0]), ("sigma", (0.1, 0.2), [0.1, 0.2]), ("kind", "sgd", "sgd"),
        ("nesterov", False, False), ("radius", None, None), ("radius", 2, 2.0), ("name", "none of it", "none of it"),
    ],
)  # fmt: skip
def test_right_values_become_plain_ones_of_the_annotated_type(name: str, value: Any, kept: Any) -> None:
    found = _check(**{name: value})[name]
    assert found == kept and type(found) is type(kept)
    assert _check(**{name: found})[name] == found


def test_what_a_literal_and_a_range_allow_is_said() -> None:
    for given_, says in ({"kind": "Adam"}, "'adam' or 'sgd'"), ({"sigma": 11}, "less than or equal to 10"):
        with pytest.raises(UserError, match=says):
            _check(**given_)


def test_a_misspelt_name_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(UserError) as error:
        _check(sigam=0.5)
    assert str(error.value) == (
        "target has no parameter 'sigam' (from --set). Did you mean 'sigma'?"
        " Valid: epochs, lr, sigma, kind, nesterov, radius, name"
    )
    for given_ in ("shape", "root", "device"):
        with pytest.raises(UserError, match="has no parameter"):
            _check(**{given_: 1})


def test_a_value_without_default_must_be_given() -> None:
    def needs(*, layout: Literal["a", "b"], seed: int = 0) -> None: ...

    with pytest.raises(UserError, match=r"^needs needs a value for 'layout' \(from the study\)"):
        signature.check("needs", needs, {"seed": 1}, "the study")
    assert signature.check("needs", needs, {"layout": "b"}, "the study") == {"layout": "b", "seed": 0}


def test_building_gives_the_annotated_types_and_the_platforms_arguments() -> None:
    made = signature.build(Target, _check(sigma=[0.1, 0.2], lr=1), shape=(1, 8, 8))
    assert made.got["sigma"] == (0.1, 0.2) and type(made.got["lr"]) is float and made.got["shape"] == (1, 8, 8)
    assert made.got["radius"] is None and made.got["kind"] == "adam"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2), ("2.5", 2.5), ("3e-4", 3e-4), ("true", True), ("[0.1, 0.2]", [0.1, 0.2]), ("none", None),
        ("None", None), ("null", None), ("adam", "adam"), ('"1"', "1"), ("", ""), ("0,5", "0,5"), ("True", "True"),
    ],
)  # fmt: skip
def test_the_command_lines_text(text: str, value: Any) -> None:
    assert signature.parse(text) == value and type(signature.parse(text)) is type(value)


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "Infinity", "-Infinity", "1e999", '"1"', "true", "1,5", ""])
def test_no_text_turns_into_a_number_that_is_not_one(text: str) -> None:
    for name in ("lr", "radius", "sigma"):
        with pytest.raises(UserError):
            _check(**{name: signature.parse(text)})


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.floats(0, 10), st.lists(st.floats(0, 10), min_size=1, max_size=4))
def test_numbers_survive_the_command_line_bit_for_bit(one: float, many: list[float]) -> None:
    assert _check(sigma=signature.parse(repr(one)))["sigma"] == one
    assert _check(sigma=signature.parse(repr(many)))["sigma"] == many


def test_an_option_without_an_annotation_is_one_line() -> None:
    def measure(*, power=2):  # type: ignore[no-untyped-def]
        return power

    with pytest.raises(UserError, match="^mine.power has no annotation; write its type, such as `power: float`$"):
        signature.check("my_package.mine@0123456789ab", measure, {}, "--set")
