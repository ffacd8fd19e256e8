"""Only what a network reads decides whether a recording can be read."""

import math
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stan_lightning.data.manifest import read_manifest
from stan_lightning.data.nuisance import measure
from stan_lightning.data.readable import why_unreadable


def with_member(path: Path, member: str, data: bytes, to: Path) -> Path:
    """A copy of a zip in which one member holds these bytes."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members[member] = data
    with zipfile.ZipFile(to, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return to


@pytest.mark.parametrize("every_crop", [True, False])
def test_damage_matters_where_it_is_read(
    make_voiced: Callable[..., Path], tmp_path: Path, every_crop: bool
) -> None:
    table = read_manifest(make_voiced())
    row = table[table["sound_s"] > 0].iloc[0].to_dict()

    def why(path: Path, *modalities: str) -> str:
        return why_unreadable(str(path), int(row["n_crops"]), modalities, every_crop)

    whole = Path(row["crops"])
    assert not why(whole, "face", "audio")
    silent = with_member(whole, "sound.flac", b"no sound", tmp_path / "silent.zip")
    assert not why(silent, "face") and not why(silent, "mood") and "sound" in why(silent, "audio")
    measured = measure(row | {"crops": str(silent)}, 32)
    assert math.isnan(measured["loudness_db"]) and measured["brightness"] > 0
    with zipfile.ZipFile(whole) as archive:
        first = min(name for name in archive.namelist() if name.endswith(".jpg"))
    blind = with_member(whole, first, b"no picture", tmp_path / "blind.zip")
    assert "is not an image" in why(blind, "face") and not why(blind, "audio", "mood")
    measured = measure(row | {"crops": str(blind)}, 32)
    assert math.isnan(measured["brightness"]) and measured["loudness_db"] < 0
