"""The network for use without this package: an ONNX file."""

import copy
from pathlib import Path

import torch

from stan_lightning.network.sta_drn import STADRN

MOST_CLIPS = 1024


def save_onnx(network: STADRN, path: str | Path, frames: int = 64, size: int = 224) -> None:
    """Write the trained network in evaluation mode as one ONNX file.

    It maps `clips`, normalised, ``(B, in_channels, frames, size, size)`` with B free, to `scores`,
    ``(B, num_classes)``. Needs the `onnx` extra.

    Args:
        network: stays as it is.
        path: of the file to write.
        frames: of a clip.
        size: of a frame's side, in pixels.
    """
    network = copy.deepcopy(network).eval()
    clips = torch.zeros(2, network.conv_1.in_channels, frames, size, size)
    torch.onnx.export(
        network,
        (clips,),
        path,
        dynamo=True,
        external_data=False,
        input_names=["clips"],
        output_names=["scores"],
        dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1, max=MOST_CLIPS)}},
        verbose=False,
    )
