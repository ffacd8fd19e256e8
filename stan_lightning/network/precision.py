"""Float32 that is float32, on every device."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def single_precision(device: str) -> Iterator[None]:
    """No autocast, and no TF32, which torch lets convolutions take on newer GPUs: 10 of a float32's 23 bits.

    Args:
        device: type of the one that computes.
    """
    backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = False
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed
