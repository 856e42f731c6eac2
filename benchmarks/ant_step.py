"""What a step of adversarial noise training costs beside a vanilla one: `python -m benchmarks.ant_step`."""

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from benchmarks.ant_mnist import CPU, madry_net
from study.evaluation.noise_distance import distances
from trainers.ant import ANT
from trainers.core.method import Method, generator
from trainers.gnt import GNT
from trainers.parts.generator import NoiseGenerator
from trainers.parts.projection import per_pixel_rms, project
from trainers.standard import Standard


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """Returns the best time of a call, after two that do not count."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times[2:])


def main() -> None:
    """Prints milliseconds for 28 x 28 images and the MNIST network of `benchmarks.ant_mnist`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = generator(CPU, 0)
    model, noise = madry_net(rng), NoiseGenerator(1, rng=rng)
    x = (3 * torch.rand(arguments.batch, 1, 28, 28, generator=rng) - 2).clamp(0, 1)  # two thirds black
    y = torch.randint(10, (arguments.batch,), generator=rng)
    epsilon, z = per_pixel_rms(0.348, x), noise.draw(x, rng)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def step(method: Method) -> Callable[[], None]:
        method.setup(model, x, rng)

        def call() -> None:
            optimizer.zero_grad()
            method.loss(model, x, y, rng).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

        return call

    def attack() -> None:
        parameters = list(noise.parameters())
        torch.autograd.grad(F.cross_entropy(model(project(x, noise(z), epsilon)), y), parameters)

    def image_gradient() -> None:
        leaf = x.clone().requires_grad_()
        torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)

    def generator_gradient() -> None:
        torch.autograd.grad(noise(z).sum(), list(noise.parameters()))

    def projection_gradient() -> None:
        leaf = z.clone().requires_grad_()
        torch.autograd.grad(project(x, leaf, epsilon).sum(), leaf)

    calls: dict[str, Callable[[], object]] = {
        "vanilla step": step(Standard()),
        "gnt step": step(GNT()),
        "ant step": step(ANT()),
        "  of it: the generator's step": attack,
        "    classifier forward, and back to the images": image_gradient,
        "    generator forward and back": generator_gradient,
        "    projection forward and back": projection_gradient,
        "  of it: projection of the mixture (half of the batch)": lambda: project(x[::2], z[::2], epsilon),
    }
    times = {name: milliseconds(call, arguments.repeats) for name, call in calls.items()}
    for name, value in times.items():
        print(f"{name:55} {value:8.1f} ms {value / times['vanilla step']:6.2f} of vanilla")
    model.eval()
    some = x.repeat(8, 1, 1, 1)[:1000]
    with torch.no_grad():
        labels = model(some).argmax(1)
    direction = torch.randn(some.shape, generator=rng)
    value = milliseconds(lambda: distances(model, some, labels, direction), 1)
    print(f"{f'epsilon* of {len(some)} images, one noise':55} {value:8.1f} ms")


if __name__ == "__main__":
    main()
