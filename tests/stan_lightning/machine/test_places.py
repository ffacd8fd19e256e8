"""Folders that are full, read-only or not there are told with the way out."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stan_lightning.machine.fact import BAD, GOOD, NOTE, Fact
from stan_lightning.machine.places import facts


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here: only root may")
    yield place
    os.chdir(tmp_path)
    subprocess.run(["umount", str(place)], check=True)


def at(name: str) -> Fact:
    (found,) = [fact for fact in facts() if fact.said.startswith(name)]
    return found


def test_a_full_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_disk)
    little = at("the folder at hand")
    assert little.mark == NOTE and "0.0 GB free" in little.said and "make room" in little.mend
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize))
    full = at("the folder at hand")
    assert full.mark == BAD and "No space left" in full.said and "make room" in full.mend
    assert [one.name for one in small_disk.iterdir()] == ["filler"]
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "Read-only" in at("the folder at hand").said


def test_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    home = at("home folder")
    assert home.mark == BAD and "gone, which is not there" in home.said and "export HOME=" in home.mend
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert at("home folder").mark == NOTE
    assert str(tmp_path / "cache") in at("fetched models").said and not (tmp_path / "cache").exists()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert at("fetched models").mark in (GOOD, NOTE)
