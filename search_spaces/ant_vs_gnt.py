"""Adversarial against Gaussian noise training: tables 2, 3 and 4 of Rusak et al. 2020, and its figure 3.

Sized for the embedded digits: minutes on two cores. As published, a new generator is trained before every epoch, but by
60 steps at 5e-3 instead of 1,001 at 5e-4: an epoch of the digits has 14 steps, and on them the short training reaches
the cross-entropy of the long one. For a paper raise the epochs (80 on MNIST), take the published restarts
(`--set restart_steps=1001 --set restart_lr=5e-4`), and let epsilon* see all test images (images None), 4 generators and
as many steps as they take (max_steps 3000, lr 5e-4; on the digits and on MNIST 300 at 2e-3 reach the same epsilon*).
On MNIST: `--data mnist --model lenet5`, or `--model madry_mnist` at 5 times its cost.
With stylised images, which start each batch (ANT+SIN): `--data image_folder --set data.stylised=FOLDER --set
p_clean=0.55 --set order=clean_first`.
"""

from search_spaces.core.space import Arm, Study

RESTARTS = {"restart_every": 1, "restart_steps": 60, "restart_lr": 5e-3}

STUDY = Study(
    question="Does noise that learns to fool the classifier make it more robust than Gaussian noise does?",
    arms=(
        Arm(method="standard", label="Vanilla"),
        Arm(method="speckle", label="Speckle"),
        Arm(method="gnt", label="GNT 0.5", space={"sigma": 0.5}),
        Arm(method="gnt", label="GNT, set of sigmas", space={"sigma": (0.08, 0.12, 0.18, 0.26, 0.38)}),
        Arm(method="ant", label="ANT 1x1", space=RESTARTS),
        Arm(method="ant", label="ANT 3x3", space={"correlation": 3, **RESTARTS}),
    ),
    recipe={"schedule": "cosine"},
    evaluate={
        "clean": {},
        "corruption": {},
        "noise_distance": {"images": 1000, "generators": 4, "max_steps": 300, "lr": 2e-3, "batch": 64},
        "adversarial": {"images": 500},
    },
    reports=(
        "noise_distance_table",
        "method_table",
        "noise_density",
        "attack_table",
        "corruption_heatmap",
        "corruption_table",
        "mce_table",
    ),
    trial_seconds=20.0,
)
