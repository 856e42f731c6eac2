"""Rows of one or more study directories, joined: what a report is made of. Needs neither Ray, torch nor MLflow."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.errors import UserError
from study.ledger import candidates, files, results
from study.ledger.folder import Folder
from study.ledger.seals import whole
from study.ledger.state import State
from study.ledger.trial import Trial, short

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
"""Of a comparison of settings, if a study looks at them once."""


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
    def level(self) -> float:
        """The level at which its settings are compared: a race's is shared among its rounds, each of which looks."""
        if not self.folder.race.exists():
            return LEVEL
        return LEVEL / len(files.read_json(self.folder.race)["rounds"])

    @property
    def missing(self) -> list[str]:
        """The trials that have no result yet, and the members of a population whose table is damaged."""
        waiting = [t for t in self.trials if self.states[t.key] in (State.PENDING, State.STARTED)]
        members = [
            f"member {int(path.stem)} of the population ({path} is damaged)" for path in self.members if not whole(path)
        ]
        return [_name(t) + _damage(self.folder.trial(t.key).damaged) for t in waiting] + members

    @property
    def members(self) -> list[Path]:
        """The tables of a population's members."""
        return sorted(self.folder.population.glob("*.parquet"))

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
        decided = folder.selects and place.selection in (State.VALIDATED, State.STOPPED)
        if not decided or place.test in (State.FINISHED, State.FAILED):
            trials.append(trial)
            states[trial.key] = place.test
    return Source(folder, record, trials, states)


def rows(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns the rows of all finished trials; a trial that several studies have counts once, as the first has it.

    Arms of one name that differ in more than what their labels say get their study's name in front, and a setting has
    one label, and one `varied` that belongs to it: those of the first study that has it. Raises UserError when no trial
    is finished.
    """
    files: dict[str, Path] = {}
    labels: dict[str, tuple[str, str, str]] = {}
    several = len(sources) > 1
    for source, rename in zip(sources, _renaming(sources) if several else [_same], strict=True):
        for trial in source.trials:
            if source.states[trial.key] is State.FINISHED:
                files.setdefault(trial.key, source.folder.trial(trial.key).mark(State.FINISHED))
                arm, label = (rename(trial, text) for text in (trial.arm, trial.label))
                labels.setdefault(trial.config_id, (arm, label, json.dumps(trial.label_values)))
    if not files:
        raise UserError(f"no finished trial yet in {' and '.join(names(sources))}, so there is nothing to report")
    table = results.read(files.values())
    if several:
        for place, column in enumerate(("arm", "label", "varied")):
            table[column] = table["config"].map({config: texts[place] for config, texts in labels.items()})
    return table


def validation(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns the rows of searches' candidates on the validation split, with the columns candidate and chosen."""
    tables: dict[str, tuple[Path, int, bool]] = {}
    for source in sources:
        best = {c.number for c in candidates.chosen(source.folder) or []}
        for candidate in candidates.read(source.folder):
            for trial in candidate.trials:
                path = source.folder.trial(trial.key).mark(State.VALIDATED)
                if whole(path):
                    tables.setdefault(trial.key, (path, candidate.number, candidate.number in best))
    read = results.read(path for path, _, _ in tables.values())
    facts = [read["trial"].map({key: table[place] for key, table in tables.items()}) for place in (1, 2)]
    return read.assign(candidate=facts[0], chosen=facts[1])


def correct(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns a row for each finished trial and condition of its headline benchmark: which test images are correct.

    Columns: those of `rows` that name the trial and its setting, its parameters, and benchmark, corruption, severity,
    images (their number), bits (packed, the first image in the highest bit). Empty where no trial's table says it.
    """
    tidy = rows(sources)
    conditions = ["trial", "benchmark", "corruption", "severity"]
    main = tidy.loc[tidy["headline"] & (tidy["metric"] == "accuracy") & tidy["family"].notna()]
    paths = [s.folder.trial(t.key).correct for s in sources for t in s.trials if s.states[t.key] is State.FINISHED]
    bits = results.read_correct(path for path in dict.fromkeys(paths) if path.exists())
    return main.drop(columns=["metric", "value"]).merge(bits.drop_duplicates(conditions), on=conditions)


def population(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns the rows of populations' members, by epoch."""
    return results.read(path for source in sources for path in source.members if whole(path))


def race(sources: Sequence[Source]) -> "pd.DataFrame":
    """Returns what races decided: a row a round and setting, with the columns of race.json and label, round, reason."""
    import pandas as pd  # noqa: PLC0415

    evidence = ("mean", "difference", "low", "high", "p")
    columns = ("config", "label", "round", "seeds", *evidence, "best", "dropped", "reason")
    records = [files.read_json(s.folder.race) for s in sources if s.folder.race.exists()]
    decisions = [decision for record in records for decision in record["decided"]]
    rows = [
        {"round": decision["round"], "reason": decision["reason"], **row}
        for decision in decisions
        for row in decision["settings"]
    ]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(evidence, float)).fillna({"best": False})


READ = {"results": rows, "validation": validation, "population": population, "correct": correct, "race": race}
"""What a report can read."""


def parts(sources: Sequence[Source], kind: str) -> "dict[str, pd.DataFrame]":
    """Returns name -> rows of what is reported apart, without what has no rows.

    Results are apart by dataset, since accuracies on two are not to be compared; two versions of a user's own dataset
    are named with their hashes. Each search and each population is apart, since numbers of candidates and members mean
    something within one only.
    """
    if kind in ("results", "correct"):
        by_data = {data: READ[kind](_on(sources, data)) for data in _finished_on(sources)}
        printed = [short(data) for data in by_data]
        return {
            short(data) if printed.count(short(data)) == 1 else data: table
            for data, table in by_data.items()
            if len(table)
        }
    read = {name: READ[kind]([source]) for name, source in zip(names(sources), sources, strict=True)}
    return {name: table for name, table in read.items() if len(table)}


def _finished_on(sources: Sequence[Source]) -> list[str]:
    """Returns the datasets of the finished trials, in the order in which they come first."""
    return list(dict.fromkeys(t.data for s in sources for t in s.trials if s.states[t.key] is State.FINISHED))


def _on(sources: Sequence[Source], data: str) -> list[Source]:
    """Returns the sources with the trials on one dataset alone, without those that have none."""
    parts = [replace(source, trials=[t for t in source.trials if t.data == data]) for source in sources]
    return [source for source in parts if source.trials]


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
        names_so_far = [form(source) for source in sources]
        if len(set(names_so_far)) == len(names_so_far):
            break
    return names_so_far


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


def _differing(meanings: Mapping[str, Mapping[int, set[str]]]) -> set[str]:
    """Returns the names that several sources have and mean different things by."""
    return {name for name, by_source in meanings.items() if len({frozenset(each) for each in by_source.values()}) > 1}


def _fixed(trial: Trial) -> str:
    """Returns all that decides a trial's numbers and that neither its label nor its seed says."""
    fields = json.loads(trial.to_json())
    for name in trial.varied:
        fields["params"].pop(name, None)
        fields["recipe"].pop(name, None)
    return json.dumps({name: value for name, value in fields.items() if name not in ("arm", "seed")}, sort_keys=True)


def _damage(tables: list[Path]) -> str:
    return f" ({', '.join(map(str, tables))} is damaged; `study resume` makes it anew)" if tables else ""


def _name(trial: Trial) -> str:
    return f"{trial.label}, seed {trial.seed}"
