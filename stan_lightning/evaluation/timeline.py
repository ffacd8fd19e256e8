"""When in its video each window lies: source frames and seconds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.data.clips import windows
from stan_lightning.data.crops import open_crops
from stan_lightning.data.dataset import Source
from stan_lightning.evaluation.tables import WINDOWS


def frame_times(crops: str | Path) -> Mapping[int, float]:
    """Seconds of each kept source frame, from the crops' own signal; empty where there is none."""
    found = open_crops(str(crops))
    if found.times is None:
        return {}
    return dict(zip(found.frames.tolist(), found.times.tolist(), strict=True))


def probability_column(name: str) -> str:
    """Of the probability of a class."""
    return f"probability_{name}"


def windows_table(
    rows: NDArray[np.float64],
    recordings: pd.DataFrame,
    sources: Sequence[Source],
    clip_frames: int | None,
    columns: Sequence[str] = ("output",),
) -> pd.DataFrame:
    """Scored windows with the stretch of video that each saw.

    Args:
        rows: (N, 2 + K) index of the recording, number of the window, and what was said of it.
        recordings: Recordings by index; columns recording and fps (frames per second, NaN where unknown).
        sources: The same recordings as sources of clips.
        clip_frames: Frames of a window; None: windows are whole recordings.
        columns: Names of what was said, K.

    Returns:
        Columns `WINDOWS`, with `columns` in place of `output`;
        seconds are the times of the first and the last frame, by the video's own clock
        where the crops' signal tells it, else by its frame rate, else NaN.
    """
    spans: list[tuple[int, int, float, float]] = []
    outputs = pd.DataFrame(rows, columns=["index", "window", *columns])
    outputs = outputs.astype({"index": int, "window": int})
    for index, scored in outputs.groupby("index", sort=False):
        source, fps = sources[int(str(index))], float(recordings["fps"].iloc[int(str(index))])
        frames, times = open_crops(source.crops).frames, frame_times(source.crops)
        positions = windows(source.n_frames, clip_frames)
        for number in scored["window"]:
            ends = [int(frames[positions[number][end] * source.step]) for end in (0, -1)]
            start_s, end_s = (times.get(frame, frame / fps) for frame in ends)
            spans.append((ends[0], ends[1], start_s, end_s))
    found = pd.DataFrame(spans, columns=["first_frame", "last_frame", "start_s", "end_s"])
    outputs["recording"] = recordings["recording"].to_numpy()[outputs["index"]]
    ordered = outputs.sort_values("index", kind="stable").reset_index(drop=True)
    return pd.concat([ordered, found], axis=1)[[*WINDOWS[:-1], *columns]]
