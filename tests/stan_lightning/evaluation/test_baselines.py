"""The three things that can be said without a video."""

import pytest

from stan_lightning.evaluation.baselines import TrainingSessions


def test_each_session_counts_once_however_many_videos():
    rows = [
        ("a", "1", 4.0),
        ("a", "1", 4.0),
        ("a", "2", "8"),
        ("b", "1", 30),
        ("c", "1", None),
        ("d", "1", ""),
    ]
    training = TrainingSessions.from_rows(rows)
    assert training.subjects == {"a", "b"}
    said = training.predict(["a", "stranger", "b", "c"])
    assert said["train_median"].tolist() == [8.0] * 4
    assert said["train_mean"].tolist() == [14.0] * 4
    assert said["identity"].tolist() == [6.0, 8.0, 30.0, 8.0]


def test_no_training_data_is_no_baseline():
    with pytest.raises(ValueError, match="no labelled training session"):
        TrainingSessions(()).predict(["a"])
