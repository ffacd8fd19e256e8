"""Files of torch take no more memory than they have bytes."""

import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.network import checkpoint_file


def save(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    content = {"a": torch.arange(5), "b": [1, "x", None, {"c": (2.5,)}]}
    for mmap in (False, True):
        found = checkpoint_file.load(save(tmp_path / "a.ckpt", content), mmap=mmap)
        assert torch.equal(found["a"], content["a"]) and found["b"] == content["b"]
    torch.save(content, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert torch.equal(checkpoint_file.load(tmp_path / "old.pth", mmap=True)["a"], content["a"])


def laughs(depth: int) -> list[Any]:
    node: list[Any] = ["x"]
    for _ in range(depth):
        node = [node] * 9
    return node


def deep(depth: int) -> list[Any]:
    node: list[Any] = []
    for _ in range(depth):
        node = [node]
    return node


def test_bombs_are_refused_quickly(tmp_path: Path) -> None:
    one = torch.zeros(1000)
    bombs = {
        "expanded": {"x": torch.zeros(1).expand(10**12)},
        "the same again": {f"x{number}": one for number in range(10_000)},
        "laughs": {"x": laughs(20)},
        "deep": {"x": deep(100)},
        "meta": {"x": torch.zeros(10**9, device="meta")},
        "sparse": {
            "x": torch.sparse_coo_tensor(torch.zeros(1, 1, dtype=torch.long), torch.ones(1), (10**9,))
        },
    }
    for name, content in bombs.items():
        start = time.perf_counter()
        with pytest.raises(InputError, match=r"bomb\.ckpt"):
            checkpoint_file.load(save(tmp_path / "bomb.ckpt", content), mmap=True)
        assert time.perf_counter() - start < 20, name


def test_a_compressed_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """torch reads deflated members, a thousand times their size."""
    file = save(tmp_path / "a.ckpt", {"x": torch.zeros(10**6)})
    with (
        zipfile.ZipFile(file) as plain,
        zipfile.ZipFile(tmp_path / "b.ckpt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert (tmp_path / "b.ckpt").stat().st_size < 100_000
    with pytest.raises(InputError, match="compressed"):
        checkpoint_file.load(tmp_path / "b.ckpt")


def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ckpt")
    for path in (tmp_path / "pipe.ckpt", Path("/dev/zero"), tmp_path):
        with pytest.raises(InputError, match="not a regular file"):
            checkpoint_file.load(path)
