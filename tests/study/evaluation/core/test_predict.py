"""predict: modes restored, every image once, nothing of the model changed; hits against scikit-learn."""

import copy

import pytest
import torch
from sklearn.metrics import top_k_accuracy_score
from torch import nn

from study.datasets.core.data import TensorSplit, to_float
from study.evaluation.core.predict import accuracies, confidences, front, hits, inference, predict


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def net() -> nn.Sequential:
    frozen = nn.BatchNorm2d(3).eval()
    return nn.Sequential(frozen, nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(48, 12))


def split(count: int) -> TensorSplit:
    images = torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8, generator=rng(0))
    return TensorSplit(images, torch.randint(0, 12, (count,), generator=rng(1)))


def test_each_module_gets_its_own_mode_back_even_after_an_exception() -> None:
    model = net()
    before = [module.training for module in model.modules()]
    assert len(set(before)) == 2
    with inference(model):
        assert not any(module.training for module in model.modules())
        assert torch.is_inference_mode_enabled()
    assert [module.training for module in model.modules()] == before
    with pytest.raises(KeyError), inference(model):
        raise KeyError
    assert [module.training for module in model.modules()] == before


def test_predict_gives_every_image_once_in_order_and_leaves_the_model_alone() -> None:
    model, images = net(), split(23)
    state = copy.deepcopy(model.state_dict())
    logits, labels = predict(model, images, batch=7)
    expected = copy.deepcopy(model).eval()(to_float(images.images))
    torch.testing.assert_close(logits, expected.detach())
    assert torch.equal(labels, images.labels)
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())


def test_hits_and_accuracies_agree_with_scikit_learn() -> None:
    logits, labels = torch.randn(200, 12, generator=rng(2)), torch.randint(0, 12, (200,), generator=rng(3))
    for k in (1, 3, 5):
        expected = top_k_accuracy_score(labels.numpy(), logits.numpy(), k=k, labels=range(12))
        assert hits(logits, labels, k).double().mean().item() == pytest.approx(expected)
    found = accuracies(logits, labels)
    assert list(found) == ["accuracy", "top5"]
    assert found["top5"] == pytest.approx(top_k_accuracy_score(labels.numpy(), logits.numpy(), k=5, labels=range(12)))
    assert list(accuracies(logits[:, :10], labels.clamp(max=9))) == ["accuracy"]


def test_confidence_is_the_largest_probability() -> None:
    probability, right = confidences(torch.tensor([[0.25, 0.75], [0.9, 0.1]]).log(), torch.tensor([1, 1]))
    torch.testing.assert_close(probability, torch.tensor([0.75, 0.9]))
    assert right.tolist() == [True, False]


@pytest.mark.parametrize(
    ("images", "batch", "sizes"), [(None, 4, [4, 4, 2]), (7, 4, [4, 3]), (3, 4, [3]), (99, 5, [5, 5])]
)
def test_the_front_of_a_split_in_batches(images: int | None, batch: int, sizes: list[int]) -> None:
    data = split(10)
    batches = list(front(data, images, batch))
    assert [len(x) for x, _ in batches] == [len(y) for _, y in batches] == sizes
    assert torch.equal(torch.cat([x for x, _ in batches]), to_float(data.images[: sum(sizes)]))
    assert torch.equal(torch.cat([y for _, y in batches]), data.labels[: sum(sizes)])
