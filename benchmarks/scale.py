"""What a trial costs beside its training: thousands of trials of no epochs, through the whole platform.

    python benchmarks/scale.py 1000 5000

Each is a trial like any other: scheduled by Ray Tune, built, evaluated on 300 points, written as a table, mirrored to
MLflow (SQLite), reported. Prints, for each quarter of the trials, the pace and the driver's memory; then how long the
report and the rest of MLflow's mirror took after the last trial. Costs that grow with the number of trials show as
quarters that get slower.
"""

import sys
import tempfile
import time
from pathlib import Path

import psutil

STUDY = """
from search_spaces.core.space import Arm, Study

STUDY = Study(
    question="What does a trial cost beside its training?",
    arms=(Arm(method="standard", label="Nothing"),),
    recipe={{"epochs": 0}},
    data="toy",
    model="toy_mlp",
    evaluate={{"clean": {{}}}},
    reports=("method_comparison",),
    seeds={count},
)
"""


def measure(count: int, folder: Path) -> None:
    """Launches `count` trials and prints what they cost."""
    (folder / "scale.py").write_text(STUDY.format(count=count))
    home = folder / str(count)
    command = [sys.executable, "-c", "from study.cli import main; main()", "launch", str(folder / "scale.py")]
    with (folder / "out.txt").open("w") as out:
        started = time.perf_counter()
        process = psutil.Popen([*command, "--output", str(home)], stdout=out, stderr=out)
        marks: dict[str, tuple[float, float]] = {}
        highest = 0.0
        while process.poll() is None:
            done = len(list(home.glob("trials/*/result.parquet")))
            try:
                memory = process.memory_info().rss / 2**20
            except psutil.NoSuchProcess:
                break
            highest = max(highest, memory)
            for name, reached in (
                ("first trial", done >= 1),
                *((f"{quarter}/4 of the trials", done >= count * quarter / 4) for quarter in range(1, 5)),
                ("report", (home / "report/index.html").exists()),
            ):
                if reached:
                    marks.setdefault(name, (time.perf_counter() - started, memory))
            time.sleep(0.2)
        code = process.wait()
    ended = time.perf_counter() - started
    print(f"\n{count} trials, exit status {code}, {ended:.1f} s in all, driver at most {highest:.0f} MiB")
    before = 0.0
    for name, (seconds, memory) in marks.items():
        pace = f"{count / 4 / (seconds - before):6.1f} trials/s" if "/4" in name else ""
        print(f"  {name:20} after {seconds:7.1f} s   driver {memory:5.0f} MiB   {pace}")
        before = seconds
    print(
        f"  {'MLflow complete':20} after {ended:7.1f} s   {'behind' in (folder / 'out.txt').read_text() and 'no' or ''}"
    )
    database = sum(path.stat().st_size for path in folder.glob("mlflow.db*"))
    print(f"  MLflow's database {database / 2**20:.1f} MiB, {database / count / 2**10:.1f} KiB a trial")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            measure(int(argument), Path(temporary))
