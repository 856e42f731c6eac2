"""Tidy Parquet tables: one file a trial, written in one step when the trial is finished, read together for reports."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.errors import UserError
from study.ledger import files, seals
from study.ledger.headline import marked
from study.ledger.trial import Trial, short

if TYPE_CHECKING:  # workers write, and need no pandas
    import pandas as pd

TRAINING = "training"
"""The benchmark under which per-epoch metrics stand; all others are measured once, after training."""

RECORD = "record"
"""The benchmark under which what a method shows of itself stands, for figures: the rows and columns of the array
called `metric` are `epoch` and `severity`."""

PHASES = "phases"
"""Of a trial with a schedule: (after how many epochs, the values from then on of what varies) of each change."""

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("study", "trial", "config", "arm", "label", "varied", "method", "data", "model")]
    + [("params", pa.string()), ("seed", pa.int64())]
    + [(name, pa.string()) for name in ("benchmark", "family", "corruption")]
    + [("severity", pa.int64()), ("epoch", pa.int64()), ("metric", pa.string()), ("value", pa.float64())]
    + [("headline", pa.bool_())]
)
"""`varied`: what the label says beside the arm, `Trial.label_values` as JSON, so that nobody has to parse a label.
`params`: the trial's method and recipe parameters (those it starts with), the model's as model.NAME, and PHASES where
they change during training, as JSON; `read` makes columns of them. `headline`: whether the row is of the trial's
headline benchmark, see `study.ledger.headline.marked`."""


def write(path: Path, study: str, trial: Trial, rows: Iterable[Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
    """Writes all rows of a trial (with benchmark, family, corruption, severity, epoch, metric, value) to `path`.

    They are marked here: which benchmark is the headline's is decided once, from all of them (`headline.marked`).
    The file appears whole and on disk or not at all: it is the mark that the trial is finished. facts go into the
    file's metadata (versions, seconds, ...) and come back from `facts`. Raises StorageError.
    """
    model = {f"model.{name}": v for name, v in trial.model_params.items() if name != "weights_file"}
    phases = [[phase["epoch"], trial.values_at(phase["epoch"])] for phase in trial.schedule]
    constant = {
        "study": study,
        "trial": trial.key,
        "config": trial.config_id,
        "arm": trial.arm,
        "label": trial.label,
        "varied": json.dumps(trial.label_values),
        "method": short(trial.method),
        "data": short(trial.data),
        "model": short(trial.model),
        "params": json.dumps({**trial.recipe, **trial.params, **model, **({PHASES: phases} if phases else {})}),
        "seed": trial.seed,
    }
    table = pa.Table.from_pylist([{**constant, **row} for row in marked(rows)], schema=SCHEMA)
    table = table.replace_schema_metadata({"facts": json.dumps(facts)})
    _store(path, table)


CORRECT = pa.schema(
    [(name, pa.string()) for name in ("trial", "benchmark", "corruption")]
    + [("severity", pa.int64()), ("images", pa.int64()), ("bits", pa.binary())]
)
"""Of the table that says which test images were classified correctly: a bit an image, the first in the highest bit."""


def write_correct(path: Path, trial: Trial, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes which images were correct, for the rows that say so (`correct`), in one step. Raises StorageError."""
    said = [row for row in rows if row.get("correct") is not None]
    content = [{**row, "trial": trial.key, "images": row["correct"][0], "bits": row["correct"][1]} for row in said]
    _store(path, pa.Table.from_pylist(content, schema=CORRECT))


def read_correct(paths: Iterable[Path]) -> "pd.DataFrame":
    """Returns the rows that `write_correct` wrote, of all files."""
    tables = [pq.read_table(path, schema=CORRECT) for path in paths]
    return (pa.concat_tables(tables) if tables else CORRECT.empty_table()).to_pandas(types_mapper=None)


def _store(path: Path, table: pa.Table) -> None:
    files.write(path, seals.sealed(table))


def read(paths: Iterable[Path]) -> "pd.DataFrame":
    """Returns all rows of the files, with a column for each parameter: numbers as numbers, all else as text.

    A parameter that is named like a column of the rows, such as AugMix's severity, is "params.severity". Raises
    UserError for a table of an older version, which lacks a column.
    """
    tables = [_table(path) for path in paths]
    table = pa.concat_tables(tables) if tables else SCHEMA.empty_table()
    frame = table.to_pandas(types_mapper=None)
    for name, column in _parameter_columns(frame["params"]).items():
        frame[name] = column
    return frame.drop(columns="params")


def rows(path: Path) -> list[dict[str, Any]]:
    """Returns a trial's rows as they were written, without pandas."""
    content: list[dict[str, Any]] = _table(path).to_pylist()
    return content


def facts(path: Path) -> dict[str, Any]:
    """Returns the facts written with a trial's rows."""
    stored: dict[str, Any] = json.loads(pq.read_schema(path).metadata[b"facts"])
    return stored


def _table(path: Path) -> pa.Table:
    table = pq.read_table(path)
    if missing := [name for name in SCHEMA.names if name not in table.schema.names]:
        raise UserError(
            f"the table {path} has no column {' and no column '.join(missing)}: an older version of noise-study wrote "
            "it. Run its study again in a new directory"
        )
    return table.select(SCHEMA.names)


def _parameter_columns(params: "pd.Series[str]") -> dict[str, "pd.Series[Any]"]:
    """Returns name -> column over the rows; each distinct JSON text is parsed once."""
    import pandas as pd  # noqa: PLC0415

    codes, texts = pd.factorize(params)
    parsed = pd.DataFrame([{k: _cell(v) for k, v in json.loads(text).items()} for text in texts])
    return {
        f"params.{name}" if name in SCHEMA.names else name: column.take(codes).set_axis(params.index)
        for name, column in parsed.items()
    }


def _cell(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else json.dumps(value)
