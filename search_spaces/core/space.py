"""What a study is: methods, the values their parameters take, and how often each is repeated. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any


@dataclass(frozen=True)
class Grid:
    """A dimension of the search space: every one of these values."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not values:
            raise ValueError("Grid needs at least one value")
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One line of the comparison: a method, and what its parameters are: fixed values or a `Grid` of them.

    Parameters that are not named keep the method's defaults. Recipe parameters (lr, epochs, ...) may be named too.
    label: what figures and tables call it.
    """

    method: str
    label: str
    space: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> list[dict[str, Any]]:
        """Returns every combination of the grids' values, the first dimension slowest."""
        names = list(self.space)
        values = [v.values if isinstance(v, Grid) else (v,) for v in self.space.values()]
        return [dict(zip(names, chosen, strict=True)) for chosen in product(*values)]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question, as data: arms to compare on a dataset, repeated over seeds, measured and reported.

    question: what the study answers, one line. evaluate: metric name -> its options. recipe: training options that
    differ from the defaults. reports: names, in the order of the page. seeds: repetitions; seed i is i.
    trial_seconds: measured time of one trial of the default dataset on one CPU core, for the estimate of cost.
    """

    question: str
    arms: tuple[Arm, ...]
    reports: tuple[str, ...]
    data: str = "digits"
    model: str = "small_cnn"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    evaluate: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"clean": {}, "corruption": {}})
    seeds: int = 3
    trial_seconds: float = 3.0

    @property
    def trial_count(self) -> int:
        """Number of trials: settings of all arms, times seeds."""
        return self.seeds * sum(len(arm.settings()) for arm in self.arms)
