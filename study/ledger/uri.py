"""Tracking URIs: where an SQLite store lies, what of a URI may be shown, and links into MLflow's interface."""

import re
from pathlib import Path
from urllib.parse import quote

from study.errors import UserError

PARENT = "mlflow.parentRunId"
"""MLflow's tag of a child run: the ID of its parent."""
SETTING = "setting"
"""Tag of a trial's run: the label of its setting, by which pages group."""
SORTED_BY = "corruption"
"""The metric by which comparisons are ordered: the accuracy under corruption, see `study.ledger.headline`."""

MASK = "***"
"""What stands for a user and a password, and for a secret."""
SECRET = re.compile(r"((?<=[?&])[\w.-]*(?:password|secret|token|key|sas|credential)[\w.-]*=)[^&#\s]+", re.IGNORECASE)
"""A secret in a URI's query."""


def sqlite_path(uri: str) -> Path | None:
    """Returns the file of an SQLite store, or None for a URI of another kind."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def absolute(uri: str) -> str:
    """Returns a URI that names the same SQLite file from wherever it is read; others as they are."""
    path = sqlite_path(uri)
    return f"sqlite:///{path.absolute()}" if path else uri


SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks")
"""Of MLflow's servers and stores, before a "+driver"."""
AMBIGUOUS = "%?#"
"""Characters that an SQLite store's URI cannot hold: MLflow reads them as codes, a query and a fragment."""


def check(uri: str) -> None:
    """Raises UserError for a tracking URI that MLflow would not take, before anything is trained for it."""
    scheme, separator, _ = uri.partition("://")
    if uri != "databricks" and (not separator or scheme.partition("+")[0] not in SCHEMES):
        hint = f" Is it http://{uri}?" if re.fullmatch(r"[\w.-]+:\d+(/.*)?", uri) else ""
        raise UserError(
            f"--tracking-uri is {uri!r}, which is no server and no database.{hint} Valid: http://HOST:PORT, "
            "sqlite:///FILE, postgresql://..."
        )
    path = sqlite_path(uri)
    if path is not None and (bad := sorted(set(str(path)) & set(AMBIGUOUS))):
        raise UserError(
            f"MLflow cannot keep its store in {path}, whose path has {' and '.join(bad)}. Choose another --output, or "
            "a --tracking-uri elsewhere"
        )


def mask(text: str) -> str:
    """Returns a URI, or a text with URIs in it, without users and passwords: fit for printing and storing."""
    return SECRET.sub(rf"\1{MASK}", re.sub(r"(?<=://)[^/?#\s]*@", f"{MASK}@", text))


def has_secret(uri: str) -> bool:
    """Returns whether a URI holds a password or a secret; a name before an @ alone is none."""
    return bool(re.search(r"://[^/?#\s@]*:[^/?#\s]*@", uri) or SECRET.search(uri))


def comparison_link(
    base: str, experiment: str, parent: str, view: str | None = None, setting: str | None = None
) -> str:
    """Returns the page of MLflow's interface at `base` that compares the child runs of a run, the most robust first.

    view: the key of a prepared page (`study.tracking.view`), which it shows then. setting: a label; then it compares
    the runs of this setting alone. A user and a password in `base` are left out.
    """
    base = re.sub(r"(?<=://)[^/?#\s]*@", "", base)
    if view is not None:
        query = f"workflowType=machine_learning&viewStateShareKey={quote(view, safe='')}&compareRunsMode=CHART"
        return f"{base.rstrip('/')}/#/experiments/{experiment}/runs?{query}"
    search = f"tags.`{PARENT}` = '{parent}'"
    if setting is not None:
        mark = '"' if "'" in setting else "'"  # MLflow has no way to write one that is in the text
        search += f" AND tags.`{SETTING}` = {mark}{setting}{mark}"
    search = quote(search, safe="")
    order = quote(f"metrics.`{SORTED_BY}`", safe="")
    query = (
        f"workflowType=machine_learning&searchFilter={search}&orderByKey={order}&orderByAsc=false&compareRunsMode=CHART"
    )
    return f"{base.rstrip('/')}/#/experiments/{experiment}/runs?{query}"
