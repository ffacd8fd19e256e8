"""What a datamodule's arguments cannot be is one line, whoever gives them."""

from typing import Any

import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.settings import check_settings

SETTINGS: dict[str, Any] = {
    **{"root": "crops", "fold": 0, "n_folds": 5, "split_seed": 0, "seed": 0, "score_range": [0, 63]},
    **{"clip_frames": 64, "frame_stride": 3, "crops_stride": None, "image_size": 224, "num_workers": 4},
    **{"batch_size": 5, "eval_batch_size": None, "modalities": ["face"], "signals": None, "sound_s": None},
}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("batch_size", 0, "data.batch_size=0: it must be a whole number of at least 1"),
        ("batch_size", True, "data.batch_size=True: it must be"),
        ("batch_size", None, "data.batch_size=None: it must be"),
        ("sound_s", float("nan"), "data.sound_s=nan: it must be a number from 0 to 3600"),
        ("seed", 2**32, "data.seed=4294967296: it must be a whole number from 0 to 4294967295"),
        ("clip_frames", 20_000, "are more than memory can be asked for"),
        ("clip_frames", None, "but face is read in clips"),
        ("modalities", ["face", "../x"], "no name of letters: '../x'"),
        ("signals", {"mood": 7}, "must be paths, and '7' is none"),
        ("root", ["a", None], "must be paths"),
        ("score_range", [0, float("inf")], "data.score_range=[0, inf]: give the lowest and the highest"),
        ("score_range", [63, 0], "data.score_range=[63, 0]"),
        ("score_range", [0, True], "data.score_range=[0, True]"),
    ],
)
def test_what_cannot_be(name: str, value: Any, words: str) -> None:
    check_settings(SETTINGS)
    with pytest.raises(InputError) as said:
        check_settings(SETTINGS | {name: value})
    assert words in str(said.value) and "\n" not in str(said.value)
