"""What a study is: methods, the values their parameters take, and how often each is repeated. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from types import UnionType
from typing import Any


def plain(value: Any) -> Any:
    """Returns a value as Python's own: numpy's numbers and arrays become numbers and lists, also in containers."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value.tolist() if hasattr(value, "tolist") else value


def _require(what: str, value: Any, kind: type | UnionType, valid: str) -> None:
    """Raises TypeError for a value of another kind. A truth value is no number."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{what} is {value!r}; valid is {valid}")


@dataclass(frozen=True)
class Grid:
    """A dimension of the search space: every one of these values."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not values:
            raise ValueError("Grid needs at least one value")
        object.__setattr__(self, "values", tuple(map(plain, values)))


@dataclass(frozen=True)
class Range:
    """A dimension for a search: every value from low to high, both included; whole numbers where both are whole.

    log: drawn evenly in the logarithm; low is then above 0.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"Range needs low < high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"Range(log=True) needs low > 0, got {self.low}")

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Dimension = Grid | Range


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One line of the comparison: a method, and what its parameters are: fixed values, a `Grid` or a `Range` of them.

    Parameters that are not named keep the method's defaults. Recipe parameters (lr, epochs, ...) may be named too.
    A parameter that is a dictionary may have dimensions in its fields. label: what figures and tables call it.
    parent: the setting of another study, by its label, whose trained models are fine-tuned, seed i from seed i; None
    starts afresh. schedule: (after how many epochs, the parameters that have other values from then on), in order;
    all that is learned is carried over.
    """

    method: str
    label: str
    space: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    schedule: tuple[tuple[int, Mapping[str, Any]], ...] = ()

    def __post_init__(self) -> None:
        """Makes plain values of numpy's. Raises TypeError for what cannot be an arm's."""
        _require("the method of an arm", self.method, str, 'a name, such as "gnt"')
        _require(f"the label of the arm with {self.method}", self.label, str, "a text")
        _require(f"the space of the arm {self.label!r}", self.space, Mapping, 'a dictionary, such as {"sigma": 0.5}')
        object.__setattr__(self, "space", {name: plain(value) for name, value in self.space.items()})

    def dimensions(self) -> dict[str, Dimension]:
        """Returns name -> dimension, in order; "noise.additive" is the field of a dictionary."""
        listed: dict[str, Dimension] = {}
        for name, value in self.space.items():
            fields = {f"{name}.{key}": v for key, v in value.items()} if isinstance(value, Mapping) else {name: value}
            listed |= {path: v for path, v in fields.items() if isinstance(v, Dimension)}
        return listed

    def setting(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the parameters with a value chosen for every dimension."""
        return {
            name: {key: chosen.get(f"{name}.{key}", v) for key, v in value.items()}
            if isinstance(value, Mapping)
            else chosen.get(name, value)
            for name, value in self.space.items()
        }

    def settings(self) -> list[dict[str, Any]]:
        """Returns every combination of the grids' values, the first dimension slowest. Ranges raise ValueError."""
        grids = self.dimensions()
        ranges = [name for name, dimension in grids.items() if isinstance(dimension, Range)]
        if ranges:
            raise ValueError(f"{ranges[0]} of the arm {self.label!r} is a Range, whose values cannot all be listed")
        values = product(*(grid.values for grid in grids.values() if isinstance(grid, Grid)))
        return [self.setting(dict(zip(grids, chosen, strict=True))) for chosen in values]


ALGORITHMS = ("tpe", "random", "grid")
"""Of searches."""
SCHEDULERS = ("asha", "median")


@dataclass(frozen=True, kw_only=True)
class Search:
    """How settings are chosen: candidates are tried, validated, and the best of them alone are measured on test data.

    A candidate is a setting with all its seeds; its value is the mean over them. algorithm: "tpe" (tree-structured
    Parzen estimator), "random", or "grid" (every combination of grids, in order). samples: candidates; a grid has its
    own number. objectives: what is maximised on the validation split: clean, corruption, corruption_no_noise or a
    family of corruptions; with two or more, their Pareto front is sought. chosen: most settings that are measured on
    test data; None is the best one, or the whole front. seed: of the search's own draws.
    """

    algorithm: str = "tpe"
    samples: int = 20
    objectives: tuple[str, ...] = ("corruption",)
    chosen: int | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """Which trials are stopped early, by their validation accuracy after each epoch against that of others.

    algorithm: "asha" (successive halving, asynchronous) or "median" (below the median of the running means).
    grace: epochs that every trial gets. reduction: of ASHA, 1 in so many goes on at each rung.
    """

    algorithm: str = "asha"
    grace: int = 3
    reduction: int = 3


@dataclass(frozen=True, kw_only=True)
class Population:
    """Members that train side by side; now and then the worst go on from copies of the best, with other values.

    mutate: parameter of the one arm -> `Range` or `Grid` of numbers; "noise.additive" is the field of a dictionary.
    algorithm: "pbt" (Jaderberg et al. 2017: values are perturbed or drawn anew) or "pb2" (Parker-Holder et al. 2020:
    chosen by a Gaussian process; ranges only). size: members. interval: epochs between two exchanges. quantile: share
    of the members that is replaced. objective: what ranks them, on the validation split, as of a `Search`. seed: of
    the population's own draws; member i starts as seed i.
    """

    mutate: Mapping[str, Dimension]
    algorithm: str = "pbt"
    size: int = 8
    interval: int = 2
    quantile: float = 0.25
    objective: str = "corruption"
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Study:
    """A question, as data: arms to compare on a dataset, repeated over seeds, measured and reported.

    question: what the study answers, one line. evaluate: metric name -> its options. recipe: training options that
    differ from the defaults. reports: names, in the order of the page. seeds: repetitions; seed i is i.
    trial_seconds: measured time of one trial of the default dataset on one CPU core, for the estimate of cost.
    test_images: of the default dataset, for the estimate of what the seeds can tell apart.
    data_options: of `data`, that differ from its defaults. parents: where arms have parents, a launch that trains them,
    as typed after `study launch`. search: None trains every setting and measures each on test data. scheduler: None
    trains every trial to its end; a scheduler without a search is one of the grid. population: its members are trained
    instead; then the best one's schedule, from the start and with every seed, and its mean values beside it.
    """

    question: str
    arms: tuple[Arm, ...]
    reports: tuple[str, ...]
    data: str = "digits"
    data_options: Mapping[str, Any] = field(default_factory=dict)
    model: str = "small_cnn"
    recipe: Mapping[str, Any] = field(default_factory=dict)
    evaluate: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"clean": {}, "corruption": {}})
    seeds: int = 3
    trial_seconds: float = 3.0
    test_images: int = 599
    parents: str | None = None
    search: Search | None = None
    scheduler: Scheduler | None = None
    population: Population | None = None

    def __post_init__(self) -> None:
        """Makes a tuple of a single arm. Raises TypeError, or ValueError, in one line, for what people often write."""
        arms = (self.arms,) if isinstance(self.arms, Arm) else self.arms
        _require("arms", arms, tuple | list, 'a tuple, such as (Arm(method="gnt", label="GNT"),)')
        object.__setattr__(self, "arms", tuple(arms))
        _require("data_options", self.data_options, Mapping, 'a dictionary, such as {"pad": 4}')
        for arm in self.arms:
            _require("an arm of the study", arm, Arm, 'Arm(method="gnt", label="GNT")')
        _require("the question", self.question, str, "a text")
        _require("data", self.data, str, 'the name of a dataset, such as "digits"')
        _require("model", self.model, str, 'the name of a model, such as "small_cnn"')
        if not isinstance(self.reports, str):  # which has an error of its own, for the comma that is missing
            _require("reports", self.reports, tuple | list, 'a tuple of names, such as ("accuracy_curve",)')
            for name in self.reports:
                _require("a report of the study", name, str, 'a name, such as "accuracy_curve"')
        _require("seeds", self.seeds, int, "the number of repetitions: seeds=3 trains with the seeds 0, 1 and 2")
        _require("evaluate", self.evaluate, Mapping, 'a dictionary of metrics and their options: {"clean": {}}')
        _require("recipe", self.recipe, Mapping, 'a dictionary, such as {"epochs": 10}')
        labels = [arm.label for arm in self.arms]
        if twice := next((label for label in labels if labels.count(label) > 1), None):
            raise ValueError(f"two arms have the label {twice!r}; give each a label of its own")

    @property
    def searching(self) -> Search | None:
        """How settings are chosen; None where all are trained and reported."""
        return self.search or (Search(algorithm="grid") if self.scheduler else None)

    @property
    def selects(self) -> bool:
        """Whether test data is read for chosen settings alone."""
        return self.searching is not None or self.population is not None

    @property
    def trial_count(self) -> int:
        """Number of trials: settings of all arms or candidates of the search, times seeds.

        Of a population: its members, and with every seed its best schedule and that one's mean values.
        """
        if self.population:
            return self.population.size + 2 * self.seeds
        if self.searching and self.searching.algorithm != "grid":
            return self.seeds * self.searching.samples
        return self.seeds * sum(len(arm.settings()) for arm in self.arms)
