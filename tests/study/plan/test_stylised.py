"""ANT's noise and stylised images keep out of each other's part of the batch, or the launch says so."""

from dataclasses import replace

import pytest

from study.errors import UserError
from study.plan.checks import check_stylised
from tests.support import trials

(ANT, *_) = [trial for trial in trials("ant_vs_gnt", seeds=1) if trial.method == "ant"]


def test_ant_on_stylised_images_needs_them_where_it_puts_no_noise() -> None:
    check_stylised([ANT])
    stylised = replace(ANT, data_params={**ANT.data_params, "stylised": "painted"})
    with pytest.raises(UserError, match=r"stylised images, which start each batch. Add --set order=clean_first"):
        check_stylised([stylised])
    check_stylised([replace(stylised, params={**ANT.params, "order": "clean_first"})])
    check_stylised([replace(stylised, method="gnt", params={})])
