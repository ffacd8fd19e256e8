"""What a run does with a recording that gives nothing, and with one that does not fit."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from stan_boundary.errors import InputError
from stan_lightning.embedding.run import Tally, embed_recordings, said
from stan_lightning.embedding.signal_folder import Moments, SignalFolder

RECORD = {"what": "x", "encoder": "stub", "reads": "audio", "width": 1}


class Stub:
    """One vector for each second; a recording of half a second has none, one of 9 does not fit."""

    reads = "audio"
    unit = "seconds of sound"

    def __init__(self, seconds):
        self.record = RECORD
        self.seconds = seconds

    def amounts(self, table):
        return table["sound_s"]

    def fingerprint(self, crops):
        return crops.path.stem

    def embed(self, crops, count):
        seconds = int(self.seconds[crops.path.stem])
        if seconds == 9:
            raise torch.OutOfMemoryError
        count(seconds)
        return Moments("time_s", np.arange(seconds, dtype=float), np.ones((seconds, 1), np.float32))


@pytest.fixture
def run(make_crops, tmp_path):
    def go(**seconds: float) -> tuple[Tally, list[str], str]:
        root = make_crops({"train": list(seconds)})
        names = {f"{subject}_1_Freeform": length for subject, length in seconds.items()}
        table = pd.DataFrame({"recording": list(names), "sound_s": list(names.values())})
        table["crops"] = [str(root / f"{name}.zip") for name in names]
        screen = io.StringIO()
        folder = SignalFolder(tmp_path / "signal", RECORD)
        tally = embed_recordings(Stub(names), table, folder, Console(file=screen, width=150))
        return tally, sorted(file.stem for file in folder.folder.glob("*.npz")), screen.getvalue()

    return go


def test_what_gives_nothing_gets_no_file_and_is_told(run):
    tally, files, screen = run(**{"1": 3.0, "2": 0.5, "3": 0.0, "4": 2.0})
    assert tally == Tally(2, 0, ["3_1_Freeform", "2_1_Freeform"], {})
    assert files == ["1_1_Freeform", "4_1_Freeform"]
    assert "3/3 recordings" in screen and "6/6 seconds of sound" in screen  # 5.5 of them
    lines = said(tally, RECORD, files)
    assert lines[1] == "2 recordings have no sound and get no file, such as 3_1_Freeform"


def test_what_does_not_fit_names_the_knob_and_keeps_the_others(run, tmp_path):
    with pytest.raises(InputError, match=r"2_1_Freeform.zip: does not fit .*smaller encoder.batch_size"):
        run(**{"1": 3.0, "2": 9.0, "3": 2.0})
    assert [file.stem for file in (tmp_path / "signal").glob("*.npz")] == ["1_1_Freeform"]
