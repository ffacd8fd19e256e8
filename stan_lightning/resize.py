"""Pillow's bicubic resize for batches of frames, on any device.

Released scores were made with Pillow: an antialiased filter along the width, rounded to 8 bits, then
along the height, rounded again. A plain float `interpolate` is up to 6 grey levels off.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def bicubic(frames: Tensor, size: int) -> Tensor:
    """Resize 8-bit frames to a square.

    On a CPU this equals Pillow to the last bit (torch has a kernel for it). CUDA has no 8-bit kernel:
    there the two passes run in float, each rounded and clamped, at most one grey level off.

    Args:
        frames: uint8, shape ``(N, C, H, W)``.
        size: Side of the result in pixels.

    Returns:
        uint8, shape ``(N, C, size, size)``.
    """
    height, width = frames.shape[-2:]
    if (height, width) == (size, size):
        return frames
    if frames.device.type == "cpu":
        return interpolate(frames, (size, size), mode="bicubic", antialias=True)
    along_width = _pass(frames.float(), (height, size))
    return _pass(along_width, (size, size)).to(torch.uint8)


def _pass(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """One axis in float, rounded half up and clamped as an 8-bit image would be."""
    resized = interpolate(frames, size, mode="bicubic", antialias=True)
    return (resized + 0.5).floor().clamp(0, 255)
