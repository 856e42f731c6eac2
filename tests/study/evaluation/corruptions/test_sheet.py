import torch
from PIL import Image

from study.evaluation.corruptions.sheet import contact_sheet


def test_a_sheet_is_a_picture_with_a_row_a_corruption(tmp_path):
    images = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    heights = []
    for names in (["fog"], ["fog", "stripe", "snow"]):
        contact_sheet(images, names, tmp_path / "sheet.png", seed=0)
        heights.append(Image.open(tmp_path / "sheet.png").height)
    assert heights[1] == 3 * heights[0]
