"""What the tests of this folder share: studies, and a cluster that is started once."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.launches import Ray, cluster

TINY = """
from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="Does noise help?",
    arms=(Arm(method="gnt", label="GNT", space={"sigma": Grid(0.0, 0.5)}),),
    recipe={"epochs": 3},
    reports=("accuracy_curve", "corruption_table"),
    seeds=2,
)
"""


signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and so would children


@pytest.fixture(scope="session")
def work() -> Iterator[Path]:
    """A folder with a short path (Ray's sockets allow no long one) for the studies and their MLflow store."""
    folder = Path(tempfile.mkdtemp(prefix="e2e"))
    (folder / "tiny.py").write_text(TINY)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def scratch(work: Path) -> Path:
    """Where commands keep their output and their temporary files."""
    (work / "t").mkdir()
    return work / "t"


@pytest.fixture(scope="session")
def ray(work: Path, scratch: Path) -> Iterator[Ray]:
    """A cluster of one node for the commands that are not about Ray's own start and end, which takes seconds."""
    sockets = work / "r"
    sockets.mkdir()
    with cluster(2, scratch=scratch, sockets=sockets) as started:
        yield started
