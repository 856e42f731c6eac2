"""Times the planning of many trials: `python -m benchmarks.planning [--trials 300 5000]`.

A study of one arm with a grid of learning rates and ten seeds is resolved into trials, each with its key and the
identity of its setting. The dataset's fingerprint is made up: reading data is not planning.
"""

import argparse
import time
from dataclasses import replace

from search_spaces.core.space import Arm, Grid, Study
from study.plan.space import resolve
from study.registry.lookup import find

SEEDS = 10


def study(trials: int) -> Study:
    """Returns a sigma sweep of so many trials."""
    grid = Grid(*(0.001 * (1 + index) for index in range(trials // SEEDS)))
    arms = (Arm(method="gnt", label="GNT", space={"sigma": grid}),)
    return replace(find("study", "sigma_sweep"), arms=arms, seeds=SEEDS)


def main() -> None:
    """Prints the seconds of each size, after one small study that fills the caches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[300, 5000])
    resolve(study(SEEDS), "fingerprint")
    for count in parser.parse_args().trials:
        start = time.perf_counter()
        trials = resolve(study(count), "fingerprint")
        keys = {trial.key for trial in trials} | {trial.config_id for trial in trials}
        assert len(trials) == count <= len(keys)
        print(f"{count} trials: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
