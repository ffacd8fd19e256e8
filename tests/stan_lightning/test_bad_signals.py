"""Files of a signal that cannot be used: one line each, before training."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.manifest import read_manifest
from stan_lightning.data.signals import gather


@pytest.fixture
def root(make_crops: Callable[..., Path]) -> Path:
    """Crops of 3.9 seconds, each with a signal `mood`."""
    made: Path = make_crops()
    (made / "signals" / "mood").mkdir(parents=True)
    for name in pd.read_csv(made / "manifest.csv").recording:
        (made / "signals" / "mood" / f"{name}.csv").write_text("time_s,a,b\n0,1,2\n1,2,4\n2,3,6\n")
    return made


def spoiled(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "3_1_Freeform.csv").write_text(text) and None


def npz_of(width: int, *names: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for file in folder.glob("*.csv"):
            file.unlink()
        for number, name in enumerate(names):
            np.savez(folder / f"{name}.npz", time_s=[0.0, 1.0], values=np.ones((2, width + number)))

    return write


CASES: list[tuple[Callable[[Path], Any], str]] = [
    (
        shutil.rmtree,
        r"signals/mood: no such folder of the signal mood .*face and audio.*data\.signals\.mood=<folder>",
    ),
    (
        lambda folder: [file.unlink() for file in folder.iterdir()],
        "signals/mood: no recording has a file of the signal mood",
    ),
    (spoiled("time_s,a,b\n0,1,2\n1,smile,2\n"), "3_1_Freeform.csv: row 3: a is 'smile', which is no number"),
    (
        spoiled("time_s,a,b\n0,1,2\n1,1,2\n0.5,1,2\n"),
        "3_1_Freeform.csv: row 4: time_s 0.5 does not come after 1",
    ),
    (spoiled("a,b\n1,2\n"), "3_1_Freeform.csv: has no column time_s"),
    (
        spoiled("time_s,a,b\n90,1,2\n91,1,2\n"),
        r"3_1_Freeform.csv: its rows, 90 to 91 s, lie outside the video's crops, 0 to 3\.9 s",
    ),
    (spoiled("time_s,confidence\n0,1\n"), "3_1_Freeform.csv: measures nothing"),
    (spoiled("time_s,z\n0,1\n"), "signal mood: no column is in every file"),
    (lambda folder: (folder / "signal.json").write_text("{"), "signal.json: cannot be read as JSON"),
    (
        lambda folder: (folder / "signal.json").write_text('{"resample": "cubic"}'),
        "signal.json: resample is 'cubic', none of linear, nearest",
    ),
    (
        lambda folder: (folder / "signal.json").write_text('{"columns": ["a"]}'),
        "signal.json: it holds an object, and its `columns`",
    ),
    (
        npz_of(3, "1_1_Freeform", "3_1_Freeform"),
        r"1_1_Freeform.npz: 3 values a row, but 4 in .*3_1_Freeform.npz: .*different encoders",
    ),
]


@pytest.mark.parametrize(("spoil", "said"), CASES)
def test_what_cannot_be_used_is_said_in_one_line_before_training(root: Path, spoil, said: str) -> None:
    spoil(root / "signals" / "mood")
    with pytest.raises(InputError, match=said) as error:
        gather(read_manifest(root), "mood", None)
    assert "\n" not in str(error.value)


def test_one_file_is_not_read_for_two_recordings(root: Path) -> None:
    table = pd.read_csv(root / "manifest.csv", dtype=str).assign(video="a/clip.mp4")
    table.to_csv(root / "manifest.csv", index=False)
    (root / "signals" / "mood" / "2_1_Freeform.csv").unlink()
    (root / "signals" / "mood" / "1_1_Freeform.csv").rename(root / "signals" / "mood" / "clip.csv")
    with pytest.raises(InputError, match=r"clip\.csv: would be read for 1_1_Freeform and for 2_1_Freeform"):
        gather(read_manifest(root), "mood", None)
