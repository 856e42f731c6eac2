"""Every report of reports/ keeps the contract, on made-up tables of a study that asks for it; the checks ship in the
package.
"""

import pytest

from study.plan.contracts.core.findings import Entry
from study.plan.contracts.made_up import trials
from study.plan.contracts.reports import CHECKS
from study.registry.lookup import find, names

STUDIES = {r: s for s in reversed(names("study")) for r in find("study", s).reports}
NAMES = names("report")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract(name: str, check: str) -> None:
    some = trials(STUDIES.get(name, "sigma_sweep"), seeds=3)
    assert CHECKS[check](Entry(name, find("report", name), trials=some)) is None


def test_there_are_reports() -> None:
    assert {"accuracy_curve", "corruption_table"} <= set(NAMES)
