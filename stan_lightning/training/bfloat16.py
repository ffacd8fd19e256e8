"""Whether this CPU's bfloat16 convolutions have gradients.

torch 2.13's kernel for the gradient of a 3-D convolution's weight reads memory that nobody wrote, where
volumes are as small as 2 x 2 x 2 or 2 x 3 x 3 and the CPU has bfloat16 instructions. Fresh memory holds
zeros; what was used before makes, now and then, a gradient that is no number.
"""

import torch
from torch import nn

VOLUMES = ((2, 2, 2), (2, 3, 3))
CALLS = 20
CHANNELS = 16


def gradients_are_numbers() -> bool:
    """Whether the weight's gradient of small convolutions is finite, each time."""
    with torch.random.fork_rng(devices=[]):
        return all(_finite(volume) for volume in VOLUMES for _ in range(CALLS))


def _finite(volume: tuple[int, int, int]) -> bool:
    convolution = nn.Conv3d(CHANNELS, CHANNELS, 3, padding=1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = convolution(torch.randn(2, CHANNELS, *volume)).float().square().mean()
    _fill_freed_memory()
    loss.backward()
    assert convolution.weight.grad is not None
    return bool(convolution.weight.grad.isfinite().all())


def _fill_freed_memory() -> None:
    """Leave NaN where the next tensors will lie: whoever reads before writing is found out each time."""
    freed = [torch.full((2**size,), float("nan")) for size in range(4, 18) for _ in range(3)]
    del freed
