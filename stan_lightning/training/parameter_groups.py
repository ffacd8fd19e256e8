"""Groups of parameters for an optimiser.

`model.optimizer.params` names one of these, or a callable of one's own, which takes the network and gives
what torch's optimisers take: parameters with settings of their own.
"""

from typing import Any

from torch import nn

from stan_lightning.network.encoder import Network

Group = dict[str, Any]


def encoder_apart(network: Network, lr: float) -> list[Group]:
    """The encoders at a rate of their own, and all after them at the optimiser's.

    Args:
        network: What is trained.
        lr: Rate of the encoders.
    """
    encoders = {id(one) for part in network.parts.values() for one in part.parameters()}
    encoders -= {id(one) for head in network.heads for one in head.parameters()}
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [one for one in trained if id(one) not in encoders]},
        {"params": [one for one in trained if id(one) in encoders], "lr": lr},
    ]


def layerwise(network: Network, lr: float, decay: float) -> list[Group]:
    """Rates that fall from each encoder's last layer to its first; all after the encoders at the highest.

    Args:
        network: What is trained.
        lr: The highest rate.
        decay: Of a layer's rate, what the layer before it has: 0.75 is usual.
    """
    apart = encoder_apart(network, lr)
    groups = [{"params": apart[0]["params"], "lr": lr}]
    heads = {id(one) for head in network.heads for one in head.parameters()}
    for encoder in network.parts.values():
        layers = [
            [one for one in layer.parameters() if one.requires_grad and id(one) not in heads]
            for layer in _layers(encoder)
        ]
        inside = heads | {id(one) for own in layers for one in own}
        layers.insert(0, [one for one in encoder.parameters() if one.requires_grad and id(one) not in inside])
        for depth, own in enumerate(reversed(layers), start=1):
            groups += [{"params": own, "lr": lr * decay**depth}] if own else []
    return groups


def _layers(module: nn.Module) -> list[nn.Module]:
    """The layers of a module in their order; a stack's are each its own."""
    children = [child for child in module.children() if any(True for _ in child.parameters())]
    if len(children) == 1 and not isinstance(children[0], nn.Linear):
        return _layers(children[0]) or children
    found: list[nn.Module] = []
    for child in children:
        found += list(child) if isinstance(child, nn.Sequential | nn.ModuleList) else [child]
    return found
