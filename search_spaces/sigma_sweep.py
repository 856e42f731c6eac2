"""Accuracy versus sigma: how much Gaussian noise in training makes a classifier robust (Rusak et al. 2020, fig. 2)."""

from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="How much Gaussian training noise makes a classifier robust, and does it help beyond noise?",
    arms=(
        Arm(
            method="gnt",
            label="GNT",
            space={"sigma": Grid(0.0, 0.08, 0.12, 0.18, 0.26, 0.38, 0.5, 0.6, 0.8, 1.0)},
        ),
        Arm(method="gnt", label="GNT, set of sigmas", space={"sigma": (0.08, 0.12, 0.18, 0.26, 0.38)}),
        Arm(method="speckle", label="Speckle"),
    ),
    evaluate={"clean": {}, "corruption": {}, "gaussian_noise": {}},
    reports=("accuracy_curve", "sigma_matrix", "corruption_curves", "trade_off", "corruption_table"),
)
