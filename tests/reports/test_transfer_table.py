"""Fine-tuned models: means over families and seeds, by hand."""

from pathlib import Path
from statistics import fmean, stdev

import pytest

from reports import transfer_table
from reports.core.cells import cell as marked
from tests.support import CORRUPTIONS, table, trials


def test_points_and_cells_by_hand(tmp_path: Path) -> None:
    some = trials("noisymix_transfer", seeds=3)
    rows = table(some, tmp_path)
    points = transfer_table.points(rows)
    assert len(points) == 4 * 7 and set(points["n"]) == {3}
    raw = rows[(rows["metric"] == "accuracy") & rows["benchmark"].isin(["common", "clean"])]
    families = {"clean": ["clean"], "all": list(CORRUPTIONS)}
    families |= {f: [n for n, family in CORRUPTIONS.items() if family == f] for f in ("noise", "weather")}
    shown = transfer_table.table(points)
    assert list(shown.columns) == ["Source model", "n", "Clean", "All corruptions", "Noise", "Weather"]
    assert shown["Source model"].tolist() == [t.label for t in some if t.seed == 0]
    for row in points.itertuples():
        each = []
        for seed in range(3):
            chosen = raw[(raw["label"] == row.label) & (raw["seed"] == seed)]
            each.append(fmean(chosen[chosen["corruption"] == n]["value"].mean() for n in families[row.measure]))
        assert (row.mean, row.std) == pytest.approx((fmean(each), stdev(each)))
        cell = shown.set_index("Source model").loc[row.label, transfer_table.MEASURES[row.measure]]
        assert cell == marked(f"{100 * fmean(each):.1f} ± {100 * stdev(each):.1f}", row.best, row.worse)
    for _, group in points.groupby("measure"):
        assert group.loc[group["best"], "mean"].tolist() == [group["mean"].max()]
    assert "n = 3 seeds" in transfer_table.caption(points)
