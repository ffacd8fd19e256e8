"""Files of torch that name what no checkpoint needs are refused before anything in them is called."""

import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.network.checkpoint_file import load


def packed(file: Path, data: bytes) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/version", "3\n")
    return file


def call(name: str, arguments: bytes) -> bytes:
    return b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n" + arguments + b"R."


def text(of: str) -> bytes:
    return b"X" + struct.pack("<I", len(of.encode())) + of.encode()


# Torch calls each of these in a file that it reads with `weights_only`: the first for hours.
CALLS = (
    call("_codecs encode", text("".join(map(chr, range(256, 40_000)))) + text("punycode") + b"\x86"),
    call("builtins bytearray", b"\x8a\x05" + struct.pack("<Q", 8 << 30)[:5] + b"\x85"),
    call("os system", text("id") + b"\x85"),
)


@pytest.mark.parametrize("data", CALLS)
def test_calls_are_refused_by_name(tmp_path: Path, data: bytes) -> None:
    for file in (packed(tmp_path / "a.ckpt", data), tmp_path / "b.ckpt"):
        if not file.exists():
            file.write_bytes(data)
        with pytest.raises(InputError, match=r"asks for (_codecs\.encode|builtins\.bytearray|os\.system)"):
            load(file)


def test_numbers_and_lengths_beyond_all_bounds_are_refused(tmp_path: Path) -> None:
    """Such numbers can all have one hash: a dictionary of them takes the square of their count."""
    keys = b"".join(b"\x8a\x14" + (n * (2**61 - 1) << 70).to_bytes(20, "little") + b"N" for n in range(1, 4))
    with pytest.raises(InputError, match="beyond all bounds"):
        load(packed(tmp_path / "a.ckpt", b"\x80\x02}(" + keys + b"u."))
    with pytest.raises(InputError, match="more than a checkpoint"):
        load(packed(tmp_path / "b.ckpt", b"\x80\x02" + text("x" * 17_000_000) + b"0N."))


def test_attributes_that_would_hide_what_is_there_are_refused(tmp_path: Path) -> None:
    own = b"\x80\x02ccollections\nOrderedDict\n)R}" + text("items") + b"ctorch\nSize\nsb."
    with pytest.raises(InputError, match="attributes of their own"):
        load(packed(tmp_path / "a.ckpt", own))
    parameter = torch.nn.Parameter(torch.ones(1))
    parameter.numel = 5  # type: ignore[assignment, method-assign]
    torch.save({"a": parameter}, tmp_path / "b.ckpt")
    with pytest.raises(InputError, match="asks for torch"):
        load(tmp_path / "b.ckpt")


@pytest.mark.parametrize("new", [True, False])
def test_weights_are_read_as_before(tmp_path: Path, new: bool) -> None:
    kinds = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)
    state = OrderedDict((str(kind), torch.ones(3).to(kind)) for kind in kinds)
    state |= {
        "p": torch.nn.Parameter(torch.ones(2)),
        "d": torch.float32,
        "s": torch.Size([1]),
        "n": {1: None},
    }
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=new)
    found = load(tmp_path / "a.pth")
    assert found["torch.bfloat16"].dtype is torch.bfloat16 and found["s"] == torch.Size([1])
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "b.pth", _use_new_zipfile_serialization=new)
    assert load(tmp_path / "b.pth")["weight"].shape == (2, 2)
