"""Decision boundaries on a toy set under six schemes (Erichson et al. 2022, appendix A).

The paper's text leaves out the number of units and the learning rate; they are this platform's choice. Augmentations
mean nothing for points in the plane, so they are off in all six, and so is sparsity, for two numbers a point.
"""

from typing import Any

from search_spaces.core.space import Arm, Study

NOISE = {"sparse": 0.0}
SCHEMES: dict[str, dict[str, Any]] = {
    "Baseline": {"mix": None, "noise": None, "consistency": None},
    "Noise injection": {"mix": None, "noise": NOISE, "consistency": None},
    "Manifold mixup": {"noise": None, "consistency": None},
    "NFM": {"noise": NOISE, "consistency": None},
    "Manifold mixup + JSD": {"noise": None},
    "NoisyMix": {"noise": NOISE},
}

STUDY = Study(
    question="Which pieces of NoisyMix smooth the decision boundary of a small network?",
    arms=tuple(
        Arm(method="noisymix", label=label, space={"augment": None, **space}) for label, space in SCHEMES.items()
    ),
    data="toy",
    model="toy_mlp",
    recipe={"epochs": 100, "batch_size": 100, "lr": 0.01},
    evaluate={"clean": {}, "boundary": {}},
    reports=("decision_boundary", "ablation", "component_effects"),
    trial_seconds=1.0,
)
