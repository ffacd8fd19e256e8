"""In which precision a device computes, and how far two results are from each other."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor


@contextmanager
def as_trained() -> Iterator[None]:
    """Deterministic kernels where there are some, as `trainer.deterministic=warn` sets it; put back after."""
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


@contextmanager
def unfettered() -> Iterator[None]:
    """Whatever kernel is fastest, found out by trying."""
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    tried = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = tried
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def sixteen(device: torch.device, on: bool = True) -> AbstractContextManager[object]:
    """16-bit autocast as `trainer.precision=16-mixed` sets it."""
    return torch.autocast(device.type, torch.float16) if on else nullcontext()


def relative(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Norm of the difference over the norm of what is expected, all tensors as one vector, in double."""
    one, other = (
        torch.cat([tensor.detach().double().cpu().flatten() for tensor in tensors])
        for tensors in (found, expected)
    )
    return float((one - other).norm() / other.norm())
