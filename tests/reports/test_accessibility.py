"""A study's whole page: axe-core finds nothing, in light and in dark, and a phone cuts nothing off."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.ledger.folder import Folder, write_json
from study.ledger.state import State
from study.reporting import make as reporting
from tests.browser import look, look_on_a_phone, need_browser, with_probe
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


NARROW = """
for (const details of document.querySelectorAll("details")) details.open = true;
await new Promise(resolve => setTimeout(resolve, 200));
const width = document.documentElement.clientWidth;
seen.width = [document.documentElement.scrollWidth, width];
const beyond = element => {
  const box = element.getBoundingClientRect();
  return box.width && (box.right > width + 1 || box.left < -1) && !element.closest(".scroll, pre, [hidden]");
};
seen.cut = [...document.body.querySelectorAll("*")].filter(beyond).map(element => element.outerHTML.slice(0, 120));
seen.rows = document.querySelectorAll(".live .row").length;
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a study with a trial that failed and one that is missing."""
    need_browser()
    folder = Folder(tmp_path_factory.mktemp("home") / "study")
    some = trials("sigma_sweep", seeds=2)
    folder.claim("sigma_sweep", "id", some, FACTS)
    table(some[:-2], folder.trials_path)
    write_json(folder.trial(some[-1].key).mark(State.FAILED), {"reason": "out of memory"})
    np.savez(folder.examples, names=np.array(["fog", "snow"]), images=np.zeros((2, 6, 8, 8, 1), np.uint8))
    reporting.make([folder], folder.report, formats=["html"])
    return folder.report / "index.html"


@pytest.mark.parametrize(("name", "scheme"), [("light", 1), ("dark", 0)])
def test_there_is_no_finding(name: str, scheme: int, page: Path) -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core, which .ci/tools fetches")
    checked = page.with_name(f"{name}.html")
    checked.write_bytes(page.read_bytes())
    with_probe(checked, f"{AXE.read_text(encoding='utf-8')}\n{PROBE}")
    flags = ("--window-size=1280,900", f"--blink-settings=preferredColorScheme={scheme}")
    seen: dict[str, Any] = look(checked, *flags)
    assert seen["passed"] > 20
    assert seen["found"] == []


def test_a_phone_cuts_nothing_off(page: Path) -> None:
    narrow = page.with_name("narrow.html")
    narrow.write_bytes(page.read_bytes())
    with_probe(narrow, NARROW)
    seen = look_on_a_phone(narrow)
    assert seen["rows"] == 12 and seen["cut"] == []
    assert seen["width"][0] <= seen["width"][1] <= 390


def test_all_numbers_are_there_without_scripts(page: Path) -> None:
    text = re.sub(r"(?s)<script.*?</script>", "", page.read_text(encoding="utf-8"))
    (first,) = re.findall(r'(?s)<section id="paired_gain".*?</section>', text)
    assert "<svg" in first and first.count("<tr>") == 13 and "Gain at each seed" in first
