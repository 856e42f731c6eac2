"""The prepared page of a study's runs: what MLflow unpacks of the tag, and the link that opens it."""

import base64
import json
import zlib
from typing import Any
from urllib.parse import parse_qs

from study.ledger.uri import SETTING, comparison_link
from study.tracking.view import view_state, view_tag
from tests.support import trials

TRIALS = trials("sigma_sweep", seeds=2)


def _unpacked(text: str) -> dict[str, Any]:
    form, _, packed = text.partition(";")
    assert form == "deflate"
    state: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return state


def test_the_page_groups_by_setting_and_shows_what_varies_against_robustness() -> None:
    state = _unpacked(view_state("p1", TRIALS))
    assert state["searchFilter"] == "tags.`mlflow.parentRunId` = 'p1'"
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": SETTING}]
    assert len(state["groupsExpanded"]) == len({t.label for t in TRIALS}) == 12
    scatter, both, parallel, bar = state["compareRunCharts"]
    assert (scatter["xaxis"]["key"], scatter["yaxis"]["key"]) == ("sigma", "corruption")
    assert (both["xaxis"]["key"], both["yaxis"]["key"]) == ("clean", "corruption")
    assert parallel["selectedParams"] == []  # a set of sigmas is a text, which that chart refuses
    assert state["isAccordionReordered"], "MLflow would put its own charts first"
    assert bar["metricKey"] == "corruption" and state["orderByKey"] == "metrics.`corruption`"
    numeric = _unpacked(view_state("p1", [t for t in TRIALS if t.arm == "GNT"]))
    assert numeric["compareRunCharts"][2]["selectedParams"] == ["sigma"]


def test_the_link_names_the_page() -> None:
    name, key = view_tag("abc")
    assert name == "mlflow.sharedViewState.study-abc"
    link = comparison_link("http://h:1", "7", "p1", key)
    assert link.startswith("http://h:1/#/experiments/7/runs?") and "viewStateShareKey=study-abc" in link


def test_the_link_of_a_setting_finds_its_runs() -> None:
    for label, text in (("GNT, sigma 0.5", "'GNT, sigma 0.5'"), ("it's", '"it\'s"')):
        query = parse_qs(comparison_link("http://h:1", "7", "p1", setting=label).partition("?")[2])
        (search,) = query["searchFilter"]
        assert search == f"tags.`mlflow.parentRunId` = 'p1' AND tags.`{SETTING}` = {text}"
