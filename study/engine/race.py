"""Racing: seeds in rounds, and after each round the settings that are significantly worse than the best get no more.

The rule is `reports.core.racing.race_round`. It looks at validation data alone. What each round decided, and on what
evidence, stands in race.json of the study's directory, so that a race goes on where it was interrupted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from statistics import fmean
from typing import Any

from study.errors import UserError
from study.ledger import files, results
from study.ledger.folder import Folder
from study.ledger.headline import headline
from study.ledger.state import State
from study.ledger.trial import Trial
from study.plan.options import Options
from study.plan.race_rounds import rounds_of

ALPHA = 0.05
"""Chance that a race drops a setting that is as good as the best, all rounds together."""


@dataclass(frozen=True)
class Rules:
    """What a race goes by. rounds: seeds of a setting after each. margin: as a fraction; None: until one is left."""

    objective: str
    rounds: tuple[int, ...]
    margin: float | None

    @classmethod
    def of(cls, options: Options, evaluate: Sequence[str]) -> "Rules":
        """Returns the rules that a launch asks for, of a study with these metrics."""
        margin = None if options.within is None else options.within / 100
        return cls("corruption" if "corruption" in evaluate else "clean", rounds_of(options), margin)


class Race:
    """A race in a study's directory. settings: a trial of each, of any seed."""

    def __init__(self, folder: Folder, settings: Sequence[Trial], rules: Rules) -> None:
        self.folder, self.rules = folder, rules
        self.settings = {trial.config_id: trial for trial in settings}
        record = files.read_json(folder.race) if folder.race.exists() else None
        if record is not None and tuple(record["rounds"]) != rules.rounds:
            raise UserError(
                f"the race in {folder.path} was begun with rounds of {', '.join(map(str, record['rounds']))} seeds, "
                "among which its level is shared. Leave --max-seeds as it was, or choose another --output"
            )
        self.decided: list[dict[str, Any]] = record["decided"] if record else []

    @property
    def reason(self) -> str | None:
        """Why the race is over: "one left", "within margin" or "limit"; None while it goes on."""
        return self.decided[-1]["reason"] if self.decided else None

    @property
    def number(self) -> int:
        """The round that is run, counted from 1; the last one once the race is over."""
        return len(self.decided) + (self.reason is None)

    @property
    def left(self) -> list[Trial]:
        """A trial of each setting that is still in the race."""
        gone = {row["config"] for decision in self.decided for row in decision["settings"] if row["dropped"]}
        return [trial for config, trial in self.settings.items() if config not in gone]

    def trials(self) -> list[Trial]:
        """Returns the trials of the present round: every seed of every setting that is left, seeds slowest."""
        seeds = range(self.rules.rounds[self.number - 1])
        return [setting.with_seed(seed) for seed in seeds for setting in self.left]

    def decide(self) -> None:
        """Decides the present round, all trials of which have ended, and records it."""
        import pandas as pd  # noqa: PLC0415  with scipy: a second that a plain launch does not need

        from reports.core.racing import race_round  # noqa: PLC0415

        values = {trial.config_id: self._values(trial) for trial in self.left}
        failed = [config for config, own in values.items() if not own]
        frame = pd.DataFrame({config: own for config, own in values.items() if own}).T
        if frame.empty:
            raise UserError(
                f"no trial of the race was trained to its end. `study status {quote(str(self.folder.path))}` says why"
            )
        outcome = race_round(frame, self.number, self.rules.rounds, self.rules.margin, ALPHA)
        table = outcome.comparison.table
        rows = [
            {
                "config": config,
                "label": self.settings[config].label,
                "seeds": len(values[config]),
                "mean": fmean(values[config].values()),
                **{name: _number(table.loc[config, name]) for name in ("difference", "low", "high", "p")},
                "best": config == outcome.comparison.reference,
                "dropped": config in outcome.dropped,
            }
            for config in frame.index
        ]
        rows += [{"config": c, "label": self.settings[c].label, "seeds": 0, "dropped": True} for c in failed]
        self.decided.append({"round": self.number, "reason": outcome.reason, "settings": rows})
        rules = {"objective": self.rules.objective, "rounds": self.rules.rounds, "margin": self.rules.margin}
        self.folder.write_json(self.folder.race, {**rules, "alpha": ALPHA, "decided": self.decided})

    def _values(self, setting: Trial) -> dict[int, float]:
        """Returns seed -> the objective on validation data, of a setting's trials that were trained to their end."""
        values = {}
        for seed in range(self.rules.rounds[self.number - 1]):
            table = self.folder.trial(setting.with_seed(seed).key).mark(State.VALIDATED)
            if table.exists():
                values[seed] = headline(results.rows(table))[self.rules.objective]
        return values


def _number(value: Any) -> float | None:
    """Returns a number that JSON can hold; None for one that is unknown."""
    return None if value != value else float(value)
