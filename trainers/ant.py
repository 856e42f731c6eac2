"""Adversarial noise training (ANT)."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor, nn

from trainers.core.method import Batch, Batches, Method, Share, share_of
from trainers.parts.adversary import Adversary
from trainers.parts.generator import NoiseGenerator, generator_step
from trainers.parts.portrait import portrait
from trainers.parts.projection import per_pixel_rms, project

LearningRate = Annotated[float, Gt(0), Le(1)]


class ANT(Method):
    """min over f, max over g, of E[CE(f(clip(x + gamma g(z))), y)], z ~ N(0, I), at a fixed L2 norm of noise.

    Source: Rusak et al. 2020, section 3.2, equations 2, 3; the schedule is that of the authors' public code, with which
    the published numbers were made. Before each epoch a new generator g is trained from scratch against the classifier
    as it is (restart_steps of Adam at restart_lr), takes the place of the former one with a fresh Adam at generator_lr,
    and joins the past ones as it is then: epoch e, counted from 0, has e + 1 past ones, the state in which its own g
    starts among them. In each batch g takes one step up (the classifier in eval mode, all images); then the classifier
    sees, in this order, the current g's noise on a share of 1 - p_clean - p_replay, noise of two different past
    generators drawn at random on p_replay / 2 each, and p_clean without noise. In epoch 0 the current g has p_replay.

    epsilon: L2 norm of the noise in pixel units (135 on ImageNet); None: rms * sqrt(C * H * W).
    rms: the size-free form, root mean square of the noise a pixel; without effect when epsilon is given.
    hidden, layers: width and number of the generator's convolutions.
    correlation: side of the patch in which noise is correlated, odd: 1 is ANT1x1, 3 is ANT3x3.
    p_clean: share of the batch that gets no noise. The published mixture is .5 clean, .2 replay, .3 current.
    p_replay: share for past generators; None: no replay, and no past.
    distinct_replay: whether the two past generators differ wherever there are two; else both are drawn independently.
    order: of the batch. "clean_first" for batches that start with what shall get no noise, such as stylised images.
    remember: when g joins the past ones: at each epoch's "start", after a restart and before any joint step, or at its
    "end", after joint training; then epoch e has e past ones.
    generator_lr: of the step within each batch; None: a static generator, trained only at restarts.
    restart_every: epochs from restart to restart, the first before epoch 0; None: only that one.
    restart_lr, restart_steps, restart_batch: of the training at a restart; 0 steps: it starts as Gaussian noise. A
    batch has no more images than there are.
    gamma: whether the generator's gradient flows through gamma ("differentiated", published) or not.

    Example:
        method = ANT(rms=0.348, p_clean=0.5, p_replay=0.2)
        method.setup(model, x, rng)
        loss = method.loss(model, x, y, rng)
    """

    def __init__(
        self,
        *,
        epsilon: Annotated[float, Gt(0)] | None = None,
        rms: Annotated[float, Gt(0), Le(1)] = 0.348,
        hidden: Annotated[int, Ge(1)] = 20,
        layers: Annotated[int, Ge(2)] = 4,
        correlation: Literal[1, 3, 5, 7, 9] = 1,
        p_clean: Share = 0.5,
        p_replay: Share | None = 0.2,
        distinct_replay: bool = True,
        order: Literal["noise_first", "clean_first"] = "noise_first",
        remember: Literal["start", "end"] = "start",
        generator_lr: LearningRate | None = 1e-4,
        restart_every: Annotated[int, Ge(1)] | None = 1,
        restart_lr: LearningRate = 5e-4,
        restart_steps: Annotated[int, Ge(0)] = 1001,
        restart_batch: Annotated[int, Ge(1)] = 70,
        gamma: Literal["differentiated", "constant"] = "differentiated",
    ) -> None:
        super().__init__()
        if p_clean + (p_replay or 0) > 1:
            raise ValueError(f"p_clean + p_replay must be at most 1, got {p_clean} + {p_replay}")
        self.epsilon, self.rms = epsilon, rms
        self.architecture = {"hidden": hidden, "layers": layers, "correlation": correlation}
        self.p_clean, self.p_replay = p_clean, p_replay
        self.distinct_replay, self.clean_first = distinct_replay, order == "clean_first"
        self.remember_at, self.replays = remember, False
        self.generator_lr, self.restart_every = generator_lr, restart_every
        self.restart_lr, self.restart_steps, self.restart_batch = restart_lr, restart_steps, restart_batch
        self.differentiate_gamma = gamma == "differentiated"
        self.adversary: Adversary
        self.generator_loss: Tensor

    def setup(self, model: nn.Module, x: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Builds a generator for images like x, which the first epoch's start replaces by a trained one."""
        noise = NoiseGenerator(x.shape[1], **self.architecture, rng=rng)
        self.adversary = Adversary(noise, self.generator_lr)
        self.generator_loss = x.new_zeros(())

    def start_epoch(self, epoch: int, model: nn.Module, data: Batches, rng: Generator) -> None:
        """Trains a new generator where a restart is due, and stores the former or the new one with the past ones."""
        self.replays = epoch > 0 and self.p_replay is not None
        if self.replays and self.remember_at == "end":
            self.adversary.remember()
        if epoch == 0 or (self.restart_every is not None and epoch % self.restart_every == 0):
            noise = NoiseGenerator(self.adversary.noise.channels, **self.architecture, rng=rng)
            optimizer = torch.optim.Adam(noise.parameters(), lr=self.restart_lr, fused=True)
            batches = _endless(data, min(self.restart_batch, len(data)), rng)
            for _, (x, y) in zip(range(self.restart_steps), batches, strict=False):
                self._step(noise, optimizer, model, x, y, rng)
            self.adversary.replace(noise)
        if self.p_replay is not None and self.remember_at == "start":
            self.adversary.remember()

    def loss(self, model: nn.Module, x: Tensor, y: Tensor, rng: Generator) -> Tensor:
        """Returns the mean cross-entropy of the mixture, after one step of the generator if it learns."""
        if self.adversary.optimizer is not None:
            self.generator_loss = self._step(self.adversary.noise, self.adversary.optimizer, model, x, y, rng)
        return self.cross_entropy(model(self.mixture(x, rng)), y)

    @torch.no_grad()
    def mixture(self, x: Tensor, rng: Generator) -> Tensor:
        """Returns a batch like x (B, C, H, W), each image in its place: current noise, past noise, none, or see
        `order`."""
        clean = share_of(self.p_clean, x)
        noisy = len(x) - clean
        each = min(share_of((self.p_replay or 0) / 2, x) if self.replays else 0, noisy // 2)
        untouched, targets = (x[:clean], x[clean:]) if self.clean_first else (x[noisy:], x[:noisy])
        current, *replayed = torch.split(targets, [noisy - 2 * each, each, each])
        deltas = [self.adversary.draw(current, rng)]
        if each:
            deltas += self.adversary.replay(replayed, rng, distinct=self.distinct_replay)
        mixed = project(targets, torch.cat(deltas), self.radius(x))
        return torch.cat([untouched, mixed] if self.clean_first else [mixed, untouched])

    def radius(self, x: Tensor) -> float:
        """Returns the L2 norm of the noise on images like x (B, C, H, W)."""
        return per_pixel_rms(self.rms, x) if self.epsilon is None else self.epsilon

    def metrics(self) -> dict[str, Tensor]:
        """Returns the cross-entropy that the generator reached in the last batch, if it is trained there."""
        return {} if self.generator_lr is None else {"generator_loss": self.generator_loss}

    @torch.no_grad()
    def record(self, x: Tensor, rng: Generator) -> dict[str, Tensor]:
        """Returns the densities of generators over time, and noise on the images x; see `portrait`."""
        first = 0 if self.remember_at == "start" else 1
        return portrait(self.adversary, x, self.radius(x), rng, first=first)

    def get_extra_state(self) -> dict[str, Any]:
        """Returns the generator, its Adam's moments and all past generators."""
        return self.adversary.state()

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Continues from such a state, by this method's own learning rate."""
        self.adversary.load(state)

    def _step(
        self,
        noise: NoiseGenerator,
        optimizer: torch.optim.Optimizer,
        model: nn.Module,
        x: Tensor,
        y: Tensor,
        rng: Generator,
    ) -> Tensor:
        through = self.differentiate_gamma
        return generator_step(noise, optimizer, model, x, y, rng, epsilon=self.radius(x), differentiate_gamma=through)


def _endless(data: Batches, size: int, rng: Generator) -> Iterator[Batch]:
    while True:
        yield from data.batches(size, rng)


METHOD = ANT
