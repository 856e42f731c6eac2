"""What of a study can be wrong beside the values of its parameters: how it is searched, and what it reports."""

from collections.abc import Sequence

from search_spaces.core.space import ALGORITHMS, SCHEDULERS, Arm, Grid, Range, Study
from study.errors import UserError
from study.evaluation.corruptions.catalog import CATALOG
from study.ledger.trial import Trial
from study.registry.lookup import suggest

POPULATIONS = ("pbt", "pb2")
FIXED = ("epochs", "optimizer")
"""Recipe parameters that no schedule can change."""


def check_search(study: Study, arms: tuple[Arm, ...]) -> None:
    search, scheduler = study.searching, study.scheduler
    if scheduler and scheduler.algorithm not in SCHEDULERS:
        raise UserError(f"there is no scheduler {scheduler.algorithm!r}.{suggest(scheduler.algorithm, SCHEDULERS)}")
    if search is None:
        return
    if search.algorithm not in ALGORITHMS:
        raise UserError(f"there is no search {search.algorithm!r}.{suggest(search.algorithm, ALGORITHMS)}")
    if scheduler and (scheduler.grace < 1 or scheduler.reduction < 2):
        raise UserError("grace of the scheduler should be at least 1, and reduction at least 2")
    for name, count in {"samples": search.samples, "chosen": 1 if search.chosen is None else search.chosen}.items():
        if count < 1:
            raise UserError(f"{name} of the search is {count}; it should be at least 1")
    _check_objectives(study, search.objectives)
    if any(arm.parent for arm in arms):
        raise UserError("an arm has a parent, and searches start afresh: leave out --search, or the arm's parent")
    ranges = [f"{name} of {a.label!r}" for a in arms for name, d in a.dimensions().items() if isinstance(d, Range)]
    if search.algorithm == "grid" and ranges:
        raise UserError(f"{ranges[0]} is a Range, of which there is no grid. Add --search tpe or random")


def check_population(study: Study, arms: tuple[Arm, ...]) -> None:
    population = study.population
    if population is None:
        return
    if study.searching:
        raise UserError("a study has a population, or a search or scheduler, not both. Leave out one of them")
    if population.algorithm not in POPULATIONS:
        raise UserError(f"there is no population {population.algorithm!r}.{suggest(population.algorithm, POPULATIONS)}")
    if len(arms) != 1 or arms[0].parent or arms[0].schedule:
        raise UserError("a population has one arm, without parent or schedule; its members are what is compared")
    if not population.mutate or set(arms[0].dimensions()) != set(population.mutate):
        raise UserError("what varies in a population is what it mutates: name it there, and only there")
    if population.size < 2 or population.interval < 1 or not 0 < population.quantile <= 0.5:
        raise UserError("a population needs size >= 2, interval >= 1 and 0 < quantile <= 0.5")
    for name, dimension in population.mutate.items():
        if name in FIXED:
            raise UserError(f"a population cannot mutate {name!r}, which holds for the whole training")
        if isinstance(dimension, Grid) and not all(isinstance(v, int | float) for v in dimension.values):
            raise UserError(f"{name} of the population is a Grid of {dimension.values}; it should be one of numbers")
        if population.algorithm == "pb2" and (isinstance(dimension, Grid) or dimension.whole):
            raise UserError(f"{name} of the population is no Range of real numbers, which pb2 needs")
    _check_objectives(study, (population.objective,))


def check_stylised(trials: Sequence[Trial]) -> None:
    """Raises UserError where ANT would put noise on the stylised images, which start each batch."""
    for trial in trials:
        if trial.data_params.get("stylised") and trial.method == "ant" and trial.params["order"] != "clean_first":
            raise UserError(
                f"{trial.label} would put its noise on the stylised images, which start each batch. "
                "Add --set order=clean_first, and a p_clean of at least their share"
            )


def _check_objectives(study: Study, objectives: Sequence[str]) -> None:
    measured = ["clean"] if "clean" in study.evaluate else []
    if "corruption" in study.evaluate:
        measured += ["corruption", "corruption_no_noise", *dict.fromkeys(c.family for c in CATALOG.values())]
    for name in objectives:
        if name not in measured:
            raise UserError(f"the study measures no objective {name!r}.{suggest(name, measured)}")
