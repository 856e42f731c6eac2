"""Which adversarial-training epsilon is as robust as a sigma? (Question 3 of Arous et al. 2023.)

The default is the embedded digits; with `--data mnist --model lenet5 --epochs 20` it is LeNet-5 on MNIST, where one
trial of PGD-7 training takes minutes.
"""

from search_spaces.core.space import Arm, Grid, Study
from search_spaces.stochastic_sigma import ROBUST

STUDY = Study(
    question="To which radius of adversarial training does a sigma correspond, by worst-case accuracy?",
    arms=(
        Arm(
            method="learned_sigma",
            label="Closed form",
            space={"learn": False, "sigma": Grid(0.0, 0.2, 0.4, 0.6, 0.8, 1.1)},
        ),
        Arm(method="adversarial", label="PGD training", space={"epsilon": Grid(0.0, 0.01, 0.02, 0.04, 0.07, 0.1)}),
    ),
    evaluate={"clean": {}, "robust": ROBUST},
    reports=("sigma_epsilon", "attack_curve"),
    trial_seconds=20.0,
)
