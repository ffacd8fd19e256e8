"""Groups of parameters for an optimiser.

`model.optimizer.params` names one of these, or a callable of one's own, which takes the network and gives
what torch's optimisers take: parameters with settings of their own.
"""

from typing import Any

from torch import nn


def encoder_apart(network: nn.Module, lr: float) -> list[dict[str, Any]]:
    """The last layers at the optimiser's own rate, and all before them at another.

    Args:
        network: Its `heads` are the last layers.
        lr: Rate of what comes before the heads.
    """
    heads = {id(parameter) for head in network.heads for parameter in head.parameters()}  # type: ignore[union-attr] # a list of layers
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [one for one in trained if id(one) in heads]},
        {"params": [one for one in trained if id(one) not in heads], "lr": lr},
    ]
