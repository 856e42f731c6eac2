"""Decision boundaries on a toy set under six schemes (Erichson et al. 2022, appendix A).

Adam, 100 epochs and 250 points are the paper's; its text leaves out network size, learning rate, batch size and levels,
so those are this platform's. The rings lie 0.25 apart on the normalised plane, where the levels that suit images would
wipe the classes out (with them and weight 12 NoisyMix stays at chance): noise is a fifth of theirs, the JSD's weight 1.
Augmentations mean nothing for points, and are off. The JSD compares views, so with mixup it has two noisy copies, while
the cross-entropy's view stays without noise.
"""

from typing import Any

from search_spaces.core.space import Arm, Study

NOISE = {"additive": 0.1, "multiplicative": 0.05, "sparse": 0.0}
COPIES = {"additive": 0.1, "multiplicative": 0.0, "sparse": 0.0, "view_scales": (0.0, 1.0, 1.0)}
JSD = {"weight": 1.0}

SCHEMES: dict[str, dict[str, Any]] = {
    "Baseline": {"mix": None, "noise": None, "consistency": None},
    "Noise injection": {"mix": None, "noise": NOISE, "consistency": None},
    "Manifold mixup": {"noise": None, "consistency": None},
    "NFM": {"noise": NOISE, "consistency": None},
    "Manifold mixup + JSD": {"noise": COPIES, "consistency": JSD},
    "NoisyMix": {"noise": NOISE, "consistency": JSD},
}

STUDY = Study(
    question="Which pieces of NoisyMix smooth the decision boundary of a small network?",
    arms=tuple(
        Arm(method="noisymix", label=label, space={"augment": None, **space}) for label, space in SCHEMES.items()
    ),
    data="toy",
    model="toy_mlp",
    recipe={"epochs": 100, "batch_size": 100, "lr": 0.1},
    evaluate={"clean": {}, "boundary": {}},
    reports=("decision_boundary",),
    trial_seconds=1.0,
    test_images=250,
)
