"""A study's page as axe-core checks it: no finding, in light and in dark."""

import sys
from pathlib import Path
from typing import Any

import pytest

from study.ledger.folder import Folder, write_json
from study.ledger.state import State
from study.reporting import make as reporting
from tests.browser import look, need_browser, with_probe
from tests.study.reporting.test_make import FACTS
from tests.support import table, trials

AXE = Path(sys.prefix) / "axe-core" / "axe.min.js"
PROBE = """
for (const details of document.querySelectorAll("details")) details.open = true;
for (const box of document.querySelectorAll(".tools input[type=checkbox]")) box.click();
document.querySelectorAll(".live .row")[1].focus();
const { violations, passes } = await axe.run(document, { resultTypes: ["violations"] });
seen.passed = passes.length;
seen.found = violations.map(({ id, impact, nodes }) => [id, impact, nodes.length, nodes[0].html.slice(0, 200)]);
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a study with a trial that failed and one that is missing, with axe-core in it."""
    need_browser()
    if not AXE.exists():
        pytest.skip("needs axe-core, which .ci/tools fetches")
    folder = Folder(tmp_path_factory.mktemp("home") / "study")
    some = trials("sigma_sweep", seeds=2)
    folder.claim("sigma_sweep", "id", some, FACTS)
    table(some[:-2], folder.trials_path)
    write_json(folder.trial(some[-1].key).mark(State.FAILED), {"reason": "out of memory"})
    reporting.make([folder], folder.report, formats=["html"])
    path = folder.report / "index.html"
    with_probe(path, f"{AXE.read_text(encoding='utf-8')}\n{PROBE}")
    return path


@pytest.mark.parametrize(("name", "scheme"), [("light", 1), ("dark", 0)])
def test_there_is_no_finding(name: str, scheme: int, page: Path) -> None:
    flags = ("--window-size=1280,900", f"--blink-settings=preferredColorScheme={scheme}")
    seen: dict[str, Any] = look(page, *flags)
    assert seen["passed"] > 20, name
    assert seen["found"] == []
