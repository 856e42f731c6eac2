"""Makes a study's reports from its directory: needs neither Ray, torch nor MLflow."""

from collections.abc import Sequence

import pandas as pd

from reports.core.write import DEFAULT, FORMATS, Section, page, write
from study import results
from study.errors import UserError
from study.folder import Folder
from study.lookup import find, suggest


def make(
    folder: Folder, only: str | None = None, formats: Sequence[str] = DEFAULT
) -> tuple[list[Section], dict[str, float]]:
    """Makes the study's reports (or `only` one) into folder.report; returns their sections and the study's summary.

    Works on what is finished, also while the study runs. Raises UserError when nothing is, or for an unknown format.
    """
    for form in formats:
        if form not in FORMATS:
            raise UserError(f"there is no format {form!r} of reports.{suggest(form, FORMATS)}")
    study, trials = folder.read(), folder.trials()
    rows = results.read(p for t in trials if (p := folder.result(t.key)).exists())
    if rows.empty:
        raise UserError(f"{folder.path} has no finished trial yet, so there is nothing to report")
    sections: list[Section] = []
    summary: dict[str, float] = {}
    for name in [only] if only else study["reports"]:
        section, numbers = write(name, find("report", name), rows, folder.report, formats)
        sections += [section] if section else []
        summary |= numbers
    if "html" in formats:
        page(folder.report / "index.html", sections, _about(folder, study, rows))
    return sections, summary


def _about(folder: Folder, study: dict[str, object], rows: pd.DataFrame) -> dict[str, object]:
    states = [(t, folder.state(t.key)) for t in folder.trials()]
    return {
        "title": f"{study['name']} on {study['data']}",
        "question": study["question"],
        "missing": [f"{t.label}, seed {t.seed}" for t, s in states if s in ("pending", "started")],
        "failed": [(f"{t.label}, seed {t.seed}", folder.failure_reason(t.key)) for t, s in states if s == "failed"],
        "facts": {
            "Command": study["command"],
            "Trials": f"{rows['trial'].nunique()} finished of {len(states)}",
            "Dataset": f"{study['data']}, fingerprint {study['fingerprint']}",
            "Identity": study["id"],
            "Code": study["commit"],
            "Versions": ", ".join(f"{k} {v}" for k, v in dict(study["versions"]).items()),  # type: ignore[call-overload]
            "MLflow": study["tracking_uri"],
        },
    }
