"""Seconds that finished trials take to get into MLflow: SQLite, a server over HTTP, PostgreSQL, each local.

    python -m benchmarks.delivery --trials 1000 --stores sqlite server postgresql

The trials are made up (see `benchmarks.report`), with a checkpoint of 100 kB each. They are delivered as the end of a
launch delivers what is missing. The server is MLflow's own, over SQLite. PostgreSQL is a cluster in a scratch folder
on a free port of the loopback interface; it needs initdb and pg_ctl on the PATH, and psycopg2.
"""

import argparse
import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.mlflow_server import answers, free_port, serve
from benchmarks.report import write
from study.ledger.folder import Folder
from study.tracking.mirror import Mirror
from study.tracking.runs import Store

CHECKPOINT = os.urandom(100_000)
SQLITE, SERVER, POSTGRESQL = "sqlite", "server", "postgresql"


def main() -> None:
    """Prints the seconds of each store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--stores", nargs="+", choices=(SQLITE, SERVER, POSTGRESQL), default=[SQLITE])
    arguments = parser.parse_args()
    for name in arguments.stores:
        with TemporaryDirectory() as scratch:
            work = Path(scratch)
            os.chdir(work)  # where a database's client stores artifacts
            folder = Folder(work / "study")
            write(folder, arguments.trials, ["accuracy_curve"])
            for trial in folder.trials():
                folder.trial(trial.key).checkpoint.write_bytes(CHECKPOINT)
            with STORES[name](work) as uri:
                Store(uri, folder)  # migrations are no delivery
                wall, cpu = time.perf_counter(), time.process_time()
                mirror = Mirror(uri, folder)
                mirror.close({})
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                assert mirror.error is None, mirror.error
            pace = arguments.trials / wall
            print(f"{name}: {arguments.trials} trials in {wall:.1f} s, {pace:.0f} a second, {cpu:.1f} s of CPU here")


@contextmanager
def sqlite(work: Path) -> Iterator[str]:
    """Yields the URI of a database in `work`."""
    yield f"sqlite:///{work}/mlflow.db"


@contextmanager
def server(work: Path) -> Iterator[str]:
    """Yields the URL of MLflow's server over a database in `work`."""
    port = free_port()
    with serve(port, work) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            while not answers(url) and process.poll() is None:
                time.sleep(0.2)
            yield url
        finally:
            os.killpg(process.pid, 15)


@contextmanager
def postgresql(work: Path) -> Iterator[str]:
    """Yields the URI of a database of a PostgreSQL cluster in `work`."""
    port = free_port()
    user = getpass.getuser()
    before: list[str] = []
    data = work / "postgresql"
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        user, before = "postgres", ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        work.chmod(0o755)
        data.mkdir()
        shutil.chown(data, user)
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
    subprocess.run([*before, "initdb", "-D", str(data), "-A", "trust", "-U", user], check=True, capture_output=True)
    control = [*before, _near("initdb", "pg_ctl"), "-D", str(data), "-w", "-l", str(data / "log")]
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL)
    try:
        yield f"postgresql+psycopg2://{user}@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL)


STORES = {SQLITE: sqlite, SERVER: server, POSTGRESQL: postgresql}


def _near(program: str, other: str) -> str:
    """Returns the path of a program that lies beside another; Debian links few of PostgreSQL's into the PATH."""
    path = shutil.which(program)
    assert path is not None, f"{program} is not on the PATH"
    return str(Path(path).resolve().with_name(other))


if __name__ == "__main__":
    main()
