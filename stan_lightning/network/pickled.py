"""What a file of torch would call in being read, looked at before anything is called.

Torch's own list for ``weights_only`` holds what can take hours or all memory for a few bytes of a file
(``_codecs.encode``, ``bytearray``) and tensors that are not dense. Here are those that checkpoints
and weights are made of.
"""

import io
import pickle
import pickletools
import re
from typing import IO

import torch

from stan_boundary.errors import InputError

_MOST_BYTES = 16_000_000
"""Of a checkpoint without its tensors; one of 700 tensors has 75 kB."""
_PARTS_OF_OLD = 5
"""Pickles at the start of a file from before torch 1.6: a number that marks it, version, system, what was
saved, and the keys of its tensors."""
_MARK = 0x1950A86A20F9469CFC6C
_NAMES = re.compile(
    r"torch \w+Storage|torch\.storage (Untyped|Typed)Storage|torch (b?float|complex|u?int)\d+|torch bool|"
    r"torch\._utils _rebuild_(tensor|tensor_v2|parameter)|torch (Size|device)|"
    r"collections (OrderedDict|defaultdict)|(builtins|__builtin__) (set|dict|list|complex)",
    re.ASCII,
)
_INDIRECT = ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "BYTEARRAY8")


def check_names(path: str) -> None:
    """Check all that a file's pickles name, without building anything.

    Raises:
        InputError: They name what no checkpoint needs, hold numbers beyond all bounds, or are damaged.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(4) == b"PK\x03\x04"  # by which torch tells, too
            file.seek(0)
            if packed:  # by torch's own reader: two readers may see two directories in one zip
                reader = torch._C.PyTorchFileReader(path)
                _check(io.BytesIO(reader.get_record("data.pkl")), path)
            else:
                for _ in range(_PARTS_OF_OLD):
                    _check(file, path)
    except InputError:
        raise
    except (ValueError, RuntimeError, EOFError, IndexError, pickle.PickleError, OSError) as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path} cannot be read as a file of torch (damaged, or not one): {said}") from None


def _check(file: IO[bytes], path: str) -> None:
    for code, value, place in pickletools.genops(file):
        if place is not None and place > _MOST_BYTES:
            raise InputError(f"{path} holds more than a checkpoint does beside its tensors")
        strange = code.name == "GLOBAL" and not _NAMES.fullmatch(str(value))
        if strange or code.name in _INDIRECT:
            name = str(value).replace(" ", ".")[:80] if strange else code.name
            raise InputError(f"{path} asks for {name}: a checkpoint holds tensors and plain data alone")
        if isinstance(value, int) and not -(2**63) <= value < 2**64 and value != _MARK:
            raise InputError(f"{path} holds a number beyond all bounds")
