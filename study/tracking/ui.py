"""MLflow's own web interface for a study's store, opened on the comparison of its runs."""

import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console

from study.errors import UserError
from study.ledger import files
from study.ledger.folder import Folder
from study.ledger.uri import comparison_link, sqlite_path

START = 90.0
"""Seconds that a server may take to answer; it usually takes 5 to 20."""


def serve(directory: Path, host: str, port: int, console: Console) -> None:
    """Serves MLflow's UI until Ctrl-C; for a server's URI only prints the link. Ends only what it started."""
    folder = Folder(directory.absolute())
    uri = _moved(folder, folder.read()["tracking_uri"])
    if not folder.mlflow.exists():
        raise UserError(f"MLflow has nothing of {directory} yet: {uri} was never reached. The same launch delivers it")
    runs = files.read_json(folder.mlflow)
    if sqlite_path(uri) is None:
        console.print(f"MLflow: {comparison_link(uri, **runs)}", soft_wrap=True, markup=False)
        return
    port = _port(host, port)
    base = f"http://{host}:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--workers", "1"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with subprocess.Popen(
        [*command, "--host", host, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ending this command ends its server
        try:
            console.print("Starting MLflow's server ...")
            _wait(server, base)
            link = comparison_link(base, **runs)
            console.print(f"Compare: {link}", soft_wrap=True, markup=False)
            if sys.stdout is not None and sys.stdout.isatty():
                webbrowser.open(link)
            console.print("Ctrl-C ends it.")
            server.wait()
        except KeyboardInterrupt:
            console.print("Stopped.")
        finally:
            server.terminate()


def _moved(folder: Folder, uri: str) -> str:
    """Returns a study's store: where it lay at the launch, or beside the study where both have been moved."""
    recorded, beside = sqlite_path(uri), folder.path.parent / "mlflow.db"
    if recorded is None or recorded.exists() or not beside.exists():
        return uri
    return f"sqlite:///{beside}"


def _wait(server: "subprocess.Popen[str]", base: str) -> None:
    """Returns when the server answers. Raises UserError when it ends or does not answer in time."""
    until = time.monotonic() + START
    while time.monotonic() < until:
        if server.poll() is not None:
            assert server.stderr is not None
            last = server.stderr.read().strip().splitlines()[-1:]
            raise UserError(f"MLflow's server ended at once: {' '.join(last)}")
        try:
            with urlopen(f"{base}/health", timeout=2):
                return
        except (URLError, TimeoutError):
            time.sleep(0.2)
    raise UserError(f"MLflow's server at {base} did not answer within {START:g} s")


def _port(host: str, port: int) -> int:
    """Returns the port, or a free one for 0. Raises UserError where another program has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"port {port} of {host} cannot be used: {error.strerror}. Leave out --port for a free one"
            ) from error
        return int(probe.getsockname()[1])
