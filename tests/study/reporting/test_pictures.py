"""Pictures of corruptions in a page are those that the study has stored."""

import io
from base64 import b64decode
from pathlib import Path

import numpy as np
from PIL import Image

from study.ledger.folder import Folder
from study.reporting import directories as gather
from study.reporting import make as reporting
from study.reporting.pictures import examples
from tests.study.reporting.test_make import FACTS, TRIALS
from tests.support import table


def test_a_page_shows_the_stored_images(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "home")
    folder.claim("sigma_sweep", "id", TRIALS, FACTS)
    table(TRIALS, folder.trials_path)
    assert examples([gather.look(folder)]) == {}
    for channels in (1, 3):
        images = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 4, channels), dtype=np.uint8)
        np.savez(folder.examples, names=np.array(["fog", "jpeg_compression"]), images=images)
        shown = examples([gather.look(folder)])
        assert list(shown) == ["digits"] and [each.name for each in shown["digits"]] == ["fog", "JPEG compression"]
        for example, row in zip(shown["digits"], images, strict=True):
            with Image.open(io.BytesIO(b64decode(example.picture.partition(",")[2]))) as picture:
                pixels = np.asarray(picture)
            assert pixels.shape == (8, 6 * 5 - 1, channels + 1)
            assert all(np.array_equal(pixels[:, 5 * i : 5 * i + 4, :-1], tile) for i, tile in enumerate(row))
            assert (pixels[..., -1] == 255).mean(axis=0).tolist() == ([1.0] * 4 + [0.0]) * 5 + [1.0] * 4
    reporting.make([folder], folder.report, only=["corruption_table"], formats=["html"])
    assert shown["digits"][1].picture in (folder.report / "index.html").read_text(encoding="utf-8")
