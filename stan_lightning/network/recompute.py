"""Less memory for more time: a module's activations computed again in the backward pass."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def recomputed(module: nn.Module, x: Tensor) -> Tensor:
    """Apply `module`, which draws no random numbers, keeping only `x` for the backward pass."""
    if torch.compiler.is_compiling():  # a compiled graph updates buffers once, in its forward part
        out: Tensor = checkpoint(module, x, use_reentrant=False, preserve_rng_state=False)
        return out

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), statistics_kept(module)

    out = checkpoint(module, x, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)
    return out


@contextmanager
def statistics_kept(module: nn.Module) -> Iterator[None]:
    """Let no batch norm count the batch that it sees: it was counted in the forward pass."""
    norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm3d) and norm.training]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        # Not `track_running_stats`: the two passes must save the same tensors.
        norm.momentum = 0.0
        norm.num_batches_tracked = None
    try:
        yield
    finally:
        for norm, (momentum, counter) in zip(norms, kept, strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked = counter
