"""From the network's windows to what a person scored: clip, video, session, subject.

A session is the mean of its videos and a subject the mean of its sessions, so nobody counts more for
having been filmed more often.
"""

from collections.abc import Sequence

import pandas as pd

UNITS = ("clip", "video", "session", "subject")


def to_points(output: pd.Series, score_range: Sequence[float]) -> pd.Series:
    """Raw fractions of the score range as points: clipped at 0 below and, as in the release, not above."""
    low, high = score_range
    return low + output.clip(lower=0.0) * (high - low)


def clips(windows: pd.DataFrame, videos: pd.DataFrame, score_range: Sequence[float]) -> pd.DataFrame:
    """One row a window, with its video's label: columns subject, session, label, prediction."""
    joined = windows.merge(videos[["recording", "subject", "session", "label"]], on="recording", how="inner")
    joined["prediction"] = to_points(joined["output"], score_range)
    return joined[["subject", "session", "label", "prediction"]]


def sessions(videos: pd.DataFrame) -> pd.DataFrame:
    """One row a session: the mean over its labelled videos.

    A session's name need only be unique within its subject.
    """
    labelled = videos.dropna(subset=["label"])
    return labelled.groupby(["subject", "session"], as_index=False, sort=True)[["label", "prediction"]].mean()


def subjects(videos: pd.DataFrame) -> pd.DataFrame:
    """One row a subject: the mean over its sessions, each the mean of its labelled videos."""
    return sessions(videos).groupby("subject", as_index=False, sort=True)[["label", "prediction"]].mean()
