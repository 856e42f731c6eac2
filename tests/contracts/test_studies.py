"""Every study of search_spaces/ keeps the contract; the checks ship in the package."""

import pytest

from study.plan.contracts.core.findings import Entry
from study.plan.contracts.made_up import trials
from study.plan.contracts.studies import CHECKS, NO_DATA
from study.registry.lookup import find, names

NAMES = names("study")
OF_FILES = {"noisymix_cifar", "stochastic_scale"}
"""Studies whose dataset is not embedded."""


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str, check: str) -> None:
    remark = CHECKS[check](Entry(name, find("study", name)))
    assert remark == (NO_DATA if check == "tries" and name in OF_FILES else None)


@pytest.mark.parametrize("name", NAMES)
def test_it_resolves_into_trials_with_unique_keys(name: str) -> None:
    study, resolved = find("study", name), trials(name)
    assert 0 < len(resolved) <= study.trial_count
    assert len({trial.key for trial in resolved}) == len(resolved)
    assert {trial.seed for trial in resolved} == set(range(study.seeds))
    assert [t.key for t in resolved] == [t.key for t in trials(name)]
    labels = {trial.config_id: trial.label for trial in resolved}
    assert len(set(labels.values())) == len(labels)


@pytest.mark.parametrize("name", NAMES)
def test_it_measures_and_reports(name: str) -> None:
    study = find("study", name)
    assert study.reports and "clean" in study.evaluate
    # Points in the plane have no corruptions; studies of attacks and of costs ask another question.
    assert {"corruption", "robust", "step_cost"} & study.evaluate.keys() or study.data == "toy"
