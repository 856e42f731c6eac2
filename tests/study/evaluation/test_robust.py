"""Adversarial evaluation: its rows, and the flag that catches gradients which are merely hidden."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from study.datasets.core.data import Data, TensorSplit
from study.datasets.digits import load
from study.errors import UserError
from study.evaluation.attacks.pgd import ATTACK_BALLS
from study.evaluation.attacks.worst_case import Strength, plain_pgd, survivors
from study.evaluation.core.predict import accuracy
from study.evaluation.robust import masking, measure, vanilla
from study.models.core.classifier import initialise
from study.models.small_cnn import SmallCNN
from tests.support import digits, first, small_cnn
from trainers.core.loop import Fit
from trainers.core.method import generator
from trainers.core.recipe import Recipe
from trainers.learned_sigma import LearnedSigma

SETTINGS = {"steps": 20, "targets": 3, "queries": 200, "images": 40, "batch": 16}


class Linear(nn.Module):
    """Two classes, told apart by the mean of the left and the right half."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(10.0))

    def forward(self, x: Tensor) -> Tensor:
        halves = torch.stack([x[..., :3].mean((1, 2, 3)), x[..., 3:].mean((1, 2, 3))], 1)
        return self.gain * halves


class Masked(Linear):
    """The same function with a gradient that leads nowhere."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach()) + 0 * x.mean((1, 2, 3)).unsqueeze(1)


def data(count: int = 60) -> Data:
    rng = torch.Generator().manual_seed(0)
    x = torch.randint(80, 120, (count, 1, 6, 6), generator=rng)
    y = torch.arange(count) % 2
    for half in (0, 1):
        x[y == half, :, :, 3 * half : 3 * half + 3] += 40
    split = TensorSplit(x.to(torch.uint8), y)
    return Data(train=split, validation=split, test=split, classes=2, shape=(1, 6, 6), fingerprint="")


def values(rows, metric: str) -> dict[tuple[str, int], float]:
    return {(row.corruption, row.severity): row.value for row in rows if row.metric == metric}


@pytest.mark.parametrize(("norm", "weak", "strong"), [("linf", 0.02, 0.2), ("l2", 0.1, 1.2)])
def test_rows_say_what_survives(norm, weak, strong):
    """Halves differ by 40/255 = 0.157: half of it is the distance, times sqrt(36) in L2."""
    rows = measure(Linear(), data(), norm=norm, epsilons=(weak, strong), **SETTINGS)
    assert {row.benchmark for row in rows} == {norm}
    accuracy = values(rows, "accuracy")
    assert accuracy == {("clean", 0): 1, ("pgd", 1): 1, ("worst", 1): 1, ("pgd", 2): 0, ("worst", 2): 0}
    assert values(rows, "epsilon") == {("worst", 1): weak, ("worst", 2): strong}
    assert values(rows, "flag") == {("masking", 1): 0, ("masking", 2): 0}


def test_hidden_gradients_are_flagged_and_broken_all_the_same():
    rows = measure(Masked(), data(), epsilons=(0.12,), **SETTINGS)
    accuracy = values(rows, "accuracy")
    assert accuracy["pgd", 1] == 1 and accuracy["worst", 1] < 0.1
    assert values(rows, "flag") == {("masking", 1): 1}
    assert values(rows, "gap")["masking", 1] > 0.9


def test_each_sign_of_masking_is_seen():
    x, y = next(data().test.batches(40))
    strength = Strength(steps=10, targets=1, queries=100)
    hidden = survivors(Masked().eval(), x, y, ATTACK_BALLS["linf"](0.12), strength, seed=0, source=Linear().eval())
    assert masking(hidden, huge=1.0, classes=2) == {"gap": True, "transfer": True, "large": True}
    assert (hidden.pgd & ~hidden.transfer).sum() == 40
    open_ = survivors(Linear().eval(), x, y, ATTACK_BALLS["linf"](0.12), strength, seed=0, source=Linear().eval())
    assert masking(open_, huge=0.0, classes=2) == {"gap": False, "transfer": False, "large": False}


def test_a_source_comes_from_a_file(tmp_path):
    torch.save(Linear().state_dict(), tmp_path / "vanilla.pt")
    rows = measure(Linear(), data(), epsilons=(0.02, 0.12), source=str(tmp_path / "vanilla.pt"), **SETTINGS)
    accuracy = values(rows, "accuracy")
    assert (accuracy["transfer", 1], accuracy["transfer", 2]) == (1, 0)


def test_a_source_may_be_trained_the_same_for_every_model():
    """By hand: a vanilla network, and plain PGD on it; images that it loses are the transfer row."""
    some = replace(digits(), test=first(digits().test, 30))
    options = {"epsilons": (0.1,), "images": 30, "steps": 2, "targets": 1, "queries": 2}
    source = vanilla(small_cnn(3), some, epochs=2, seed=0)
    same_one = vanilla(small_cnn(4), some, epochs=2, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), same_one.parameters(), strict=True))
    other = vanilla(small_cnn(3), some, epochs=2, seed=1)
    assert not torch.equal(next(source.parameters()), next(other.parameters()))
    assert accuracy(source, some.test) > 0.5 and not source.training
    model = small_cnn(5).eval()
    found = values(measure(model, some, source=2, **options), "accuracy")["transfer", 1]
    x, y = next(some.test.batches(30))
    moved = plain_pgd(vanilla(model, some, epochs=2, seed=0), ATTACK_BALLS["linf"](0.1))(
        x, y, generator(x.device, 0, 1, 0)
    )
    with torch.no_grad():
        right = (model(x).argmax(1) == y) & (model(moved).argmax(1) == y)
    assert found == right.double().mean().item()


def test_a_source_that_does_not_fit_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match="no file"):
        measure(Linear(), data(), source=str(tmp_path / "none.pt"), **SETTINGS)
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="holds no weights of a Linear like the model .*missing: gain; unknown: other"):
        measure(Linear(), data(), source=str(tmp_path / "other.pt"), **SETTINGS)


def test_the_model_keeps_its_mode_and_its_weights():
    model = nn.Sequential(nn.BatchNorm2d(1), Linear()).train()
    model[0].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measure(model, data(), epsilons=(0.05,), **SETTINGS)
    assert model.training and not model[0].training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_same_seed_gives_the_same_rows():
    first, second = (measure(Linear(), data(), epsilons=(0.078,), seed=4, **SETTINGS) for _ in range(2))
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "masked"), [("prob", True), ("probit", True), ("mse+prob", False)])
def test_the_flag_tells_the_losses_that_only_look_robust(loss, masked):
    """Trained on real digits, prob and probit hold out against plain PGD and fall to the worst case."""
    device = torch.device("cpu")
    data = load(device=device)
    model = SmallCNN(shape=(1, 8, 8), classes=10, width=8, hidden=32)
    initialise(model, generator(device, 0, 0))
    method = LearnedSigma(sigma=1.1, learn=False, loss=loss)
    fit = Fit(model, method, data.train, Recipe(epochs=40, batch_size=32, lr=2e-3), seed=0, device=device)
    while not fit.done:
        fit.run_epoch()
    rows = measure(model, data, epsilons=(0.1,), images=200, steps=50, targets=5, queries=200)
    assert values(rows, "accuracy")["clean", 0] > 0.9
    assert values(rows, "flag")["masking", 1] == masked
