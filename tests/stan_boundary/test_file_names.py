"""Names that files have on real machines: as text, as names of recordings, and found again."""

import os
import unicodedata
from pathlib import Path

import pytest

from stan_boundary.file_names import as_text, find_file, name_key, safe_recording_name
from stan_boundary.names import check_recording_name

DECOMPOSED = unicodedata.normalize("NFD", "Müller")
LATIN = os.fsdecode(b"M\xfcller")


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("203_1_Freeform", "203_1_Freeform"),
        ("vidéos [1], a=b #2 50%", "vidéos [1], a=b #2 50%"),
        ("Müller", "Müller"),
        (DECOMPOSED, "Müller"),
        (LATIN, "M%FCller"),
        (".hidden", "%2Ehidden"),
        ("..", "%2E."),
        ("a\nb\x1b[2J", "a%0Ab%1B[2J"),
        ("a\\b\u202egpj", "a%5Cb%E2%80%AEgpj"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_a_name_that_any_system_takes(stem: str, name: str) -> None:
    assert safe_recording_name(stem) == name == check_recording_name(name, "here")


@pytest.mark.parametrize("stem", ["x" * 243, "😀" * 62, DECOMPOSED * 27, LATIN * 35, "." + "é" * 110])
def test_a_long_name_is_cut_and_stays_unique(stem: str) -> None:
    name, other = safe_recording_name(stem), safe_recording_name(f"{stem}2")
    assert len(name.encode()) <= 200 and name != other and name[:40] == other[:40]
    assert check_recording_name(name, "here") == unicodedata.normalize("NFC", name)
    assert safe_recording_name(stem) == safe_recording_name(unicodedata.normalize("NFC", stem))


def test_two_hundred_bytes_are_left_alone() -> None:
    assert safe_recording_name("é" * 100) == "é" * 100


def test_a_file_is_found_in_any_normal_form(tmp_path: Path) -> None:
    folder = tmp_path / unicodedata.normalize("NFD", "vidéos")
    folder.mkdir()
    for name in (f"{DECOMPOSED}.mp4", f"{LATIN}.avi", " blank .mov"):
        (folder / name).touch()
    asked = tmp_path / "vidéos"
    assert find_file(asked / "Müller.mp4") == folder / f"{DECOMPOSED}.mp4"
    assert find_file(asked / "M%FCller.avi") == folder / f"{LATIN}.avi"
    assert find_file(asked / "blank .mov") == folder / " blank .mov"
    assert find_file(asked / "none.mp4") == folder / "none.mp4" or not find_file(asked / "none.mp4").exists()
    (folder / "Müller.mp4").touch()
    assert find_file(folder / "Müller.mp4") == folder / "Müller.mp4"  # itself first
    assert find_file(tmp_path / ("x" * 300) / "a") == tmp_path / ("x" * 300) / "a"


def test_text_of_a_path_can_be_written() -> None:
    assert as_text(Path("a") / LATIN) == "a/M%FCller" and as_text("Müller") == "Müller"
    assert name_key(DECOMPOSED) == name_key("Müller ") == "Müller" and as_text(DECOMPOSED) == DECOMPOSED
