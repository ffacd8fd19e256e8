"""What computes a trained network's scores: torch, or onnxruntime in its place."""

import copy
from collections.abc import Mapping
from typing import Any

from stan_boundary.errors import InputError
from stan_lightning.data.facts import clip_shape
from stan_lightning.network.onnx_network import RUNTIMES, OnnxNetwork
from stan_lightning.training.module import StanModule


def computed_by(runtime: str, module: StanModule, data: Mapping[str, Any]) -> StanModule:
    """The module itself, or one with the same objective whose network is onnxruntime's.

    Args:
        runtime: One of `RUNTIMES`.
        module: In evaluation mode; stays as it is.
        data: Arguments of the datamodule, which say how long and large a clip is.

    Raises:
        InputError: There is no such runtime, or it cannot compute this network.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"runtime={runtime} is none of {', '.join(RUNTIMES)}")
    if runtime == "torch":
        return module
    if data["clip_frames"] is None:
        raise InputError("runtime=onnx reads clips of one length, and this network reads whole recordings")
    found = copy.copy(module)
    found._modules = dict(module._modules)  # which a shallow copy shares
    found.network = OnnxNetwork(module.network, **clip_shape(data))
    return found
