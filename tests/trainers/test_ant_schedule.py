"""Adversarial noise training's schedule against a simulation of it, written out with copies of whole generators."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from tests.trainers.test_ant import CPU, Stripes, classifier
from trainers.ant import ANT
from trainers.core.method import generator
from trainers.parts.generator import NoiseGenerator
from trainers.parts.projection import project

NORM = 0.348 * 8


def climb(
    noise: NoiseGenerator, adam: torch.optim.Adam, model: nn.Module, x: Tensor, y: Tensor, rng: Generator
) -> None:
    adam.zero_grad()
    (-F.cross_entropy(model(project(x, noise(noise.draw(x, rng)), NORM)), y)).backward()
    adam.step()


def trained(model: nn.Module, data: Stripes, rng: Generator, *, steps: int, size: int) -> NoiseGenerator:
    noise = NoiseGenerator(1, rng=rng)
    adam, taken = torch.optim.Adam(noise.parameters(), lr=5e-4), 0
    while taken < steps:
        for x, y in data.batches(size, rng):
            if taken < steps:
                climb(noise, adam, model, x, y, rng)
            taken += 1
    return noise


def published(data: Stripes, rng: Generator, *, epochs: int, steps: int) -> tuple[list[Tensor], list[Tensor]]:
    """Returns the batches of 40 that a classifier at rest would see, two an epoch, and the memory."""
    model, memory, seen = classifier().eval(), list[NoiseGenerator](), []
    NoiseGenerator(1, rng=rng)  # what `setup` builds
    x, y = data.x[:40], data.y[:40]
    for epoch in range(epochs):
        current = trained(model, data, rng, steps=steps, size=16)
        adam = torch.optim.Adam(current.parameters(), lr=1e-4)
        memory.append(copy.deepcopy(current))
        for _ in range(2):
            climb(current, adam, model, x, y, rng)
            with torch.no_grad():
                if epoch == 0:
                    noise = current(current.draw(x[:20], rng))
                else:
                    own = current(current.draw(x[:12], rng))
                    first, second = torch.rand(len(memory), generator=rng).argsort()[:2].tolist()
                    past = [memory[i](memory[i].draw(x[:4], rng)) for i in (first, second)]
                    noise = torch.cat([own, *past])
                seen.append(torch.cat([project(x[:20], noise, NORM), x[20:]]))
    return seen, [nn.utils.parameters_to_vector(each.parameters()).detach() for each in memory]


def test_the_default_is_the_schedule_of_the_public_code() -> None:
    method, data, rng = ANT(restart_steps=6, restart_batch=16), Stripes(), generator(CPU, 5)
    model = classifier().eval()
    expected, memory = published(data, generator(CPU, 5), epochs=4, steps=6)
    x, y = data.x[:40], data.y[:40]
    method.setup(model, data.x, rng)
    for epoch in range(4):
        method.start_epoch(epoch, model, data, rng)
        torch.testing.assert_close(method.adversary.past, torch.stack(memory[: epoch + 1]))
        for step in range(2):
            batches = list[Tensor]()
            hook = model.register_forward_pre_hook(lambda _, seen, to=batches: to.append(seen[0].detach()))
            method.loss(model, x, y, rng)
            hook.remove()
            torch.testing.assert_close(batches[-1], expected[2 * epoch + step])


def test_the_published_values() -> None:
    method = ANT()
    assert (method.restart_every, method.restart_steps, method.restart_batch, method.restart_lr) == (1, 1001, 70, 5e-4)
    assert (method.generator_lr, method.p_clean, method.p_replay) == (1e-4, 0.5, 0.2)


def test_the_order_can_be_clean_first() -> None:
    method, data = ANT(restart_steps=0, order="clean_first"), Stripes()
    method.setup(classifier(), data.x, generator(CPU, 1))
    mixed = method.mixture(data.x, generator(CPU, 2))
    assert torch.equal(mixed[:32], data.x[:32])
    torch.testing.assert_close((mixed - data.x).flatten(1).norm(dim=1)[32:], torch.full((32,), NORM))


@pytest.mark.parametrize("remember", ["start", "end"])
@pytest.mark.parametrize("restart_every", [1, 2, None])
def test_restarts_and_memory(remember: str, restart_every: int | None) -> None:
    """The memory is of each epoch's first generators, or of its last ones; none is lost between restarts."""
    method = ANT(restart_every=restart_every, restart_steps=0, generator_lr=1e-2, remember=remember)  # type: ignore[arg-type]
    model, data, rng = classifier(), Stripes(), generator(CPU, 1)
    method.setup(model, data.x, rng)
    starts, ends = [], []
    for epoch in range(5):
        before = method.adversary.noise
        method.start_epoch(epoch, model, data, rng)
        due = epoch == 0 or (restart_every is not None and epoch % restart_every == 0)
        assert (method.adversary.noise is not before) == due
        starts.append(method.adversary._vector())
        assert torch.equal(
            method.adversary.past, torch.cat([starts[0][:0], *(starts if remember == "start" else ends)])
        )
        method.loss(model, data.x, data.y, rng)
        ends.append(method.adversary._vector())
        assert not torch.equal(starts[-1], ends[-1])


@pytest.mark.parametrize("distinct", [True, False])
def test_replay_is_of_all_past_generators_and_of_two_at_once(distinct: bool) -> None:
    method = ANT(restart_steps=0)
    model, data, rng = classifier(), Stripes(), generator(CPU, 1)
    method.setup(model, data.x, rng)
    pairs: dict[int, list[tuple[int, ...]]] = {}
    for epoch in range(3):
        method.start_epoch(epoch, model, data, rng)
        past = method.adversary.past.zero_()
        past[:, -1] = 1e6 * torch.arange(1, epoch + 2)  # the last parameter is a bias: each adds its own constant
        for _ in range(60):
            deltas = method.adversary.replay([data.x[:2], data.x[:2]], rng, distinct=distinct)
            assert all(float(delta.std()) < 10 for delta in deltas)
            pairs.setdefault(epoch, []).append(tuple(round(float(delta.mean()) / 1e6) for delta in deltas))
    assert set(pairs[0]) == {(1, 1)}
    several = {(i, j) for i in (1, 2, 3) for j in (1, 2, 3) if i != j or not distinct}
    assert set(pairs[2]) == several and set(pairs[1]) == {pair for pair in several if max(pair) < 3}
