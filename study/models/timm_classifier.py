"""Any classifier of timm's, untrained: vision transformers such as ViT and DeiT among them."""

import difflib
import importlib
from typing import Any

import torch
from torch import Generator, nn

from study.errors import UserError
from study.models.core.classifier import Classifier
from study.models.core.sizes import check_size, reason

NEAR = 5
"""Names that a refusal proposes; timm has more than a thousand."""


class TimmClassifier(Classifier):
    """The network `name` of timm behind the platform's normalisation, untrained; nothing is downloaded.

    Source: Dosovitskiy et al. 2021 for ViT, Touvron et al. 2021 for DeiT; timm's own for each network. It takes the
    images' channels, and their height and width where the architecture has a size (`img_size`). It starts as timm
    starts it, from a seed of the trial's generator alone. Stages: normalise; the network. Needs `noise-study[timm]`.

    name: as timm spells it, without a tag: vit_tiny_patch16_224, deit_small_patch16_224, convnext_nano. arguments: what
    else timm's constructor takes, such as {"patch_size": 4} for images of 32 x 32, or {"drop_path_rate": 0.1}.

    Raises UserError without timm, for an unknown name or argument, or images that the network cannot take; also where
    patches do not divide the image, whose rest would not be seen.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        classes: int,
        name: str = "vit_tiny_patch16_224",
        arguments: dict[str, bool | int | float | str] | None = None,
    ) -> None:
        named = name, {"num_classes": classes, "in_chans": shape[0], **(arguments or {})}, shape
        network = _network(*named)
        _require_whole_patches(network, name, shape)
        super().__init__(network)
        self._named = named
        check_size(self, name, shape)

    @torch.no_grad()
    def start_without_file(self, rng: Generator) -> None:
        """Starts the network anew, in place, as timm does: by draws that `rng` alone decides."""
        seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
        with torch.random.fork_rng([]), torch.device("cpu"):
            torch.default_generator.manual_seed(seed)
            fresh = _network(*self._named)
        self.stages[1].load_state_dict(fresh.state_dict())


def _network(name: str, arguments: dict[str, Any], shape: tuple[int, int, int]) -> nn.Module:
    """Returns timm's network, of the images' size where it has one. Raises UserError where timm has none such."""
    timm = _timm()
    if not timm.is_model(name) or "." in name:
        names = timm.list_models()
        near = difflib.get_close_matches(name.partition(".")[0], names, n=NEAR) or names[:NEAR]
        raise UserError(
            f"timm_classifier has no network {name!r}; near it in timm {timm.__version__}: {', '.join(near)}"
        )
    try:
        sized = {"img_size": shape[1:], **arguments}
        try:
            network: nn.Module = timm.create_model(name, pretrained=False, **sized)
        except TypeError as error:
            if "img_size" not in str(error):
                raise
            network = timm.create_model(name, pretrained=False, **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError, ArithmeticError) as error:
        raise UserError(
            f"timm's {name} does not take images of {shape[1]} x {shape[2]} with {arguments}: {reason(error)}"
        ) from error
    return network


def _timm() -> Any:
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise UserError(
            "timm_classifier needs the package timm, which is not installed: pip install 'noise-study[timm]'"
        ) from error


def _require_whole_patches(network: nn.Module, name: str, shape: tuple[int, int, int]) -> None:
    """Raises UserError where a vision transformer would not see the image's last rows or columns."""
    patches = getattr(network, "patch_embed", None)
    first = getattr(patches, "proj", None)
    if (
        not isinstance(first, nn.Conv2d)
        or first.kernel_size != first.stride
        or getattr(patches, "dynamic_img_pad", False)
    ):
        return  # no patches, patches that overlap, or an image that is padded
    if any(length % step for length, step in zip(shape[1:], first.stride, strict=True)):
        high, wide = first.stride
        raise UserError(
            f"{name} takes patches of {high} x {wide}, which do not divide images of {shape[1]} x {shape[2]};"
            " set a patch_size that does, such as --set 'model.arguments={\"patch_size\": 4}'"
        )


MODEL = TimmClassifier
