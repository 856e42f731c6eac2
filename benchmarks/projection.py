"""Times the projection beside foolbox's clipping-aware rescaling: `python -m benchmarks.projection`."""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from foolbox.external.clipping_aware_rescaling import l2_clipping_aware_rescaling
from torch import Tensor

from trainers.core.method import generator
from trainers.parts.projection import per_pixel_rms, project


def sorted_projection(x: Tensor, delta: Tensor, epsilon: float) -> Tensor:
    """Returns what `project` does, with the scale from foolbox (which sorts every pixel's breakpoint)."""
    scale: Tensor = l2_clipping_aware_rescaling(x, delta, epsilon)
    return (x + scale * delta).clamp(0, 1)


def seconds(call: Callable[[], Tensor], repeats: int) -> float:
    """Returns the best of some timings, after one warm-up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Prints one line a batch shape: both times, the ratio, and both worst relative errors of the norm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = generator(torch.device("cpu"), 0)
    print("batch                 ours ms  foolbox ms  ratio   our error  foolbox's")
    for shape in ((64, 3, 224, 224), (512, 1, 28, 28)):
        x, delta = torch.rand(shape, generator=rng), torch.randn(shape, generator=rng)
        epsilon = per_pixel_rms(0.348, x)
        times, errors = [], []
        for solve in (project, sorted_projection):
            times.append(1e3 * seconds(partial(solve, x, delta, epsilon), arguments.repeats))
            norms = (solve(x, delta, epsilon).double() - x).flatten(1).norm(dim=1)
            errors.append(float((norms / epsilon - 1).abs().max()))
        print(
            f"{str(shape):20} {times[0]:8.1f} {times[1]:11.1f} {times[1] / times[0]:6.1f}"
            f" {errors[0]:11.1e} {errors[1]:10.1e}"
        )


if __name__ == "__main__":
    main()
