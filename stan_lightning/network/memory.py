"""How much memory a training step takes, found without the device and without the memory.

The step runs on fake tensors, which have a shape and no content; every storage that it makes is counted from
its making to its end. Left out is the scratch memory that a kernel takes and gives back within one
operation: how much that is depends on the device, the processor and the number of threads (for a small
network on CPUs up to half the peak; cuDNN's workspaces on a GPU). So are the CUDA context, about 0.5 GB, and
what the allocator loses between blocks.
"""

import copy
import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from stan_boundary.errors import InputError
from stan_lightning.network.encoder import Encoder

PRECISIONS = {"32-true": None, "16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
ADAM_MOMENTS = 2


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves its hook untyped
    """Count the bytes of all tensors that are alive, and the most that ever were (`peak`)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.live = 0
        self.peak = 0
        self.seen: dict[int, Any] = {}

    def count(self, tensor: Tensor) -> None:
        """Count the storage of `tensor`, once, until it is freed."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.seen:
            return
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)
        self.seen[key] = weakref.finalize(storage, self.forget, key, size)

    def forget(self, key: int, size: int) -> None:
        """Take a freed storage off the account."""
        self.live -= size
        del self.seen[key]

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operation and count what it made."""
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self.count(leaf)
        return out


def training_step(network: nn.Module, clips: Tensor, precision: str) -> None:
    """Run one forward and one backward pass of `network` over ``(B, C, T, H, W)``."""
    dtype = PRECISIONS[precision]
    with torch.autocast("cpu", dtype) if dtype else nullcontext():
        loss = network(clips).float().square().mean()
    loss.backward()


def step_bytes(network: nn.Module, clips: Tensor, precision: str) -> int:
    """Count the most bytes alive in a training step: weights, gradients, clips and all between."""
    network.train()
    account = LiveBytes()
    with account:
        for tensor in (*network.parameters(), *network.buffers(), clips):
            account.count(tensor)
        training_step(network, clips, precision)
    return account.peak


def peak_bytes(
    network: nn.Module, shape: Sequence[int], precision: str = "32-true", device: str = "cpu"
) -> int:
    """Predict the peak memory of training `network` with Adam.

    Args:
        network: stays untouched.
        shape: of a batch of clips, ``(B, C, T, H, W)``.
        precision: Lightning's name: "32-true", "16-mixed" or "bf16-mixed".
        device: type of the one that it will train on, which a `memory_format` of "auto" goes by.

    Returns:
        Bytes: weights, gradients, Adam's two moments, the clips and the activations at their most.

    Raises:
        InputError: the precision is none of the three.
    """
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision '{precision}': choose one of {', '.join(PRECISIONS)}")
    moments = ADAM_MOMENTS * sum(
        p.numel() * p.element_size() for p in network.parameters() if p.requires_grad
    )
    mode = FakeTensorMode()
    network = without_content(network, mode)
    for part in network.modules():
        if isinstance(part, Encoder) and part.memory_format:
            part.memory_format = "channels_last" if part.channels_last_on(device) else "contiguous"
    with mode:
        return moments + step_bytes(network, torch.empty(*shape), precision)


def without_content(network: nn.Module, mode: FakeTensorMode) -> nn.Module:
    """Copy `network` with weights and buffers that have a shape alone."""
    network = copy.deepcopy(network)
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(mode.from_tensor(parameter.detach()), parameter.requires_grad))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, mode.from_tensor(buffer))
    return network
