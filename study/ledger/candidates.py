"""A search's candidates as its directory keeps them, what became of each, and which are chosen at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from search_spaces.core.space import Search
from study.ledger import files, results
from study.ledger.folder import Folder
from study.ledger.headline import headline
from study.ledger.state import State
from study.ledger.trial import Trial

DECIDED = (State.FAILED, State.STOPPED)
"""States of one seed that decide the candidate's: the others are not tried."""


@dataclass(frozen=True)
class Candidate:
    """A setting with all its seeds. number: counted from 0. optuna: its number there. params: as Optuna names them."""

    number: int
    optuna: int
    params: dict[str, Any]
    trials: tuple[Trial, ...]

    def write(self, folder: Folder) -> None:
        """Records the candidate and its trials in the study's directory."""
        folder.add(list(self.trials))
        keys = [trial.key for trial in self.trials]
        record = {"number": self.number, "optuna": self.optuna, "params": self.params, "trials": keys}
        folder.write_json(folder.candidate(self.number), record)

    def state(self, folder: Folder) -> State:
        """Returns the candidate's state: that of its selection, STARTED while some seed is still to be trained."""
        states = {folder.trial(trial.key).selection for trial in self.trials}
        decided = next((state for state in DECIDED if state in states), None)
        return decided or (State.VALIDATED if states == {State.VALIDATED} else State.STARTED)

    def values(self, folder: Folder, objectives: Sequence[str]) -> list[float]:
        """Returns each objective on the validation split, the mean over seeds, of a validated candidate."""
        headlines = [headline(results.rows(folder.trial(t.key).mark(State.VALIDATED))) for t in self.trials]
        return [fmean(numbers[name] for numbers in headlines) for name in objectives]


def read(folder: Folder) -> list[Candidate]:
    """Returns the candidates so far, in order."""
    listed = []
    for path in sorted(folder.candidate(0).parent.glob("*.json")):
        record = files.read_json(path)
        trials = tuple(folder.trial(key).trial() for key in record["trials"])
        listed.append(Candidate(record["number"], record["optuna"], record["params"], trials))
    return listed


def choose(folder: Folder, search: Search) -> list[Candidate]:
    """Returns the candidates to be measured on test data, and records them. Reads validation tables alone.

    With one objective the best `search.chosen` (one by default); with more the Pareto front, of which at most
    `search.chosen` are kept, evenly along the first objective. A setting that was tried twice counts once, and of
    equal ones the first is taken. Where none is validated nothing is recorded.
    """
    settings = {c.trials[0].config_id: c for c in reversed(read(folder)) if c.state(folder) is State.VALIDATED}
    valued = [(c, c.values(folder, search.objectives)) for c in sorted(settings.values(), key=lambda c: c.number)]
    valued.sort(key=lambda pair: pair[1], reverse=True)
    if len(search.objectives) == 1:
        best = valued[: search.chosen or 1]
    else:
        front = [pair for pair in valued if not any(_dominates(other, pair[1]) for _, other in valued)]
        best = [front[i] for i in _spread(len(front), search.chosen or len(front))]
    record = [{"number": c.number, **dict(zip(search.objectives, v, strict=True))} for c, v in best]
    if not best:
        return []
    folder.write_json(folder.chosen, {"objectives": list(search.objectives), "candidates": record})
    return [c for c, _ in best]


def chosen(folder: Folder) -> list[Candidate] | None:
    """Returns the candidates that were chosen, None while the search goes on."""
    if not folder.chosen.exists():
        return None
    record = files.read_json(folder.chosen)
    numbers = [entry["number"] for entry in record["candidates"]]
    by_number = {c.number: c for c in read(folder)}
    return [by_number[number] for number in numbers]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is at least as good everywhere and better somewhere."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and list(one) != list(other)


def _spread(count: int, limit: int) -> list[int]:
    """Returns at most `limit` of the indices 0 ... count - 1, evenly, the ends among them."""
    if limit >= count:
        return list(range(count))
    return [0] if limit == 1 else [round(i * (count - 1) / (limit - 1)) for i in range(limit)]
