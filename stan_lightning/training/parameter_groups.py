"""Groups of parameters for an optimiser.

`model.optimizer.params` names one of these, or a callable of one's own: of the network it makes what torch's
optimisers take, parameters with settings of their own.
"""

from typing import Any

from torch import nn

from stan_lightning.network.encoder import Network

Group = dict[str, Any]


class EncoderApart:
    """The encoders at a rate of their own, and all after them at the optimiser's.

    Args:
        lr: Rate of the encoders.
    """

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def __call__(self, network: Network) -> list[Group]:
        """Two groups: what comes after the encoders, and the encoders."""
        encoders = {id(one) for part in network.parts.values() for one in part.parameters()} - _heads(network)
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        return [
            {"params": [one for one in trained if id(one) not in encoders]},
            {"params": [one for one in trained if id(one) in encoders], "lr": self.lr},
        ]


class Layerwise:
    """Rates that fall from each encoder's last layer to its first; all after the encoders at the highest.

    Args:
        lr: The highest rate.
        decay: Of a layer's rate, what the layer before it has: 0.75 is usual.
    """

    def __init__(self, lr: float, decay: float) -> None:
        self.lr, self.decay = lr, decay

    def __call__(self, network: Network) -> list[Group]:
        """A group for what comes after the encoders, and one for each layer of each of them."""
        groups: list[Group] = [{"params": EncoderApart(0.0)(network)[0]["params"], "lr": self.lr}]
        taken = _heads(network)
        for encoder in network.parts.values():
            layers = [[*layer.parameters()] for layer in _layers(encoder)]
            inside = {id(one) for own in layers for one in own}
            layers.insert(0, [one for one in encoder.parameters() if id(one) not in inside])
            for depth, layer in enumerate(reversed(layers), start=1):
                own = [one for one in layer if one.requires_grad and id(one) not in taken]
                groups += [{"params": own, "lr": self.lr * self.decay**depth}] if own else []
        return groups


def _heads(network: Network) -> set[int]:
    return {id(one) for head in network.heads for one in head.parameters()}


def _layers(module: nn.Module) -> list[nn.Module]:
    """The layers of a module in their order; a stack's are each its own."""
    children = [child for child in module.children() if any(True for _ in child.parameters())]
    if len(children) == 1 and not isinstance(children[0], nn.Linear):
        return _layers(children[0]) or children
    found: list[nn.Module] = []
    for child in children:
        found += list(child) if isinstance(child, nn.Sequential | nn.ModuleList) else [child]
    return found
