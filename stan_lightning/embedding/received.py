"""The folder of a pretrained model as a stranger's: its shape and its weights are taken, and nothing else.

A network is opened from a folder of our own that holds a config of plain numbers and words and the very files
whose hash is told: no other file, no code and no key that chooses either is there to be found.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from stan_boundary.errors import InputError
from stan_boundary.opening import open_regular, read_json, read_regular

INDEX = "model.safetensors.index.json"
MOST_CONFIG_BYTES = 4_000_000
_MOST_INDEX_BYTES = 20_000_000
_MOST_NUMBER, _MOST_LAYERS, _LONGEST_LIST = 10**7, 1_000, 1_000
_MOST = {"image_size": 2_048, "num_labels": 10_000, "num_frames": 64}  # transformers makes lists of these
_MOST_WEIGHTS = 3 * 10**9
_MOST_HEADER_BYTES = 5_000_000
"""Of a safetensors file: some 40,000 tensors; the largest encoders have a thousand or two."""
_MOST_ATTENTION = 10**9
"""Weights of attention in one layer: 16 heads over the 4,096 patches of 1,024 pixels are a quarter of it."""
_MOST_POSITIONS = 3 * 10**7
"""Values of a table of positions, which some networks make of Python's numbers."""
_ABSENT = 10**8  # weights that a file may lack: a pooling layer
_SHARD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}\.safetensors")
_REACHES_OUT = re.compile(
    r"auto_map|custom_pipelines|trust_remote_code|transformers_weights|adapter_\w+|_name_or_path|_commit_hash|"
    r"name_or_path|\w*(attn|experts)_implementation\w*|\w*quantization\w*|kernel_config|use_kernels|"
    r"compile_config|fusion_config|distributed_config|tp_plan|use_pretrained_backbone|backbone_kwargs"
)
"""Keys that choose code, other files or downloads."""


def shape_alone(file: Path) -> dict[str, Any]:
    """What a received ``config.json`` says of the network's shape.

    Raises:
        InputError: It is no such file, or asks for what no encoder has.
    """
    content = read_json(read_regular(file, MOST_CONFIG_BYTES), str(file), MOST_CONFIG_BYTES)
    return plain_shape(content, str(file))


def plain_shape(content: Any, where: str) -> dict[str, Any]:
    """The same of a config that was read already, or comes with a checkpoint.

    Raises:
        InputError: As `shape_alone`.
    """
    if not isinstance(content, Mapping):
        raise InputError(f"{where}: no config of a model, which is an object")
    if "auto_map" in content:
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

        if content.get("model_type") not in CONFIG_MAPPING_NAMES:
            raise InputError(f"{where}: it brings code of its own, which is not run here")
    found: dict[str, Any] = _plain(dict(content), "", where)
    return found


def _plain(node: Any, key: str, where: str) -> Any:
    if isinstance(node, dict):
        return {
            name: _plain(one, name, where) for name, one in node.items() if not _REACHES_OUT.fullmatch(name)
        }
    if isinstance(node, list):
        if len(node) > _LONGEST_LIST:
            raise InputError(f"{where}: {key[:40]} lists {len(node):,} values, which no encoder has")
        return [_plain(one, key, where) for one in node]
    most = _MOST_LAYERS if "layers" in key or "depth" in key else _MOST.get(key, _MOST_NUMBER)
    if isinstance(node, int) and abs(node) > most:
        raise InputError(f"{where}: {key[:40]} is {node:,}, more than an encoder has")
    return node


def check_shape(config: Any, weight_bytes: int | None = None) -> None:
    """Count a network's weights, and what one picture takes in it, before any memory is taken for them.

    Args:
        config: Its shape, as transformers keeps it.
        weight_bytes: Of its files; None for an untrained one.

    Raises:
        InputError: It has more than are read here, or than its files can hold.
    """
    _check_tokens(config.to_dict())
    from transformers import AutoModel

    with torch.device("meta"):
        network = AutoModel.from_config(config, trust_remote_code=False, dtype=torch.float32)
    count = sum(tensor.numel() for tensor in network.state_dict().values())
    if count > _MOST_WEIGHTS or (weight_bytes is not None and count > weight_bytes + _ABSENT):
        raise InputError(
            f"its config asks for {count:,} weights, more than its files hold or than {_MOST_WEIGHTS:,}"
        )


def _check_tokens(shape: Mapping[str, Any]) -> None:
    for part in shape.values():
        if isinstance(part, dict):
            _check_tokens(part)
    side, patch = (_first(shape.get(name)) for name in ("image_size", "patch_size"))
    if side and patch:
        frames = _first(shape.get("num_frames")) // max(1, _first(shape.get("tubelet_size")))
        patches = (side // patch) ** 2 * max(1, frames)
        heads = max(1, _first(shape.get("num_attention_heads")))
        if patches**2 * heads > _MOST_ATTENTION:
            raise InputError(
                f"its config asks for attention between {patches:,} patches with {heads} heads, more memory "
                "than an encoder needs"
            )
        if patches * _first(shape.get("hidden_size")) > _MOST_POSITIONS:
            raise InputError(f"its config asks for {patches:,} positions, each wider than an encoder's")


def _first(value: Any) -> int:
    """A size that stands by itself or in a list; 0 where there is none."""
    value = max(value, default=0) if isinstance(value, list | tuple) else value
    return value if isinstance(value, int) and value > 0 else 0


def check_header(file: Path) -> None:
    """Look at what a safetensors file claims, before a library makes an object of each tensor.

    Raises:
        InputError: Its header is longer than an encoder's.
    """
    with open_regular(file) as content:
        length = int.from_bytes(content.read(8), "little")
    if length > _MOST_HEADER_BYTES:
        raise InputError(
            f"{file} cannot be used: a header of {length:,} bytes, more tensors than an encoder has"
        )


def shards(index: Path) -> list[Path]:
    """The files that an index names, in their order.

    Raises:
        InputError: One is no plain name of a safetensors file beside it.
    """
    content = read_json(read_regular(index, _MOST_INDEX_BYTES), str(index), _MOST_INDEX_BYTES)
    places = content.get("weight_map") if isinstance(content, dict) else None
    names = sorted({str(one) for one in places.values()}) if isinstance(places, dict) else []
    if not names or not all(_SHARD.fullmatch(one) for one in names):
        raise InputError(f"{index}: its weight_map names no safetensors files beside it")
    return [index.with_name(one) for one in names]


def sha256(files: Sequence[Path]) -> str:
    """Of the files one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with open_regular(file) as content:
            while piece := content.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


@contextmanager
def staged(shape: Mapping[str, Any], files: Sequence[Path] = ()) -> Iterator[Path]:
    """A folder that holds the config and these files of weights alone, while it is needed.

    Raises:
        InputError: A file of weights is not there.
        OSError: The folder for temporary files is full; it is named.
    """
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        try:
            _fill(folder, shape, files)
        except OSError as error:
            error.filename = error.filename or made  # of a full disk the system says no name
            raise
        yield folder


def _fill(folder: Path, shape: Mapping[str, Any], files: Sequence[Path]) -> None:
    (folder / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    for file in files:
        open_regular(file).close()
        try:
            os.symlink(file.resolve(), folder / file.name)
        except OSError:  # Windows lets few make links
            shutil.copyfile(file, folder / file.name)
    if files and files[0].name != "model.safetensors":
        data = read_regular(files[0].with_name(INDEX), _MOST_INDEX_BYTES)
        (folder / INDEX).write_bytes(data)
