"""A launch as in a container of the strict kind, and under the environment variables of others."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
STUDY = [sys.executable, "-c", "from study.cli import main; main()"]
LAUNCH = ["launch", "sigma_sweep", "--set", "sigma=0.1", "--seeds", "1", "--epochs", "1", "--output"]
SANDBOX = """
set -e
mount -t tmpfs -o size=64m tmpfs /dev/shm
mount -t tmpfs -o mode=1777,size=500m tmpfs /mnt
mount -o remount,bind,ro,relatime /
cd /mnt
exec unshare --user --map-user=4321 --map-group=4321 env -i PATH=/usr/bin:/bin PYTHONPATH="$0" "$@"
"""
"""Shared memory of 64 MiB, nothing that can be written but /mnt, a user whom the system does not know, no HOME."""
OTHERS = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9"),
    **{"RAY_ADDRESS": "10.1.2.3:6379", "RAY_TMPDIR": "/nonexistent", "RAY_NAMESPACE": "x", "RAY_LOG_TO_STDERR": "1"},
    **dict.fromkeys(("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"), "http://localhost:1"),
    **{"MLFLOW_EXPERIMENT_NAME": "theirs", "MLFLOW_EXPERIMENT_ID": "77", "MLFLOW_RUN_ID": "abcdef"},
    **{"PYTHONWARNINGS": "error", "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "1", "PYTHONUTF8": "0", "LC_ALL": "C"},
    **{"GIT_DIR": "/nonexistent", "GIT_WORK_TREE": "/", "PYTHONIOENCODING": "latin-1", "PYTHONDONTWRITEBYTECODE": "1"},
    **{"MPLBACKEND": "module://matplotlib_inline.backend_inline", "MATPLOTLIBRC": "/nonexistent", "DISPLAY": ":99"},
    **{"COLUMNS": "abc", "TERM": "dumb", "FORCE_COLOR": "1", "NO_COLOR": "1", "CUDA_VISIBLE_DEVICES": "junk"},
    **dict.fromkeys(("TMPDIR", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), "/nonexistent"),
}
"""What containers, notebooks, clusters and shells leave in an environment."""


def test_a_launch_in_a_read_only_container_of_an_unknown_user() -> None:
    if not shutil.which("unshare") or HOUSE.is_relative_to("/mnt") or Path(sys.prefix).is_relative_to("/mnt"):
        pytest.skip("needs unshare, and nothing of its own below /mnt")
    inside = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", SANDBOX, str(HOUSE)]
    tried = subprocess.run([*inside, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"the kernel allows no such sandbox: {tried.stderr.strip()}")
    check = "id -u && ! touch /tmp/x 2>/dev/null && df --output=size /dev/shm | tail -1"
    described = subprocess.run([*inside, "bash", "-c", check], capture_output=True, text=True, check=True)
    assert described.stdout.split() == ["4321", "65536"]
    ended = subprocess.run(
        [*inside, *STUDY, *LAUNCH, "/mnt/out"], capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0 and "4 of 4 trials finished" in ended.stdout, ended.stdout + ended.stderr


def test_a_launch_under_the_environment_variables_of_others(tmp_path: Path) -> None:
    environment = {**os.environ, **OTHERS, "PYTHONPATH": f"/nonexistent:{HOUSE}"}
    ended = subprocess.run(
        [*STUDY, *LAUNCH, str(tmp_path / "out")], env=environment, capture_output=True, encoding="latin-1",
        check=False, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0 and "4 of 4 trials finished" in ended.stdout, ended.stdout + ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"out", "mlflow.db", "mlartifacts"}


def test_optimised_python_that_libraries_cannot_bear_is_one_line() -> None:
    ended = subprocess.run([sys.executable, "-OO", *STUDY[1:], "list"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and ended.stderr.startswith("error: PYTHONOPTIMIZE is 2"), ended.stderr
