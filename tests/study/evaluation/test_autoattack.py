"""Metric `robust` against AutoAttack's standard version (package pyautoattack)."""

import pytest
import torch

from study.evaluation.attacks.pgd import ATTACK_BALLS
from study.evaluation.attacks.worst_case import Strength, survivors
from study.evaluation.core.predict import front
from tests.support import CPU, digits, small_cnn
from trainers.core.loop import Fit
from trainers.core.recipe import Recipe
from trainers.standard import Standard


@pytest.mark.slow
@pytest.mark.parametrize(("norm", "name", "epsilon"), [("linf", "Linf", 0.12), ("l2", "L2", 0.4)])
def test_it_is_at_most_a_point_weaker_than_autoattack(norm, name, epsilon) -> None:
    autoattack = pytest.importorskip("pyautoattack")
    data = digits()
    fit = Fit(small_cnn(), Standard(), data.train, Recipe(epochs=8), seed=0, device=CPU)
    while not fit.done:
        fit.run_epoch()
    model = fit.model.eval()
    x, y = (torch.cat(parts) for parts in zip(*front(data.test, 200, 200), strict=True))
    ours = survivors(model, x, y, ATTACK_BALLS[norm](epsilon), Strength(), seed=0, source=None).worst
    attack = autoattack.AutoAttack(model, eps=epsilon, norm=name, seed=0, version="standard")
    broken = attack.run_standard_evaluation(x, y, batch_size=200)
    with torch.no_grad():
        theirs = model(broken[0] if isinstance(broken, tuple) else broken).argmax(1) == y
    assert 0.2 < theirs.float().mean() < 0.9
    assert ours.float().mean() <= theirs.float().mean() + 0.01
