"""The stored example of every corruption (`study.work.examples`), as pictures that a page carries."""

import io
from base64 import b64encode
from collections.abc import Sequence
from typing import NamedTuple

from study.ledger.trial import short
from study.reporting.directories import Source


class Example(NamedTuple):
    """A corruption's name in print, and the link of its picture: the clean image, then severities 1 to 5."""

    name: str
    picture: str


def examples(sources: Sequence[Source]) -> dict[str, list[Example]]:
    """Returns dataset (its short name) -> its examples, of the first study on it that has stored them."""
    by_data: dict[str, list[Example]] = {}
    for source in sources:
        name = short(source.record["data"])
        if name not in by_data and source.folder.examples.exists():
            by_data[name] = _read(source)
    return by_data


def _read(source: Source) -> list[Example]:
    import numpy as np  # noqa: PLC0415  with PIL a tenth of a second
    from PIL import Image  # noqa: PLC0415

    from reports.core.families import named  # noqa: PLC0415

    rows = []
    with np.load(source.folder.examples) as archive:
        for name, images in zip(archive["names"], archive["images"], strict=True):
            opaque = np.concatenate([images, np.full_like(images[..., :1], 255)], axis=-1)
            apart = np.pad(opaque, ((0, 0), (0, 0), (0, 1), (0, 0)))  # a transparent column between two
            mosaic = np.concatenate(list(apart), axis=1)[:, :-1]
            out = io.BytesIO()
            Image.fromarray(mosaic).save(out, "png", optimize=True)
            rows.append(Example(named(str(name)), f"data:image/png;base64,{b64encode(out.getvalue()).decode()}"))
    return rows
