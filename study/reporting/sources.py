"""Rows of one or more study directories, joined: what a report is made of. Needs neither Ray, torch nor MLflow."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.errors import UserError
from study.ledger import candidates, results
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial, short

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Source:
    """A study directory as it stood: its record, the trials that are for its tables, and their states by key."""

    folder: Folder
    record: dict[str, Any]
    trials: list[Trial]
    states: dict[str, State]

    @property
    def finished(self) -> int:
        """Number of finished trials."""
        return sum(state is State.FINISHED for state in self.states.values())

    @property
    def missing(self) -> list[str]:
        """The trials that have no result yet."""
        return [_name(t) for t in self.trials if self.states[t.key] in (State.PENDING, State.STARTED)]

    @property
    def failed(self) -> list[tuple[str, str]]:
        """The failed trials, each with its reason."""
        failed = [t for t in self.trials if self.states[t.key] is State.FAILED]
        return [(_name(t), self.folder.trial(t.key).failure_reason()) for t in failed]


def look(folder: Folder) -> Source:
    """Returns what a directory holds now. Raises UserError where there is no study.

    Of a search or a population without the trials that are decided, and of which no test data is to be read.
    """
    record = folder.read()
    trials, states = [], {}
    for trial in folder.trials():
        place = folder.trial(trial.key)
        decided = place.selection in (State.VALIDATED, State.STOPPED)
        if not decided or place.test in (State.FINISHED, State.FAILED):
            trials.append(trial)
            states[trial.key] = place.test
    return Source(folder, record, trials, states)


def rows(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns the rows of all finished trials; a trial that several studies have counts once, as the first has it.

    Arms of one name that differ in more than what their labels say get their study's name in front, and a setting has
    one label: that of the first study that has it. Raises UserError when no trial is finished.
    """
    files: dict[str, Path] = {}
    labels: dict[str, tuple[str, str]] = {}
    several = len(sources) > 1
    for source, rename in zip(sources, _renaming(sources) if several else [_same], strict=True):
        for trial in source.trials:
            if source.states[trial.key] is State.FINISHED:
                files.setdefault(trial.key, source.folder.trial(trial.key).mark(State.FINISHED))
                labels.setdefault(trial.config_id, (rename(trial, trial.arm), rename(trial, trial.label)))
    if not files:
        raise UserError(f"no finished trial yet in {' and '.join(names(sources))}, so there is nothing to report")
    found = results.read(files.values())
    if several:
        for place, column in enumerate(("arm", "label")):
            found[column] = found["config"].map({config: pair[place] for config, pair in labels.items()})
    return found


def validation(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns the rows of searches' candidates on the validation split, with the columns candidate and chosen."""
    found: dict[str, tuple[Path, int, bool]] = {}
    for source in sources:
        kept = {c.number for c in candidates.chosen(source.folder) or []}
        for candidate in candidates.read(source.folder):
            for trial in candidate.trials:
                path = source.folder.trial(trial.key).mark(State.VALIDATED)
                if path.exists():
                    found.setdefault(trial.key, (path, candidate.number, candidate.number in kept))
    read = results.read(path for path, _, _ in found.values())
    numbers = read["trial"].map({key: number for key, (_, number, _) in found.items()})
    return read.assign(candidate=numbers, chosen=read["trial"].map({key: kept for key, (_, _, kept) in found.items()}))


def population(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns the rows of populations' members, by epoch."""
    return results.read(path for source in sources for path in sorted(source.folder.population.glob("*.parquet")))


READ = {"results": rows, "validation": validation, "population": population}
"""What a report can read."""


def parts(sources: Sequence[Source], kind: str) -> "dict[str, pd.DataFrame]":
    """Returns name -> rows of what is reported apart, without what has no rows.

    Results are apart by dataset, since accuracies on two are not to be compared; two versions of a user's own dataset
    are named with their hashes. Each search and each population is
    apart, since numbers of candidates and members mean something within one only.
    """
    if kind == "results":
        data = _finished_on(sources)
        printed = [short(name) for name in data]
        return {
            print_name if printed.count(print_name) == 1 else name: rows(_on(sources, name))
            for name, print_name in zip(data, printed, strict=True)
        }
    read = {name: READ[kind]([source]) for name, source in zip(names(sources), sources, strict=True)}
    return {name: found for name, found in read.items() if len(found)}


def _finished_on(sources: Sequence[Source]) -> list[str]:
    """Returns the datasets of the finished trials, in the order in which they come first."""
    return list(dict.fromkeys(t.data for s in sources for t in s.trials if s.states[t.key] is State.FINISHED))


def _on(sources: Sequence[Source], data: str) -> list[Source]:
    """Returns the sources with the trials on one dataset alone, without those that have none."""
    found = [replace(source, trials=[t for t in source.trials if t.data == data]) for source in sources]
    return [source for source in found if source.trials]


def parameters(rows: "pd.DataFrame") -> list[str]:
    """Returns the columns of `rows` that are parameters of the trials."""
    return [name for name in rows if name not in results.SCHEMA.names]


def names(sources: Sequence[Source]) -> list[str]:
    """Returns a name for each source that tells it from the others: as short as that can be."""
    forms: list[Callable[[Source], str]] = [
        lambda s: str(s.record["name"]),
        lambda s: f"{s.record['name']} on {s.record['data']}",
        lambda s: s.folder.path.name,
        lambda s: str(s.folder.path),
    ]
    for form in forms:
        found = [form(source) for source in sources]
        if len(set(found)) == len(found):
            break
    return found


def _renaming(sources: Sequence[Source]) -> list[Callable[[Trial, str], str]]:
    """Returns for each source a function of a trial and its label: its name in front if its arm clashes."""
    fixed: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    configs: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for index, source in enumerate(sources):
        for trial in source.trials:
            fixed[trial.arm][index].add(_fixed(trial))
            configs[trial.label][index].add(trial.config_id)
    arms, labels = _differing(fixed), _differing(configs)
    clashing = {t.arm for source in sources for t in source.trials if t.arm in arms or t.label in labels}

    def renamer(name: str) -> Callable[[Trial, str], str]:
        return lambda trial, text: f"{name}: {text}" if trial.arm in clashing else text

    return [renamer(name) for name in names(sources)]


def _same(_: Trial, text: str) -> str:
    return text


def _differing(found: Mapping[str, Mapping[int, set[str]]]) -> set[str]:
    """Returns the names that several sources have and mean different things by."""
    return {name for name, by_source in found.items() if len({frozenset(each) for each in by_source.values()}) > 1}


def _fixed(trial: Trial) -> str:
    """Returns all that decides a trial's numbers and that neither its label nor its seed says."""
    fields = json.loads(trial.to_json())
    for name in trial.varied:
        fields["params"].pop(name, None)
        fields["recipe"].pop(name, None)
    return json.dumps({name: value for name, value in fields.items() if name not in ("arm", "seed")}, sort_keys=True)


def _name(trial: Trial) -> str:
    return f"{trial.label}, seed {trial.seed}"
