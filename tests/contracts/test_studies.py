"""What every file of search_spaces/ has to do."""

import pytest

from search_spaces.core.space import Study
from study.registry.lookup import find, names
from tests.support import trials

NAMES = names("study")
pytestmark = pytest.mark.parametrize("name", NAMES)


def test_it_resolves_into_trials_with_unique_keys(name: str) -> None:
    study, found = find("study", name), trials(name)
    assert isinstance(study, Study)
    assert 0 < len(found) <= study.trial_count
    assert len({trial.key for trial in found}) == len(found)
    assert {trial.seed for trial in found} == set(range(study.seeds))
    assert [t.key for t in found] == [t.key for t in trials(name)]


def test_no_two_settings_share_a_label(name: str) -> None:
    labels = {trial.config_id: trial.label for trial in trials(name)}
    assert len(set(labels.values())) == len(labels)


def test_all_that_it_names_exists(name: str) -> None:
    study = find("study", name)
    assert study.question.strip() and "\n" not in study.question
    assert len({arm.label for arm in study.arms}) == len(study.arms)
    assert study.reports and "clean" in study.evaluate
    # Points in the plane have no corruptions; studies of attacks and of costs ask another question.
    assert {"corruption", "robust", "step_cost"} & study.evaluate.keys() or study.data == "toy"
    found = [
        *(find("method", arm.method) for arm in study.arms),
        *(find("metric", metric) for metric in study.evaluate),
        *(find("report", report) for report in study.reports),
        find("dataset", study.data), find("model", study.model),
    ]  # fmt: skip
    assert all(found)
