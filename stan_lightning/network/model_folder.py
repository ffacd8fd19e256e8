"""The files of a model folder: what another person needs of a network, and nothing of whom it learnt from.

``config.json`` is plain data and states the SHA-256 of the tensors in ``model.safetensors``.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from stan_boundary.errors import InputError
from stan_boundary.opening import open_regular, read_json, read_regular
from stan_boundary.writing import write_whole

FORMAT = "stan-lightning model 1"
CONFIG, WEIGHTS, CARD, ONNX = "config.json", "model.safetensors", "README.md", "model.onnx"
FILES = (CONFIG, WEIGHTS, CARD, ONNX)
"""All that a model folder may hold."""
_SHA256 = "weights_sha256"
_MOST_CONFIG_BYTES = 1_000_000
_MOST_WEIGHT_BYTES = 20 * 10**9
_MOST_HEADER_BYTES = 5_000_000
"""Some 40,000 tensors: a library makes an object of each."""


def is_model_folder(path: Path) -> bool:
    """Whether this is a folder with a model of this project in it, whatever state its tensors are in."""
    try:
        read_config(path)
    except InputError:  # such as a folder of another library, which has a file of that name
        return False
    return True


def write_model(folder: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """Write config and tensors into a folder that is there.

    Args:
        folder: Of the model.
        config: Plain data, without the format and the hash.
        state: Tensors by name.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    data = save(tensors, metadata={"format": "pt"})
    write_whole(folder / WEIGHTS, data)
    content = {"format": FORMAT, **config, _SHA256: hashlib.sha256(data).hexdigest()}
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    write_whole(folder / CONFIG, f"{text}\n".encode())


def read_config(folder: Path) -> dict[str, Any]:
    """What a model folder's config says, which is checked no further than its form.

    Raises:
        InputError: It is missing, damaged, or of another format.
    """
    file = folder / CONFIG
    if not file.is_file():
        what = "no folder is there" if not folder.is_dir() else f"no {CONFIG} in it"
        raise InputError(f"no model at {folder}: {what}")
    content = read_json(read_regular(file, _MOST_CONFIG_BYTES), str(file), _MOST_CONFIG_BYTES)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{file} is no config of a model folder of this version ({FORMAT})")
    return content


def read_state(folder: Path, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a model folder.

    Raises:
        InputError: They are missing, damaged, or others than the config says.
    """
    file = folder / WEIGHTS
    with open_regular(file, _MOST_WEIGHT_BYTES) as content:
        if int.from_bytes(content.read(8), "little") > _MOST_HEADER_BYTES:
            raise InputError(f"{file}: its header is longer than that of any network here")
    data = read_regular(file, _MOST_WEIGHT_BYTES)
    if hashlib.sha256(data).hexdigest() != config.get(_SHA256):
        raise InputError(
            f"{file} is not the file that {CONFIG} states (cut off, damaged or changed): get the folder anew"
        )
    try:
        found: dict[str, Tensor] = load(data)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        said = " ".join(str(error).split())[:120]
        raise InputError(f"{file} cannot be read as safetensors: {said}") from None
    return found
