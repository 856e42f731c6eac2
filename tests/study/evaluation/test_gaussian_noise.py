"""Accuracy and loss under noise, against a loop over images with the same draws."""

import math
from dataclasses import replace

import numpy as np
import torch

from study.datasets.core.data import TensorSplit
from study.evaluation import clean, gaussian_noise
from study.plan.contracts.core.fresh import digits, small_cnn
from trainers.core.method import generator

CPU = torch.device("cpu")


def test_it_is_the_share_and_the_loss_of_noisy_images_one_by_one() -> None:
    data = replace(digits(), test=TensorSplit(digits().test.images[:30], digits().test.labels[:30]))
    model = small_cnn().eval()
    rows = gaussian_noise.measure(model, data, test_sigmas=(0.3, 0.7), batch=20)
    assert [(r.severity, r.metric) for r in rows] == [
        (k, metric) for k in (1, 2) for metric in ("accuracy", "cross_entropy", "test_sigma")
    ]
    for k, sigma in enumerate((0.3, 0.7), start=1):
        rng, right, losses = generator(CPU, 0, k), 0, []
        for start in (0, 20):
            images = data.test.images[start : start + 20].numpy() / np.float32(255)
            noise = torch.empty(images.shape).normal_(generator=rng).numpy()
            for image, label in zip(
                images + np.float32(sigma) * noise, data.test.labels[start:].tolist(), strict=False
            ):
                logits = model(torch.from_numpy(np.clip(image, 0, 1))[None])[0].double().tolist()
                right += logits.index(max(logits)) == label
                losses.append(math.log(sum(map(math.exp, logits))) - logits[label])
        values = {row.metric: row.value for row in rows if row.severity == k}
        assert values["accuracy"] == right / 30 and values["test_sigma"] == sigma
        assert math.isclose(values["cross_entropy"], float(np.mean(losses)), rel_tol=1e-5)


def test_next_to_no_noise_is_clean_and_models_see_the_same_noise() -> None:
    model, other = small_cnn(), small_cnn(1)
    [untouched] = clean.measure(model, digits())
    assert gaussian_noise.measure(model, digits(), test_sigmas=(1e-9,))[0].value == untouched.value
    seen: list[list[torch.Tensor]] = [[], []]
    for each, images in zip((model, other), seen, strict=True):
        each.stages[0].register_forward_pre_hook(lambda _, inputs, images=images: images.append(inputs[0].clone()))
        gaussian_noise.measure(each, digits(), test_sigmas=(0.5,))
    assert all(map(torch.equal, *seen))
