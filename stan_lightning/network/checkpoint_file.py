"""Files of torch that others wrote, read as tensors and plain data that take no more memory than the file."""

import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_boundary.opening import open_regular, open_zip
from stan_lightning.network.pickled import check_names

_MOST_NODES = 1_000_000
_MOST_DEPTH = 32


def load(path: str | Path, *, mmap: bool = False) -> Any:
    """What a file of torch holds, on the CPU; nothing in it is executed.

    Args:
        path: The file.
        mmap: Leave tensors on disk until they are looked at.

    Raises:
        InputError: It is no regular file, it is compressed, or it holds tensors larger than itself or plain
            data beyond bounds.
        Exception: It is damaged or another file: whatever torch meets first.
    """
    with open_regular(path) as file:
        size = file.seek(0, 2)
        packed = zipfile.is_zipfile(file)
    if packed:  # a compressed one, which torch would read, can be a thousand times its size
        with open_zip(path):
            pass
    check_names(str(path))
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap and packed)
    _Bounds(str(path), size).walk(content, 0)
    return content


def check_state(planned: nn.Module, content: Any, path: str) -> None:
    """Check that a checkpoint's `state_dict` fits a module that may be on torch's meta device.

    Raises:
        InputError: A tensor is missing, extra or misshapen.
    """
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(one, Tensor) for one in state.values()):
        raise InputError(f"{path} is no checkpoint of a training run (no state_dict)")
    expected = planned.state_dict()
    wrong = [
        f"{name} is {list(state[name].shape) if name in state else 'missing'}, not {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name not in state or state[name].shape != tensor.shape
    ]
    wrong += [f"{str(name)[:80]} is not part of the network" for name in state if name not in expected]
    if wrong:
        raise InputError(f"{path} does not fit this version's network: {wrong[0]}")


class _Bounds:
    """Counts what is reached, as often as it is reached: plain data may refer to itself many times."""

    def __init__(self, path: str, size: int) -> None:
        self.path, self.size, self.nodes, self.bytes = path, size, 0, 0

    def walk(self, node: Any, depth: int) -> None:
        self.nodes += 1
        if depth > _MOST_DEPTH or self.nodes > _MOST_NODES:
            raise InputError(
                f"{self.path} holds more than a checkpoint does: it is too deep or has too many entries"
            )
        if isinstance(node, (Tensor, dict)) and set(getattr(node, "__dict__", ())) - {"_metadata"}:
            raise InputError(f"{self.path} holds tensors or tables with attributes of their own")
        if isinstance(node, Tensor):
            self._tensor(node)
        elif isinstance(node, dict):
            for key, value in node.items():
                self.walk(key, depth + 1)
                self.walk(value, depth + 1)
        elif isinstance(node, (list, tuple, set, frozenset)):
            for value in node:
                self.walk(value, depth + 1)

    def _tensor(self, tensor: Tensor) -> None:
        plain = tensor.layout is torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
        if not plain:
            raise InputError(f"{self.path} holds a tensor that is not dense")
        own = tensor.numel() * tensor.element_size()
        self.bytes += own
        if own > tensor.untyped_storage().nbytes() or self.bytes > 2 * self.size:
            raise InputError(f"{self.path} holds tensors of more bytes than the file has")
