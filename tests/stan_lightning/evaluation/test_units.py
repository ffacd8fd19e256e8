"""Clip, video, session and subject hand-counted."""

import numpy as np
import pandas as pd

from stan_lightning.evaluation.units import clips, sessions, subjects, to_points

VIDEOS = pd.DataFrame(
    [
        ("a_1_F", "a", "1", 10.0, 12.0),
        ("a_1_N", "a", "1", 10.0, 16.0),
        ("a_2_F", "a", "2", 20.0, 10.0),
        ("b_1_F", "b", "1", 30.0, 33.0),  # session "1" of another person
        ("c_1_F", "c", "1", np.nan, 5.0),
    ],
    columns=["recording", "subject", "session", "label", "prediction"],
)


def test_sessions_are_means_of_videos_and_keep_people_apart():
    assert sessions(VIDEOS).values.tolist() == [["a", "1", 10, 14], ["a", "2", 20, 10], ["b", "1", 30, 33]]


def test_subjects_are_means_of_sessions_not_of_videos():
    assert subjects(VIDEOS).values.tolist() == [["a", 15, 12], ["b", 30, 33]]


def test_points_are_clipped_below_and_not_above():
    assert to_points(pd.Series([-0.5, 0, 0.5, 1.2]), (0, 60)).tolist() == [0, 0, 30, 72]
    assert to_points(pd.Series([-0.5, 0.5]), (10, 30)).tolist() == [10, 20]


def test_clips_carry_their_videos_label():
    windows = pd.DataFrame({"recording": ["b_1_F", "a_1_F", "a_1_F"], "output": [0.5, -1.0, 0.25]})
    table = clips(windows, VIDEOS, (0, 40))
    assert table[["subject", "label", "prediction"]].values.tolist() == [
        ["b", 30, 20],
        ["a", 10, 0],
        ["a", 10, 10],
    ]
