"""Launches what is planned: trains what is not yet trained, mirrors it to MLflow and reports."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import TYPE_CHECKING

from study.engine import best_schedule
from study.engine.race import Race, Rules
from study.engine.signals import terminated_as_interrupted
from study.errors import UserError
from study.ledger import candidates
from study.ledger.events import Event, Kind, Listener
from study.ledger.files import storing
from study.ledger.state import State
from study.ledger.trial import Trial
from study.plan.planning import Plan, claim, refuse_hindsight
from study.reporting import make

if TYPE_CHECKING:
    from reports.core.study_conclusion import Findings
    from reports.core.write import Section
    from study.engine.tune import Bench


@dataclass(frozen=True)
class Outcome:
    """How a launch ended."""

    plan: Plan
    sections: list["Section"]
    findings: dict[str, "Findings"]
    """Dataset -> what the study says."""
    finished: int
    failed: int
    interrupted: bool
    seconds: float
    tracking_error: str | None
    total: int
    """Trials that were to be finished: a study's, or the seeds of the settings that its search chose."""
    candidates: Counter[State] | None
    """How many of a search's candidates, or a population's members, ended how."""

    @property
    def complete(self) -> bool:
        """Whether every trial is finished."""
        return not self.interrupted and self.finished == self.total


def launch(plan: Plan, listener: Listener) -> Outcome:
    """Runs a plan to its end; what its directory holds already is not done again. Raises UserError before any work,
    and StorageError when nothing can be written any more.

    Ctrl-C or SIGTERM ends it early and in order: what is finished is kept, reported and mirrored; `interrupted` says
    so. listener: hears of all that happens meanwhile.
    """
    start = time.monotonic()
    plan.folder.check(plan.name, plan.identity)
    with plan.folder.held(), terminated_as_interrupted():
        plan.folder.fetch_study()
        refuse_hindsight(plan.study, plan.folder)
        claim(plan)
        return _launch(plan, listener, start)


def _launch(plan: Plan, listener: Listener, start: float) -> Outcome:
    from study.tracking.mirror import Mirror  # noqa: PLC0415

    folder = plan.folder
    mirror = Mirror(plan.tracking_uri, folder)
    interrupted = False
    reports = None
    try:
        try:
            interrupted = not _work(plan, [listener, mirror])
        except KeyboardInterrupt:
            interrupted = True
        if any(folder.finished(trial) for trial in _reported(plan)):
            _say([listener], "making the report", 0, 0)
            _store_examples(plan)
            with storing(folder.report):
                reports = make.make([folder], folder.report)
            folder.keep(folder.report)
    except KeyboardInterrupt:  # while the report is made, or again
        interrupted = True
    except Exception:
        mirror.close({})
        raise
    _say([listener], "delivering to MLflow", 0, 0)
    said = {data: (each.wins, each.unsettled, each.power) for data, each in reports.findings.items()} if reports else {}
    mirror.close(reports.summary if reports else {}, said)
    states = [folder.trial(trial.key).test for trial in _reported(plan)]
    return Outcome(
        plan=plan,
        sections=reports.sections if reports else [],
        findings=reports.findings if reports else {},
        finished=states.count(State.FINISHED),
        failed=states.count(State.FAILED),
        interrupted=interrupted,
        seconds=time.monotonic() - start,
        tracking_error=mirror.error,
        total=len(states),
        candidates=_candidates(plan) if plan.study.selects else None,
    )


def _store_examples(plan: Plan) -> None:
    """Stores a test image under every corruption, unless it is there."""
    from study.work.examples import examples  # noqa: PLC0415

    if not plan.folder.examples.exists() and (content := examples(plan.data, plan.space.evaluate)) is not None:
        plan.folder.write(plan.folder.examples, content)


def _candidates(plan: Plan) -> Counter[State]:
    tried = candidates.read(plan.folder)
    if plan.study.population:  # the others are its best schedule and that one's mean values
        tried = tried[: plan.study.population.size]
    return Counter(candidate.state(plan.folder) for candidate in tried)


def _reported(plan: Plan) -> list[Trial]:
    """Returns the trials that are to be measured on test data, as far as they are known."""
    if plan.options.until_sure:
        return plan.folder.trials()
    if not plan.study.selects:
        return plan.trials
    return [trial for candidate in candidates.chosen(plan.folder) or [] for trial in candidate.trials]


def _work(plan: Plan, listeners: Sequence[Listener]) -> bool:
    """Does what the directory has not yet; returns whether that is all, which Ctrl-C prevents."""
    selecting = plan.study.selects and candidates.chosen(plan.folder) is None
    race = _race(plan)
    if not selecting and not _waiting(plan) and (race is None or race.reason):
        return True  # a finished study needs no Ray
    from study.engine.cluster import connected  # noqa: PLC0415

    ahead = _ahead(plan, selecting)
    _say(listeners, "starting Ray", *ahead)
    with connected(plan.options, ahead[0] - ahead[1]) as scratch:
        _say(listeners, "searching" if selecting else "training and evaluating", *ahead)
        from study.engine.tune import Bench, run_trials  # noqa: PLC0415  imports ray, see `connected`

        bench = Bench(
            study=plan.name,
            data=plan.data,
            folder=plan.folder,
            options=plan.options,
            scratch=scratch,
            listeners=listeners,
        )
        if selecting:
            if not _select(plan, bench):
                return False
            _say(listeners, "training the chosen", len(_reported(plan)), 0)
        if race is not None:
            return _run_race(plan, bench, race)
        waiting = _waiting(plan)
        run_trials(bench, waiting)
    return _ended(plan, waiting)


def _race(plan: Plan) -> Race | None:
    """Returns the race that the plan asks for, as far as its directory has it."""
    if not plan.options.until_sure:
        return None
    settings = [trial for trial in plan.trials if trial.seed == 0]
    return Race(plan.folder, settings, Rules.of(plan.options, list(plan.study.evaluate)))


def _run_race(plan: Plan, bench: "Bench", race: Race) -> bool:
    """Runs a race round by round; returns whether it is over, which Ctrl-C prevents."""
    from study.engine.tune import run_trials  # noqa: PLC0415

    while True:
        trials = race.trials()
        claim(replace(plan, trials=trials))
        waiting = [trial for trial in trials if not plan.folder.finished(trial)]
        title = f"round {race.number} of {len(race.rules.rounds)}"
        _say(bench.listeners, title, len(trials), len(trials) - len(waiting))
        if waiting:
            run_trials(bench, waiting)
        if not _ended(plan, waiting):
            return False
        if race.reason is None:
            race.decide()
        if race.reason is not None:
            return True


def _ended(plan: Plan, trials: list[Trial]) -> bool:
    """Whether all of these trials have finished or failed."""
    return all(plan.folder.trial(trial.key).test in (State.FINISHED, State.FAILED) for trial in trials)


def _say(listeners: Sequence[Listener], phase: str, total: int, done: int) -> None:
    for listener in listeners:
        listener(Event(kind=Kind.PHASE, reason=phase, total=total, done=done))


def _waiting(plan: Plan) -> list[Trial]:
    return [trial for trial in _reported(plan) if not plan.folder.finished(trial)]


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
    decided = (State.VALIDATED, State.STOPPED)
    return settings, sum(plan.folder.trial(t.key).selection in decided for t in plan.folder.trials())


def _select(plan: Plan, bench: "Bench") -> bool:
    """Runs the study's search or population to its end and records what it chose; returns whether it came to it."""
    from study.engine.optimizer import Optimizer  # noqa: PLC0415
    from study.engine.population import run_population  # noqa: PLC0415
    from study.engine.tune import run_search  # noqa: PLC0415

    if plan.study.population:
        run_population(bench, plan.space)
        schedules = best_schedule.members(plan.folder, plan.space)
        if schedules is None:
            return False
        best_schedule.choose(plan.folder, plan.space, schedules)
        best_schedule.export(plan.folder, plan.space, plan.name)
        return True
    assert plan.study.searching is not None
    optimizer = Optimizer(plan.name, plan.space, plan.study.searching, plan.folder)
    run_search(bench, optimizer)
    if optimizer.complete and not candidates.choose(plan.folder, optimizer.search):
        raise UserError(
            f"no setting of the search was trained to its end. `study status {quote(str(plan.folder.path))}` says why"
        )
    return optimizer.complete
