"""Which settings a figure shows where there are too many, and which one the others are compared with."""

import pandas as pd

from reports.core.settings import bases, components
from reports.core.stats import by_trial

VANILLA = "standard"
"""The method without any noise."""
PHASES = "phases"
"""The parameter that says how others change during training; without one they are fixed."""
STRENGTH = "sigma"
"""The parameter whose 0 is training without noise."""


def base(table: pd.DataFrame) -> str | None:
    """Returns the config of the setting to compare with, None where no single one stands out.

    It is vanilla training; else the one that has everything off that can be; else the one whose sigma is 0; else
    the one with fixed values beside schedules. The order of the rows decides nothing.
    """
    settings = table.drop_duplicates("config").set_index("config")
    if len(settings) < 2:
        return None
    vanilla = list(settings.index[settings["method"] == VANILLA])
    off = list(set(bases(components(table)).values()))
    strengths = settings[STRENGTH] if STRENGTH in settings else pd.Series(float("nan"), settings.index)
    silent = list(settings.index[pd.to_numeric(strengths, errors="coerce") == 0])
    fixed = list(settings.index[settings[PHASES].isna()]) if PHASES in settings else []
    return next((configs[0] for configs in (vanilla, off, silent, fixed) if len(configs) == 1), None)


def base_label(table: pd.DataFrame) -> str | None:
    """Returns the label of `base`, None where there is none."""
    reference = base(table) if len(table) else None
    return None if reference is None else str(table.loc[table["config"] == reference, "label"].iloc[0])


def strongest(table: pd.DataFrame, limit: int, keep: str | None = None) -> set[str]:
    """Returns the configs of the `limit` settings that are most accurate, `keep` (where given) among them.

    Accuracy is that under corruption, the mean over seeds; on clean images where nothing else was measured. Ties go by
    config, so that the order of the rows decides nothing.
    """
    trials = by_trial(table)
    scores = trials["corruption"].fillna(trials["clean"]).groupby(trials["config"]).mean()
    ranked = scores.sort_index().sort_values(ascending=False, kind="stable").index
    chosen = [config for config in ranked if config == keep]
    return set(chosen + [config for config in ranked if config != keep][: limit - len(chosen)])


def limit_text(points: pd.DataFrame) -> str:
    """Returns what captions say where `shown` leaves settings out of the figure; "" where it shows all."""
    total, shown = points["config"].nunique(), points.loc[points["shown"], "config"].nunique()
    if total == shown:
        return ""
    return (
        f" The figure shows {shown} of {total} settings: the base, where there is one, and those with the highest "
        "accuracy; the table has all."
    )
