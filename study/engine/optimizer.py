"""Optuna asks for candidates and is told what they are worth; a study's directory remembers. No Ray here.

Every draw depends on the search's seed, the candidate's number and what is known when it is drawn, on nothing else: so
a search with one trial at a time is the same each time, also when it is interrupted and continued. With several at
once, "tpe" knows what happens to be finished, which may differ; "random" and "grid" do not look.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, PartialFixedSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from search_spaces.core.space import Arm, Dimension, Grid, Search
from study.ledger import candidates
from study.ledger.candidates import Candidate
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial
from study.plan.space import Space

STARTUP = 5
"""Candidates that TPE draws at random before it has learned enough."""
TELLING = {
    State.VALIDATED: TrialState.COMPLETE,
    State.STOPPED: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
}
"""State of a candidate that is decided -> what Optuna is told."""

optuna.logging.set_verbosity(logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class Optimizer:
    """A search in a study's directory: continues what is there. `next` gives trials, `settle` hears of their end."""

    def __init__(self, name: str, space: Space, search: Search, folder: Folder) -> None:
        self.name, self.space, self.search, self.folder = name, space, search, folder
        self.samples = len(listed(space)) if search.algorithm == "grid" else search.samples
        self.candidates = candidates.read(folder)
        self.study = self._opened()
        recorded = {c.optuna for c in self.candidates}
        for trial in self.study.get_trials(deepcopy=False):
            # A launch ended before it was recorded.
            if trial.number not in recorded and not trial.state.is_finished():
                self.study.tell(trial.number, state=TrialState.FAIL)
        self.waiting: list[Trial] = []
        self.open: list[Candidate] = []
        for candidate in self.candidates:
            self._take(candidate)

    def next(self) -> Trial | None:
        """Returns the next trial to train, of unfinished candidates first; None when there will be no more."""
        while not self.waiting and len(self.candidates) < self.samples:
            self._take(self._ask())
        return self.waiting.pop(0) if self.waiting else None

    def settle(self, trial: Trial, *, failed: bool) -> None:
        """Tells Optuna of the candidates that this trial's end decides; but for a failure, the directory knows it."""
        for candidate in [c for c in self.open if trial.key in {t.key for t in c.trials}]:
            self._tell(candidate, failed=failed)

    @property
    def complete(self) -> bool:
        """Whether every candidate is asked for and decided."""
        return len(self.candidates) == self.samples and not self.open

    def _opened(self) -> optuna.Study:
        """Returns Optuna's study of the search; where it lacks candidates, as where its file is lost, made anew."""
        storage = RDBStorage(f"sqlite:///{self.folder.optuna}", engine_kwargs={"connect_args": {"timeout": 60}})
        directions = ["maximize"] * len(self.search.objectives)
        options = {"storage": storage, "study_name": self.name, "directions": directions}
        study = optuna.create_study(**options, load_if_exists=True)
        if {c.optuna for c in self.candidates} - {t.number for t in study.get_trials(deepcopy=False)}:
            optuna.delete_study(study_name=self.name, storage=storage)
            study = optuna.create_study(**options)
            study.add_trials(self._remembered())
        study.set_metric_names(list(self.search.objectives))
        return study

    def _remembered(self) -> Iterator[FrozenTrial]:
        """Yields the candidates as Optuna had them, by its numbers; failed trials stand where it had others."""
        names = names_of(self.space.arms)
        distributions = {
            names[arm.label, name]: _distribution(dimension)
            for arm in self.space.arms
            for name, dimension in arm.dimensions().items()
        }
        if len(self.space.arms) > 1:
            distributions["arm"] = CategoricalDistribution([arm.label for arm in self.space.arms])
        by_number = {c.optuna: c for c in self.candidates}
        for number in range(max(by_number) + 1):
            if (candidate := by_number.get(number)) is None:
                yield create_trial(state=TrialState.FAIL)
                continue
            state = candidate.state(self.folder)
            yield create_trial(
                state=TELLING.get(state, TrialState.RUNNING),
                values=candidate.values(self.folder, self.search.objectives) if state is State.VALIDATED else None,
                params=candidate.params,
                distributions={name: distributions[name] for name in candidate.params},
                user_attrs=_attributes(candidate),
            )

    def _take(self, candidate: Candidate) -> None:
        """Queues what of a candidate is still to be trained: a trial is trained once, whoever asks for it."""
        self.open.append(candidate)
        self._tell(candidate)
        if candidate not in self.open:
            return
        before = {t.key for c in self.open[:-1] for t in c.trials}
        for trial in candidate.trials:
            if trial.key not in before and self.folder.trial(trial.key).selection is not State.VALIDATED:
                self.waiting.append(trial)

    def _tell(self, candidate: Candidate, *, failed: bool = False) -> None:
        state = State.FAILED if failed else candidate.state(self.folder)
        if state not in TELLING:
            return
        values = candidate.values(self.folder, self.search.objectives) if state is State.VALIDATED else None
        self.study.tell(candidate.optuna, values, TELLING[state], skip_if_finished=True)
        self.open.remove(candidate)
        needed = {t.key for c in self.open for t in c.trials}
        # The other seeds of a candidate that was stopped or failed are of no use, unless another needs them.
        dropped = {t.key for t in candidate.trials} - needed
        self.waiting = [t for t in self.waiting if t.key not in dropped]

    def _ask(self) -> Candidate:
        number = len(self.candidates)
        self.study.sampler = self._sampler(number)
        draw = self.study.ask()
        arms = {arm.label: arm for arm in self.space.arms}
        label = draw.suggest_categorical("arm", list(arms)) if len(arms) > 1 else next(iter(arms))
        names = names_of(self.space.arms)
        drawn = {
            name: _suggest(draw, names[label, name], dimension) for name, dimension in arms[label].dimensions().items()
        }
        candidate = Candidate(number, draw.number, dict(draw.params), tuple(self.space.trials(arms[label], drawn)))
        for name, value in _attributes(candidate).items():
            draw.set_user_attr(name, value)
        self.folder.keep(self.folder.optuna)
        candidate.write(self.folder)
        self.candidates.append(candidate)
        return candidate

    def _sampler(self, number: int) -> BaseSampler:
        seed = int(np.random.SeedSequence((self.search.seed, number)).generate_state(1)[0])
        if self.search.algorithm == "grid":
            return PartialFixedSampler(listed(self.space)[number], RandomSampler(seed))
        if self.search.algorithm == "random":
            return RandomSampler(seed)
        return TPESampler(n_startup_trials=STARTUP, multivariate=True, group=True, seed=seed)


def listed(space: Space) -> list[dict[str, Any]]:
    """Returns every combination of the arms' grids, as Optuna's parameters, the first dimension slowest."""
    names, combinations = names_of(space.arms), []
    for arm in space.arms:
        grids = {names[arm.label, n]: d for n, d in arm.dimensions().items() if isinstance(d, Grid)}
        first = {"arm": arm.label} if len(space.arms) > 1 else {}
        for values in product(*(_choices(grid) for grid in grids.values())):
            combinations.append(first | dict(zip(grids, values, strict=True)))
    return combinations


def names_of(arms: Sequence[Arm]) -> dict[tuple[str, str], str]:
    """Returns (arm's label, dimension's name) -> Optuna's name: arms share what is the same in all that have it."""
    dimensions = {(arm.label, name): dimension for arm in arms for name, dimension in arm.dimensions().items()}
    alike = {name: {repr(d) for (_, other), d in dimensions.items() if other == name} for _, name in dimensions}
    return {(label, name): name if len(alike[name]) == 1 else f"{name} ({label})" for label, name in dimensions}


def _attributes(candidate: Candidate) -> dict[str, Any]:
    """Returns what Optuna shows of a candidate beside its parameters."""
    return {"setting": candidate.trials[0].label, "trials": [trial.key for trial in candidate.trials]}


def _distribution(dimension: Dimension) -> BaseDistribution:
    """Returns what `_suggest` draws from, in Optuna's terms."""
    if isinstance(dimension, Grid):
        return CategoricalDistribution(list(_choices(dimension)))
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _suggest(draw: optuna.Trial, name: str, dimension: Dimension) -> Any:
    if isinstance(dimension, Grid):
        choices = _choices(dimension)
        return choices[draw.suggest_categorical(name, list(choices))]
    if dimension.whole:
        return draw.suggest_int(name, int(dimension.low), int(dimension.high), log=dimension.log)
    return draw.suggest_float(name, dimension.low, dimension.high, log=dimension.log)


def _choices(grid: Grid) -> dict[Any, Any]:
    """Returns what Optuna can store -> the value: lists and dictionaries by their JSON."""
    plain = (str, int, float, bool, type(None))
    return {v if isinstance(v, plain) else json.dumps(v): v for v in grid.values}
