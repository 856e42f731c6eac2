"""Tidy tables: what is written comes back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.errors import UserError
from study.ledger import results
from study.ledger.trial import Trial
from tests.support import table, trials

TRIALS = trials("sigma_sweep", seeds=2)
GNT, MULT, SPECKLE = (next(t for t in TRIALS if t.arm == arm) for arm in ("GNT", "GNT, set of sigmas", "Speckle"))
ROW = {
    "benchmark": "common", "family": "blur", "corruption": "fog", "severity": 3, "epoch": 2,
    "metric": "accuracy", "value": 0.1 + 0.2,
}  # fmt: skip


def _write(path: Path, trial: Trial = GNT, *rows: dict[str, Any]) -> pd.DataFrame:
    results.write(path, "a study", trial, rows or [ROW], {"seconds": 1.5, "versions": {"torch": "2"}})
    return results.read([path])


def test_rows_come_back_bit_for_bit_with_the_trials_identity(tmp_path: Path) -> None:
    frame = _write(tmp_path / "results/a.parquet", GNT, ROW, {**ROW, "value": 1e-300, "severity": 5})
    assert frame["value"].tolist() == [0.1 + 0.2, 1e-300] and frame["severity"].tolist() == [3, 5]
    first = frame.iloc[0].to_dict()
    assert {k: first[k] for k in ROW} == ROW
    expected = {
        "study": "a study", "trial": GNT.key, "config": GNT.config_id, "arm": "GNT", "label": "GNT, sigma 0",
        "method": "gnt", "data": "digits", "model": "small_cnn", "seed": 0,
    }  # fmt: skip
    assert {k: first[k] for k in expected} == expected and "params" not in frame
    assert results.facts(tmp_path / "results/a.parquet") == {"seconds": 1.5, "versions": {"torch": "2"}}


def test_what_varies_comes_back_as_json_and_nothing_where_the_label_is_the_arm(tmp_path: Path) -> None:
    dictionary = {**GNT.params, "noise": {"additive": 0.1 + 0.2, "sparse": None}}
    several = replace(GNT, params=dictionary, varied=("sigma", "lr", "noise.additive"))
    expected = {"sigma": 0.0, "lr": GNT.recipe["lr"], "noise.additive": 0.1 + 0.2}
    phases = ({"epoch": 1, "params": GNT.params, "recipe": GNT.recipe},)
    cases = ((GNT, {"sigma": 0.0}), (several, expected), (SPECKLE, {}), (replace(GNT, schedule=phases), {}))
    for trial, varied in cases:
        frame = _write(tmp_path / "a.parquet", trial)
        assert [json.loads(text) for text in frame["varied"]] == [varied]
        assert list(json.loads(frame["varied"].item())) == list(varied)


def test_rows_are_marked_when_they_are_written(tmp_path: Path) -> None:
    frame = _write(tmp_path / "a.parquet", GNT, ROW, {**ROW, "benchmark": "cifar-10-c"}, {**ROW, "benchmark": "extra"})
    assert frame["headline"].tolist() == [False, True, False] and frame["headline"].dtype == bool
    assert [row["headline"] for row in results.rows(tmp_path / "a.parquet")] == [False, True, False]
    assert results.read([])["headline"].dtype == bool


def test_a_table_of_an_older_version_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    _write(path)
    pq.write_table(pq.read_table(path).drop_columns(["varied", "headline"]), path)
    for read in (lambda: results.read([path]), lambda: results.rows(path)):
        with pytest.raises(UserError, match="a.parquet has no column varied and no column headline: an older version"):
            read()


def test_parameters_are_columns_numbers_as_numbers_and_all_else_as_text(tmp_path: Path) -> None:
    frame = pd.concat([_write(tmp_path / "a.parquet"), _write(tmp_path / "c.parquet", replace(GNT, seed=1))])
    assert pd.api.types.is_float_dtype(frame["sigma"]) and pd.api.types.is_float_dtype(frame["lr"])
    assert pd.api.types.is_integer_dtype(frame["epochs"])
    assert set(frame["optimizer"]) == {'"adam"'} and set(frame["nesterov"]) == {"true"}
    for trial in (MULT, SPECKLE):
        _write(tmp_path / "b.parquet", trial)
        both = results.read([tmp_path / "a.parquet", tmp_path / "b.parquet"])
        assert both["sigma"].tolist()[0] == 0.0 and both["sigma"].tolist()[1].startswith("[0.")
        assert pd.to_numeric(both["sigma"], errors="coerce").notna().tolist() == [True, False]


def test_parameters_that_some_methods_lack_are_missing_there(tmp_path: Path) -> None:
    vanilla = replace(GNT, method="standard", params={}, arm="Vanilla", varied=())
    _write(tmp_path / "a.parquet")
    _write(tmp_path / "b.parquet", vanilla)
    frame = results.read([tmp_path / "b.parquet", tmp_path / "a.parquet"])
    assert np.isnan(frame["sigma"][0]) and frame["sigma"][1] == 0.0
    assert frame["epochs"].tolist() == [25, 25]


def test_a_parameter_cannot_hide_a_column(tmp_path: Path) -> None:
    frame = _write(tmp_path / "a.parquet", replace(GNT, params={"metric": 3, "seed": 9}, varied=()))
    assert frame["metric"].tolist() == ["accuracy"] and frame["seed"].tolist() == [0]
    assert frame["params.metric"].tolist() == [3] and frame["params.seed"].tolist() == [9]


def test_rows_without_family_or_severity_have_them_missing(tmp_path: Path) -> None:
    frame = _write(tmp_path / "a.parquet", GNT, {"benchmark": "training", "epoch": 1, "metric": "loss", "value": 2.0})
    assert frame[["family", "corruption", "severity"]].isna().all(axis=None) and frame["epoch"].tolist() == [1]


def test_no_files_are_an_empty_table_with_its_columns() -> None:
    frame = results.read([])
    assert frame.empty and {"trial", "seed", "metric", "value"} <= set(frame)


def test_what_fails_while_writing_leaves_no_table_behind(tmp_path: Path) -> None:
    path = tmp_path / "results" / "a.parquet"
    with pytest.raises((TypeError, ValueError)):
        _write(path, GNT, {**ROW, "value": "much"})
    assert not path.exists()
    _write(path)
    kept = path.read_bytes()
    with pytest.raises((TypeError, ValueError)):
        results.write(path, "a study", GNT, [ROW], {"object": object()})
    assert path.read_bytes() == kept and [p.name for p in path.parent.iterdir()] == ["a.parquet"]


def test_a_leftover_of_a_killed_writer_is_not_read(tmp_path: Path) -> None:
    table(TRIALS[:2], tmp_path)
    (tmp_path / TRIALS[2].key).mkdir()
    (tmp_path / TRIALS[2].key / "result.parquet.4711.tmp").write_bytes(b"PAR1 half a table")
    found = results.read(sorted(tmp_path.glob("*/result.parquet")))
    assert set(found["trial"]) == {t.key for t in TRIALS[:2]}


def test_hostile_content_comes_back_as_text(tmp_path: Path) -> None:
    """Nothing in a table is more than text and numbers: not its metadata, not names that look like code or HTML."""
    evil = "<script>alert(1)</script>{{ 7*7 }}__import__('os').mkdir('hit')"
    trial = replace(GNT, arm=evil, params={**GNT.params, "text": {"__reduce__": evil}})
    path = tmp_path / "a.parquet"
    results.write(path, evil, trial, [ROW], {"versions": {evil: evil}, "seconds": 1.0, "!!python/object": evil})
    assert results.facts(path)["!!python/object"] == evil
    frame = results.read([path])
    assert frame["arm"].item() == evil and json.loads(frame["text"].item()) == {"__reduce__": evil}
    assert {p.name for p in tmp_path.iterdir()} == {"a.parquet"}
