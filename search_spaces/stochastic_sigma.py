"""Clean and adversarial accuracy against sigma: the figure of Arous et al. 2023, with the rows that put it in place.

The default is the embedded digits, minutes on two cores. The table of docs/learned_sigma_notes.md is LeNet-5 on MNIST:
`--data mnist --model lenet5 --epochs 20`. "Input noise" is at METHODS' best, sigma 0.5 of a pixel's range; PGD
training at the smallest radius that is attacked.
"""

from search_spaces.core.space import Arm, Grid, Study

ROBUST = {"epsilons": (0.1, 0.15, 0.2), "images": 100, "steps": 50, "targets": 4, "queries": 500, "source": 5}
"""Linf, plain PGD and the worst case over all attacks, from images of a vanilla network (5 epochs) among others."""

STUDY = Study(
    question="Does noise in the first layer, carried in closed form, make a network robust, and at which sigma?",
    arms=(
        Arm(
            method="learned_sigma",
            label="Closed form",
            space={"learn": False, "sigma": Grid(0.0, 0.2, 0.4, 0.6, 0.8, 1.1)},
        ),
        Arm(
            method="learned_sigma",
            label="Diagonal covariance 1.1",
            space={"learn": False, "sigma": 1.1, "covariance": "diagonal"},
        ),
        Arm(
            method="learned_sigma",
            label="Sampled noise 0.6",
            space={"learn": False, "sigma": 0.6, "covariance": "sampled", "loss": "ece2"},
        ),
        Arm(method="gnt", label="Input noise 0.5", space={"sigma": 0.5, "p_clean": 0.0}),
        Arm(method="adversarial", label="PGD training 0.1", space={"epsilon": 0.1}),
        Arm(method="standard", label="Vanilla"),
    ),
    evaluate={"clean": {}, "robust": ROBUST},
    reports=("attack_curve",),
    trial_seconds=15.0,
)
