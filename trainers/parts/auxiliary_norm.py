"""A second set of batch normalisations for a model: statistics, scales and shifts for another kind of image."""

from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm


class AuxiliaryNorm(nn.Module):
    """Computes model(x) with batch normalisations of its own in place of the model's, all else shared.

    Source: the dual batch normalisation of Xie et al. 2020 (AdvProp), section 4. Starts as a copy of the model's. Its
    scales and shifts are parameters to train beside the model's; its statistics are buffers that a pass in training
    mode updates, and the model's stay as they are. A model without batch normalisation is computed as it is.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.names: dict[str, str] = {}
        for prefix, module in model.named_modules():
            if isinstance(module, _BatchNorm):
                for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
                    own = f"{prefix}.{name}".replace(".", "__")
                    self.names[f"{prefix}.{name}"] = own
                    if isinstance(tensor, nn.Parameter):
                        self.register_parameter(own, nn.Parameter(tensor.detach().clone()))
                    else:
                        self.register_buffer(own, tensor.detach().clone())

    def forward(self, model: nn.Module, x: Tensor) -> Tensor:
        """Returns the logits of the images x; model is the one this was built for, which is not changed."""
        logits: Tensor = functional_call(model, {name: getattr(self, own) for name, own in self.names.items()}, (x,))
        return logits
