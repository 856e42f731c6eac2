"""Time and memory of a report of many trials, from Parquet files on disk to every format.

    python -m benchmarks.report --trials 1000

The trials are made up: settings of sigma and lr, ten seeds each, with the rows of the digits' benchmark (clean, and
15 corruptions at five severities) and four epochs. They are written as real ones are, through `study.results.write`.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from search_spaces.core.space import Arm, Grid
from study.ledger import results
from study.ledger.folder import Folder
from study.ledger.state import State
from study.ledger.trial import Trial
from study.plan import space as spec
from study.registry.lookup import find

SEEDS = 10
REPORTS = ("accuracy_curve", "method_table", "method_comparison", "ablation", "component_effects", "corruption_table")
FAMILIES = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
MAKE = """
import json, resource, sys, time
start = time.perf_counter()
from pathlib import Path
from study.reporting import directories as gather
from study.ledger.folder import Folder
from study.reporting.make import make
loaded = time.perf_counter()
folder = Folder(Path(sys.argv[1]))
rows = gather.rows([gather.look(folder)])
read = time.perf_counter()
size = len(rows)
del rows
made = make([folder], folder.report)
end = time.perf_counter()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime
print(json.dumps([size, loaded - start, read - loaded, end - read, cpu, peak, len(made.sections)]))
"""


def main() -> None:
    """Makes the study and its report, and prints what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--reports", default=",".join(REPORTS))
    arguments = parser.parse_args()
    with TemporaryDirectory() as scratch:
        folder = Folder(Path(scratch) / "study")
        start = time.perf_counter()
        write(folder, arguments.trials, arguments.reports.split(","))
        print(f"{arguments.trials} trials written in {time.perf_counter() - start:.1f} s")
        done = subprocess.run(
            [sys.executable, "-c", MAKE, str(folder.path)], capture_output=True, text=True, check=True
        )
        rows, imports, read, made, cpu, peak, sections = json.loads(done.stdout)
        page = folder.report / "index.html"
        print(f"{rows} rows, {sections} reports in every format; page {page.stat().st_size / 1e6:.1f} MB")
        print(f"imports {imports:.1f} s, reading {read:.1f} s, reading and making {made:.1f} s")
        print(f"all {cpu:.1f} s of CPU; peak {peak:.0f} MB")


def write(folder: Folder, count: int, reports: list[str]) -> None:
    """Makes the directory of a finished study of `count` trials."""
    settings = -(-count // SEEDS)
    sigmas = [round(0.01 * index, 2) for index in range(-(-settings // 2))]
    arm = Arm(method="gnt", label="GNT", space={"sigma": Grid(*sigmas), "lr": Grid(1e-3, 1e-2)})
    trials = spec.resolve(replace(find("study", "sigma_sweep"), arms=(arm,), seeds=SEEDS), "0123456789abcdef")[:count]
    facts = {
        "question": "How long does it take?", "data": "digits", "fingerprint": "0123456789abcdef", "reports": reports,
        "command": "study launch sigma_sweep", "tracking_uri": "sqlite:///mlflow.db", "commit": "", "versions": {},
    }  # fmt: skip
    folder.claim("sigma_sweep", "0123456789ab", trials, facts)
    for trial in trials:
        path = folder.trial(trial.key).mark(State.FINISHED)
        results.write(path, "sigma_sweep", trial, list(rows(trial)), {"seconds": 1.0, "versions": {}})


def rows(trial: Trial) -> Iterator[dict[str, Any]]:
    """Yields 88 rows: three metrics of four epochs, clean, and 15 corruptions at five severities."""
    rng = random.Random(trial.key)
    for epoch in range(1, 5):
        for metric, value in (("time", 1e9 + epoch), ("train_loss", rng.random()), ("val_accuracy", rng.random())):
            yield {"benchmark": results.TRAINING, "epoch": epoch, "metric": metric, "value": value}
    last = {"epoch": 4, "metric": "accuracy"}
    yield {**last, "benchmark": "clean", "corruption": "clean", "severity": 0, "value": rng.uniform(0.9, 1)}
    for family, names in FAMILIES.items():
        for name in names:
            for severity in range(1, 6):
                where = {"benchmark": "common", "family": family, "corruption": name, "severity": severity}
                yield {**last, **where, "value": rng.uniform(0.4, 0.9) - 0.05 * severity}


if __name__ == "__main__":
    main()
