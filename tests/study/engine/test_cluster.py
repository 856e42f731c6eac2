"""What is checked of a cluster before a study starts on it."""

import pytest

from study.engine.cluster import _missing
from study.plan.options import Options

NODES = [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 16.0}]


@pytest.mark.parametrize("cpus, gpus", [(1, 0), (16, 0), (8, 1), (0.5, 0.25)])
def test_what_fits_on_some_node_misses_nothing(cpus: float, gpus: float) -> None:
    assert _missing(Options(cpus_per_trial=cpus, gpus_per_trial=gpus), NODES) is None


@pytest.mark.parametrize(
    "cpus, gpus, said",
    [
        (17, 0, "17 CPU (from --cpus-per-trial); the largest node has 16"),
        (17, 1, "17 CPU (from --cpus-per-trial); the largest node has 16"),
    ],
)
def test_what_fits_nowhere_is_named(cpus: float, gpus: float, said: str) -> None:
    assert _missing(Options(cpus_per_trial=cpus, gpus_per_trial=gpus), NODES) == f"a trial asks for {said}"


def test_both_must_fit_on_one_node() -> None:
    wanted = Options(cpus_per_trial=16, gpus_per_trial=1)
    assert _missing(wanted, NODES) == "a trial asks for 16 CPU and 1 GPU at once; no node has both"


def test_a_cluster_without_nodes_has_nothing() -> None:
    assert "the largest node has 0" in str(_missing(Options(), []))


def test_a_gpu_that_no_node_has_is_named() -> None:
    said = "a trial asks for 0.5 GPU (from --gpus-per-trial); the largest node has 0"
    assert _missing(Options(gpus_per_trial=0.5), [{"CPU": 8.0}]) == said
