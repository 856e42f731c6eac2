"""Does stochastic training carry over to residual networks on CIFAR-10? (Question 2 of Arous et al. 2023.)

Pre-activation ResNet-18 by default, `--model wide_resnet28` for the wide one: both on a GPU, for which the recipe is
meant. On a CPU only a small run is possible, narrow and short: `--set model.width=8 --epochs 2 --seeds 1`; it shows
that everything is wired, and its numbers answer nothing.

A vision transformer (with `noise-study[timm]`): `--model timm_classifier --set model.name=deit_tiny_patch16_224
--set 'model.arguments={"patch_size": 4}' --set optimizer=adam --set lr=5e-4`. Noise then enters the patches' linear
map.
"""

from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="Does noise in closed form make residual networks on CIFAR-10 robust, and at what price?",
    arms=(
        Arm(method="standard", label="Vanilla"),
        Arm(method="learned_sigma", label="Closed form", space={"learn": False, "sigma": Grid(0.2, 0.6, 1.1)}),
        Arm(method="learned_sigma", label="Learned", space={"sigma": 0.6}),
        Arm(method="gnt", label="Input noise 0.25", space={"sigma": 0.25, "p_clean": 0.0}),
        Arm(method="adversarial", label="PGD training 8/255"),
    ),
    data="cifar10",
    model="preact_resnet18",
    recipe={
        "epochs": 60,
        "batch_size": 128,
        "optimizer": "sgd",
        "lr": 0.1,
        "weight_decay": 5e-4,
        "schedule": "cosine",
    },
    evaluate={
        "clean": {},
        "robust": {"epsilons": (2 / 255, 4 / 255, 8 / 255), "images": 500, "source": 5},
    },
    reports=("attack_curve", "sigma_trajectory"),
    trial_seconds=200_000.0,
    test_images=10_000,
)
