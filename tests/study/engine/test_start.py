"""What makes Ray start quickly reaches into Tune: these tests say when a new version of Ray has moved it."""

import subprocess
import sys

import pytest

from study.engine import cluster
from study.plan.options import Options

TAGS = """
import sys
from study.engine import tune
from ray.tune import tune as running
assert not running.air_usage.tag_callbacks([tune.TrialRelay(None, [])])
print("mlflow" in sys.modules)
"""
ACTORS = """
from ray.tune.execution.class_cache import _ActorClassCache
from study.engine.cluster import _take_waiting_workers
class Trainable: ...
_take_waiting_workers()
print(dict(_ActorClassCache().get(Trainable)._default_options["runtime_env"] or {}).get("env_vars"))
"""


@pytest.mark.parametrize(("code", "answer"), [(TAGS, "False"), (ACTORS, "None")], ids=["imports", "workers"])
def test_tune_does_nothing_before_its_first_trial_that_takes_seconds(code: str, answer: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == answer, done.stderr


def test_workers_import_ahead_only_where_most_of_them_have_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "cores", lambda: 8)
    assert cluster._fills(Options(), 5)
    assert not cluster._fills(Options(), 4)
    assert not cluster._fills(Options(max_concurrent=2), 100)
    assert not cluster._fills(Options(gpus_per_trial=1.0), 100)
