"""MLflow's server over a folder, on a free port of the loopback interface: for benchmarks and tests."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen


def free_port() -> int:
    """Returns a port of the loopback interface that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(port: int, store: Path) -> "subprocess.Popen[bytes]":
    """Starts MLflow's server over a database and artifacts in `store`, in a process group of its own."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{store}/mlflow.db", "--artifacts-destination", str(store / "files")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=environment, cwd=store, start_new_session=True, **quiet)


def answers(url: str) -> bool:
    """Whether a server answers at a URL."""
    try:
        with urlopen(f"{url}/health", timeout=2):
            return True
    except (URLError, OSError):
        return False
