"""Float32 that is float32, on every device."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_precision(device: str) -> Iterator[None]:
    """No autocast, and no TF32, which torch lets convolutions take on newer GPUs: 10 of a float32's 23 bits.

    Args:
        device: type of the one that computes.
    """
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        torch.backends.cudnn.allow_tf32 = convolutions
        torch.backends.cuda.matmul.allow_tf32 = products
