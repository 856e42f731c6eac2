"""The contract's own errors, and the base of methods that only change images."""

import pytest
import torch
from torch import Generator, Tensor, nn

from tests.support import CPU, digits, small_cnn
from trainers.core.augmentation import Augmentation
from trainers.core.method import Method, generator


class Darker(Augmentation):
    """Images at half their brightness, some of them black."""

    def views(self, x: Tensor, rng: Generator) -> Tensor:
        return x / 2 * (torch.rand((len(x), 1, 1, 1), generator=rng) < 0.5)


class ViewsAlone(Method):
    def views(self, x: Tensor, rng: Generator) -> Tensor:
        return x


class Nothing(Augmentation):
    pass


@pytest.mark.parametrize(("wrong", "name"), [(Method, "loss"), (ViewsAlone, "loss"), (Nothing, "views")])
def test_a_method_that_lacks_its_verb_is_refused_with_a_sentence(wrong: type[Method], name: str) -> None:
    sentence = (
        rf"^{wrong.__name__} does not define {name}: a training method defines loss\(model, x, y, rng\); one that only"
        r" changes images derives from trainers.core.augmentation.Augmentation and defines views\(x, rng\)$"
    )
    with pytest.raises(TypeError, match=sentence):
        wrong()


def test_the_loss_of_an_augmentation_is_the_cross_entropy_of_its_views() -> None:
    model, (x, y) = small_cnn(), next(digits().train.batches(20))
    loss = Darker().loss(model, x, y, generator(CPU, 1))
    bright = torch.rand((20, 1, 1, 1), generator=generator(CPU, 1)) < 0.5
    logits = model(torch.where(bright, x / 2, 0))
    expected = -torch.stack([logits[i, y[i]] - logits[i].exp().sum().log() for i in range(20)]).mean()
    torch.testing.assert_close(loss, expected)


def test_a_method_has_no_views_unless_it_is_an_augmentation() -> None:
    assert not hasattr(Method, "views") and issubclass(Augmentation, Method) and isinstance(Darker(), nn.Module)
