"""NoisyMix's levels: mixing alpha x additive x multiplicative x sparse, a grid."""

from itertools import product

from search_spaces.core.space import Arm, Grid, Study

STUDY = Study(
    question="How much mixing and noise, and of which kind, does NoisyMix need?",
    arms=(
        Arm(
            method="noisymix",
            label="NoisyMix",
            space={
                "mix": Grid(*({"alpha": alpha} for alpha in (0.2, 1.0))),
                "noise": Grid(
                    *(
                        {"additive": additive, "multiplicative": multiplicative, "sparse": sparse}
                        for additive, multiplicative, sparse in product((0.2, 0.5, 0.8), (0.0, 0.5), (0.0, 0.65))
                    )
                ),
            },
        ),
    ),
    reports=("ablation", "component_effects", "trade_off"),
    trial_seconds=5.0,
)
