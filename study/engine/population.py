"""Population based training by Ray's schedulers: the driver's side."""

import math
import random
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
from ray import tune
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler
from ray.tune.schedulers.pb2 import PB2

from search_spaces.core.space import Dimension, Grid, Population, Range
from study.engine.members import MemberActor
from study.engine.relay import Relay
from study.engine.tune import Bench, fit
from study.errors import UserError
from study.ledger.events import Event, Kind
from study.ledger.files import StorageError
from study.ledger.trial import Trial
from study.plan.space import Space


def run_population(bench: Bench, space: Space) -> None:
    """Trains a population until all members have had all epochs, or Ctrl-C; the workers are not given the test split.

    Raises StorageError when nothing can be written any more, and UserError where a member fails for good.
    """
    population, arm = space.study.population, space.arms[0]
    assert population is not None
    dimensions = arm.dimensions()
    firsts = [_start(population, dimensions, member) for member in range(population.size)]
    base = space.trials(arm, firsts[0])[0].to_json()
    common = bench.config(trial=base, interval=population.interval, objective=population.objective)
    members: dict[str, Any] = {"config": tune.grid_search([{**common, "member": m} for m in range(population.size)])}
    for name in dimensions:
        members[name] = tune.sample_from(lambda spec, name=name: firsts[spec.config["config"]["member"]][name])
    relay = MemberRelay(bench.listeners)
    storage = bench.folder.path / ".tune"  # on storage that all nodes share, as the directory is
    try:
        fit(
            bench, MemberActor, bench.data.for_selection(), members, relay, storage,
            checkpoints=tune.CheckpointConfig(checkpoint_frequency=1), scheduler=_scheduler(population, dimensions),
        )  # fmt: skip
    finally:
        shutil.rmtree(storage, ignore_errors=True)


def _scheduler(population: Population, dimensions: dict[str, Dimension]) -> TrialScheduler:
    def clamped(config: dict[str, Any]) -> dict[str, Any]:
        return config | {name: clamp(dimension, config[name]) for name, dimension in dimensions.items()}

    settings: dict[str, Any] = {
        "time_attr": "training_iteration",
        "metric": "score",
        "mode": "max",
        "perturbation_interval": 1,
        "quantile_fraction": population.quantile,
        "custom_explore_fn": clamped,
        "log_config": False,
        "synch": True,
    }
    if population.algorithm == "pb2":
        bounds = {n: [d.low, d.high] for n, d in dimensions.items() if isinstance(d, Range)}
        return _seeded(PB2, population.seed)(hyperparam_bounds=bounds, **settings)
    mutations: dict[str, Any] = {
        n: list(d.values) if isinstance(d, Grid) else _drawing(d) for n, d in dimensions.items()
    }
    return _seeded(PopulationBasedTraining, population.seed)(hyperparam_mutations=mutations, **settings)


def _seeded(kind: type[Any], seed: int) -> type[Any]:
    """Returns Ray's scheduler with draws that depend on the seed and on how far the population is, on nothing else."""

    class Seeded(kind):  # type: ignore[misc]
        def _get_new_config(self, trial: Any, trial_to_clone: Any) -> tuple[dict[str, Any], Any]:
            new, operations = super()._get_new_config(trial, trial_to_clone)
            return {**new, "config": trial.config["config"]}, operations  # a copy, but still the member that it is

        def on_trial_result(self, controller: Any, trial: Any, result: dict[str, Any]) -> str:
            # Ray draws from the global generators; whoever else does is left as he was.
            states = random.getstate(), np.random.get_state()
            random.seed(f"{seed} {result['training_iteration']}")
            np.random.seed(random.getrandbits(32))
            try:
                return str(super().on_trial_result(controller, trial, result))
            finally:
                random.setstate(states[0])
                np.random.set_state(states[1])

    return Seeded


def _start(population: Population, dimensions: dict[str, Dimension], member: int) -> dict[str, Any]:
    rng = random.Random(f"{population.seed} start {member}")
    return {name: draw(dimension, rng) for name, dimension in dimensions.items()}


def _drawing(dimension: Dimension) -> Callable[[], Any]:
    return lambda: draw(dimension, random)


def draw(dimension: Dimension, rng: Any) -> Any:
    """Returns a value of the dimension, by random or random.Random."""
    if isinstance(dimension, Grid):
        return rng.choice(dimension.values)
    if dimension.log:
        return clamp(dimension, math.exp(rng.uniform(math.log(dimension.low), math.log(dimension.high))))
    return clamp(dimension, rng.uniform(dimension.low, dimension.high))


def clamp(dimension: Dimension, value: Any) -> Any:
    """Returns the nearest value of the dimension: Ray's mutations leave the range they are given."""
    if isinstance(dimension, Grid):
        return value
    inside = min(max(float(value), dimension.low), dimension.high)
    return round(inside) if dimension.whole else float(inside)


class MemberRelay(Relay):
    """The relay of a population's members."""

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Tells how a member gets on; one that fails ends the population, whose others would wait for it."""
        member = trial.config["config"]["member"]
        if "storage" in result:
            self.stop(StorageError(result["storage"]))
        elif "failure" in result:
            self.stop(UserError(f"member {member} of the population failed: {result['failure']}"))
        elif "trial" in result:
            schedule = Trial.from_json(result["trial"])
            self.say(
                Event(kind=Kind.INTERVAL, trial=schedule, member=member, epoch=result["epoch"], score=result["score"])
            )

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tells that a member has had all its epochs."""
        if "trial" in trial.last_result and trial.last_result["done"]:
            self.say(Event(kind=Kind.FINISHED, trial=Trial.from_json(trial.last_result["trial"])))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Ends the population: a member is lost."""
        member = trial.config["config"]["member"]
        self.stop(UserError(f"member {member} of the population failed: its worker died, again and again"))
