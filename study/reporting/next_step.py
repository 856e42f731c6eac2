"""What to run next for a clearer answer: the command, and what it costs by what trials have taken so far."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from study.reporting.directories import Source

if TYPE_CHECKING:
    from reports.core.study_conclusion import WantedSeeds

REPLACED = ("--seeds", "--max-seeds")
"""Options of a launch, with a value each, that a race sets anew."""


class Step(NamedTuple):
    """why: what it is for and what it costs, a sentence. command: for the shell."""

    why: str
    command: str


def next_steps(sources: Sequence[Source], wanted: "Mapping[str, WantedSeeds]", seconds: float) -> list[Step]:
    """Returns what to run next, the most urgent first; nothing where nothing would help.

    wanted: dataset (its short name) -> the seeds that would settle the best of the settings on it
    (`reports.core.study_conclusion.wanted_seeds`). seconds: what a trial takes. Trials that are missing or failed come
    first: `study resume` trains them. Then a race, which gives more seeds where settings are not told apart; it is for
    a single study whose settings are all planned, neither searched nor fine-tuned from another study's. Of a population
    the best schedule and its mean values get more seeds, by the study file in its report.
    """
    unfinished = [(source, len(source.trials) - source.finished) for source in sources]
    resumed = [
        Step(
            f"{_count(count)} without a result, {_cost(count, seconds)}; if no launch is at work on them:",
            f"study resume {_path(source)}",
        )
        for source, count in unfinished
        if count
    ]
    if resumed or len(sources) > 1:
        return resumed
    (source,) = sources
    if source.folder.population.is_dir():
        file = shlex.quote(str(source.folder.report / "best_schedule.py"))
        return [
            Step(
                f"{more.seeds} seeds of the schedule and of its mean values would probably settle which is better: "
                f"{_count(more.trials)} more than there are, {_cost(more.trials, seconds)}.",
                f"study launch {file} --seeds {more.seeds}",
            )
            for more in wanted.values()
        ]
    if source.folder.selects or any(trial.parent for trial in source.trials):
        return []
    return [
        Step(
            f"Up to {more.seeds} seeds for the settings that are not told apart from the best would probably settle "
            f"which is best: at most {_count(more.trials)} more, {_cost(more.trials, seconds)}.",
            _race(source.record["command"], more.seeds),
        )
        for more in wanted.values()
    ]


def _race(command: str, seeds: int) -> str:
    """Returns the command of a launch as that of a race with at most so many seeds a setting."""
    words, rest = [], iter(shlex.split(command))
    for word in rest:
        if word in REPLACED:
            next(rest, None)
        elif word != "--until-sure" and not word.startswith(tuple(f"{name}=" for name in REPLACED)):
            words.append(word)
    return shlex.join([*words, "--until-sure", "--max-seeds", str(seeds)])


def _path(source: Source) -> str:
    return shlex.quote(str(source.folder.path))


def _count(trials: int) -> str:
    return f"{trials} trial{'' if trials == 1 else 's'}"


def _cost(trials: int, seconds: float) -> str:
    from reports.core.stats import duration_text  # noqa: PLC0415  pandas takes a second

    return f"{duration_text(trials * seconds)} of work, one after the other"
