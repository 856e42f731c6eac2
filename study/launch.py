"""Launches what is planned: trains what is not yet trained, mirrors it to MLflow and reports."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from study.engine import best_schedule as population
from study.engine.listener import Listener
from study.engine.signals import terminated_as_interrupted
from study.errors import UserError
from study.ledger import candidates
from study.ledger.files import storing
from study.ledger.trial import Trial
from study.plan.request import LOCAL, Plan, facts, refuse_hindsight
from study.reporting import make as reporting

if TYPE_CHECKING:
    from reports.core.write import Section
    from study.engine.tune import Bench
    from study.tracking.mirror import Mirror


class Display(Listener, Protocol):
    """A listener that shows how far a launch is."""

    def begin(self, total: int, done: int) -> None:
        """Starts to count anew: so many trials, of which some are done."""


@dataclass(frozen=True)
class Outcome:
    """How a launch ended."""

    plan: Plan
    sections: list["Section"]
    finished: int
    failed: int
    interrupted: bool
    seconds: float
    tracking_error: str | None
    total: int
    """Trials that were to be finished: a study's, or the seeds of the settings that its search chose."""
    candidates: Counter[str] | None
    """How many of a search's candidates ended how."""

    @property
    def complete(self) -> bool:
        """Whether every trial is finished."""
        return not self.interrupted and self.finished == self.total


def launch(plan: Plan, display: Display) -> Outcome:
    """Runs a plan to its end; what its directory holds already is not done again. Raises UserError before any work,
    and StorageError when nothing can be written any more.

    Ctrl-C or SIGTERM ends it early and in order: what is finished is kept, reported and mirrored; `interrupted` says
    so.
    """
    start = time.monotonic()
    plan.folder.check(plan.name, plan.identity)
    with plan.folder.held(), terminated_as_interrupted():
        plan.folder.fetch_study()
        refuse_hindsight(plan.study, plan.folder)
        plan.folder.claim(plan.name, plan.identity, plan.trials, facts(plan))
        return _launch(plan, display, start)


def _launch(plan: Plan, display: Display, start: float) -> Outcome:
    from study.tracking.mirror import Mirror  # noqa: PLC0415

    folder = plan.folder
    mirror = Mirror(plan.tracking_uri, folder)
    interrupted = False
    made = None
    try:
        try:
            interrupted = not _work(plan, mirror, display)
        except KeyboardInterrupt:
            interrupted = True
        if any(folder.state(trial.key) == "finished" for trial in _reported(plan)):
            with storing(folder.report):
                made = reporting.make([folder], folder.report)
            folder.keep(folder.report)
    except KeyboardInterrupt:  # while the report is made, or again
        interrupted = True
    except Exception:
        mirror.close({})
        raise
    mirror.close(made.summary if made else {})
    states = [folder.state(trial.key) for trial in _reported(plan)]
    tried = [c.outcome(folder) for c in candidates.read(folder) if c.trials[0].arm != population.BEST]
    return Outcome(
        plan=plan,
        sections=made.sections if made else [],
        finished=states.count("finished"),
        failed=states.count("failed"),
        interrupted=interrupted,
        seconds=time.monotonic() - start,
        tracking_error=mirror.error,
        total=len(states),
        candidates=Counter(tried) if plan.study.selects else None,
    )


def _reported(plan: Plan) -> list[Trial]:
    """Returns the trials that are to be measured on test data, as far as they are known."""
    if not plan.study.selects:
        return plan.trials
    return [trial for candidate in candidates.chosen(plan.folder) or [] for trial in candidate.trials]


def _work(plan: Plan, mirror: "Mirror", display: Display) -> bool:
    """Does what the directory has not yet; returns whether that is all, which Ctrl-C prevents."""
    selecting = plan.study.selects and candidates.chosen(plan.folder) is None
    if not selecting and not _waiting(plan):
        return True  # a finished study needs no Ray
    from study.engine.cluster import Resources, connected  # noqa: PLC0415
    from study.engine.keeper import Keeper  # noqa: PLC0415
    from study.work.trial_run import Place  # noqa: PLC0415

    request = plan.request
    resources = Resources(
        cpus_per_trial=request.cpus_per_trial,
        gpus_per_trial=request.gpus_per_trial,
        max_concurrent=request.max_concurrent,
        address=None if request.address == LOCAL else request.address,
        retries=request.retries,
        trial_timeout=request.trial_timeout,
    )
    display.begin(*_ahead(plan, selecting))
    with connected(resources) as scratch:
        from study.engine.tune import Bench, run_trials  # noqa: PLC0415  imports ray, see `connected`

        bench = Bench(
            study=plan.name,
            data=plan.data,
            folder=plan.folder,
            place=Place("cuda" if request.gpus_per_trial else "cpu", max(1, int(request.cpus_per_trial))),
            resources=resources,
            scratch=scratch,
            listeners=(Keeper(plan.folder), display, mirror),
        )
        if selecting:
            if not _select(plan, bench):
                return False
            display.begin(len(_reported(plan)), 0)
        waiting = _waiting(plan)
        run_trials(bench, waiting)
    return not any(plan.folder.state(trial.key) in ("started", "pending", "validated") for trial in waiting)


def _waiting(plan: Plan) -> list[Trial]:
    return [trial for trial in _reported(plan) if plan.folder.state(trial.key) != "finished"]


def _ahead(plan: Plan, selecting: bool) -> tuple[int, int]:
    """Returns how many trials there are to do first, and how many of them are done."""
    study = plan.study
    if not selecting:
        return len(_reported(plan)), len(_reported(plan)) - len(_waiting(plan))
    if study.population:
        return study.population.size, 0
    grid = study.searching is not None and study.searching.algorithm == "grid"
    # Of the arms as --set's values have made them.
    settings = study.seeds * sum(len(arm.settings()) for arm in plan.space.arms) if grid else study.trial_count
    return settings, sum(plan.folder.state(t.key) in ("validated", "stopped") for t in plan.folder.trials())


def _select(plan: Plan, bench: "Bench") -> bool:
    """Runs the study's search or population to its end and records what it chose; returns whether it came to it."""
    from study.engine.optimizer import Optimizer  # noqa: PLC0415
    from study.engine.population import run_population  # noqa: PLC0415
    from study.engine.tune import run_search  # noqa: PLC0415

    if plan.study.population:
        run_population(bench, plan.space)
        ways = population.members(plan.folder, plan.space)
        if ways is None:
            return False
        population.choose(plan.folder, plan.space, ways)
        population.export(plan.folder, plan.space, plan.name)
        return True
    assert plan.study.searching is not None
    optimizer = Optimizer(plan.name, plan.space, plan.study.searching, plan.folder)
    run_search(bench, optimizer)
    if optimizer.complete and not candidates.choose(plan.folder, optimizer.search):
        raise UserError(f"no setting of the search was trained to its end. `study status {plan.folder.path}` says why")
    return optimizer.complete
