"""From scored windows to the tables and numbers that every evaluation writes.

Nothing here runs a network: windows come in, tables and one dictionary come out, so that reports over
several runs and folds compute exactly what a single evaluation does.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stan_lightning.data.scale import SeverityScale
from stan_lightning.evaluation.baselines import BASELINES, OPTIONAL, RIDGES, TrainingSessions
from stan_lightning.evaluation.dealt import dealt_to_others
from stan_lightning.evaluation.intervals import UNDEFINED, Metric
from stan_lightning.evaluation.statistics import (
    bias_by_band,
    describe,
    mae_difference,
    rmse_difference,
)
from stan_lightning.evaluation.units import clips, sessions, subjects, to_points
from stan_lightning.evaluation.validity import validity

PREDICTIONS = (
    "recording",
    "subject",
    "session",
    "task",
    "partition",
    "group",
    "label",
    "prediction",
    "n_windows",
    "sd_windows",
    "seen_subject",
)
TRAINED, SELECTED, NEW = "trained on", "selected on", "new"
"""What training knew of a subject: they were in its data, or in those that the epoch was chosen by."""
WINDOWS = ("recording", "window", "first_frame", "last_frame", "start_s", "end_s", "output")


def predictions_table(
    windows: pd.DataFrame,
    recordings: pd.DataFrame,
    score_range: Sequence[float],
    training: TrainingSessions | None,
) -> pd.DataFrame:
    """One row a video: the mean over its windows, in points.

    Args:
        windows: Columns `WINDOWS`.
        recordings: Columns recording, subject, session, task, partition, group and label (points, NaN
            where unknown). Recordings without a window are left out.
        score_range: Lowest and highest score.
        training: Who was trained on, None where that is unknown (`seen_subject` is then empty).

    Returns:
        Columns `PREDICTIONS`, in the order of `recordings`. `sd_windows` is the sample standard deviation
        of the windows' scores in points, NaN for a single window.
    """
    points = windows.assign(points=to_points(windows["output"], score_range)).groupby("recording")["points"]
    scored = points.agg(prediction="mean", n_windows="size", sd_windows="std")
    table = recordings.merge(scored, left_on="recording", right_index=True, how="inner")
    if training is None:
        table["seen_subject"] = pd.Series(pd.NA, index=table.index, dtype="boolean")
    else:
        table["seen_subject"] = table["subject"].astype(str).isin(training.subjects).astype("boolean")
    return table[list(PREDICTIONS)].reset_index(drop=True)


def baseline_table(
    predictions: pd.DataFrame,
    training: TrainingSessions | None,
    ridges: pd.DataFrame | None = None,
    selected: Collection[str] = (),
) -> pd.DataFrame | None:
    """What each baseline says about each video: recording, `exposure`, the columns of `BASELINES`; or None.

    Args:
        predictions: Columns `PREDICTIONS`.
        training: Who was trained on; without them there are no baselines.
        ridges: `ridge.ridge_baselines` of at least these videos; without them theirs are NaN.
        selected: Subjects whom the development partition holds.
    """
    if training is None or not training.sessions:
        return None
    said = training.predict(predictions["subject"])
    table = pd.concat([predictions[["recording"]].reset_index(drop=True), said], axis=1)
    subject = predictions["subject"].astype(str)
    known = np.where(subject.isin(list(selected)), SELECTED, NEW)
    table["exposure"] = np.where(subject.isin(training.subjects), TRAINED, known)
    if ridges is None:
        return table.assign(**{name: np.nan for name in RIDGES if name not in OPTIONAL})
    return table.merge(ridges, on="recording", how="left", validate="one_to_one")


def metrics(
    predictions: pd.DataFrame,
    windows: pd.DataFrame,
    baselines: pd.DataFrame | None,
    scale: SeverityScale,
) -> dict[str, Any]:
    """All numbers of an evaluation that come from its tables: units, baselines and breakdowns.

    Args:
        predictions: Columns `PREDICTIONS`.
        windows: Columns `WINDOWS`.
        baselines: `baseline_table` of these predictions, None where there is no training set.
        scale: What scores are on: bands and cut-offs where it has any.
    """
    videos = predictions.dropna(subset=["label"])

    def unit(table: pd.DataFrame) -> dict[str, Any]:
        return _describe(table, scale)

    def parts(column: pd.Series, names: Sequence[str]) -> dict[str, Any]:
        return {name: unit(videos[column == name]) for name in names}

    numbers: dict[str, Any] = {
        "clip": unit(clips(windows, videos, scale.range)),
        "video": unit(videos),
        "session": unit(sessions(videos)),
        "subject": unit(subjects(videos)),
    }
    if scale.bands:
        bias = bias_by_band(videos["label"], videos["prediction"], videos["subject"], scale)
        numbers["video"]["bias_by_band"] = bias
    numbers["baselines"] = _compared(videos, baselines, scale)
    seen = videos["seen_subject"].astype("boolean")
    known = baselines is not None
    numbers["seen"] = unit(videos[seen.fillna(False)]) if known else None
    numbers["unseen"] = unit(videos[~seen.fillna(True)]) if known else None
    numbers |= {"selected": None, "new": None}
    if baselines is not None:
        exposure = videos["recording"].map(baselines.set_index("recording")["exposure"])
        new = videos[exposure == NEW]
        numbers["selected"], numbers["new"] = unit(videos[exposure == SELECTED]), unit(new)
        numbers["new"]["baselines"] = _compared(new, baselines, scale) if len(new) else None
    two_labels = videos.groupby(["subject", "session"])["label"].nunique() > 1
    numbers["n_sessions_of_two_labels"] = int(two_labels.sum())
    numbers["n_above_range"] = int((predictions["prediction"] > scale.range[1]).sum())
    numbers["dealt"] = dealt_to_others(videos["label"], videos["prediction"], videos["subject"])
    numbers["validity"] = validity(videos, baselines, scale)
    numbers["by_task"] = parts(videos["task"], _names(videos["task"]))
    numbers["by_band"] = _by_band(videos, numbers["video"], unit, scale) if scale.bands else None
    numbers["by_group"] = parts(videos["group"], _names(videos["group"]))
    return numbers


def _by_band(
    videos: pd.DataFrame,
    whole: Mapping[str, Any],
    unit: Callable[[pd.DataFrame], dict[str, Any]],
    scale: SeverityScale,
) -> dict[str, Any]:
    """Error and bias in each severity band; correlations within a band mislead.

    `bias_expected` is the bias of a prediction that is calibrated and correlates as this one does: such a
    prediction is nearer to the mean label, so the most severe come out too low.
    """
    found: dict[str, Any] = {}
    pearson, mean = whole["pearson"]["value"], videos["label"].mean()
    for number, name in enumerate(scale.band_names):
        part = videos[scale.band(videos["label"]) == number]
        numbers = unit(part)
        expected: Metric = dict(UNDEFINED)
        if len(part) and pearson is not None:
            share = max(pearson, 0.0) ** 2
            expected["value"] = float((1 - share) * (mean - part["label"].mean()))
        found[name] = {key: numbers[key] for key in ("n", "people", "mae")}
        found[name] |= {"bias": whole["bias_by_band"][name], "bias_expected": expected}
    return found


def describe_videos(predictions: pd.DataFrame, scale: SeverityScale) -> dict[str, Any]:
    """Metrics at video level alone."""
    return _describe(predictions, scale)


def _describe(table: pd.DataFrame, scale: SeverityScale) -> dict[str, Any]:
    return dict(describe(table["label"], table["prediction"], table["subject"], scale))


def _names(column: pd.Series) -> list[str]:
    return sorted(str(name) for name in column.dropna().unique() if str(name))


def _compared(
    videos: pd.DataFrame, baselines: pd.DataFrame | None, scale: SeverityScale
) -> dict[str, Any] | None:
    """Each baseline's own metrics, and the paired differences of the model's MAE and RMSE to its.

    A ridge also has the difference of its MAE to the training median's; one that is not there is None.
    """
    if baselines is None:
        return None
    joined = videos.merge(baselines, on="recording", how="left", validate="one_to_one")

    def between(one: str, other: str) -> tuple[pd.Series, pd.Series, pd.Series, pd.Series]:
        return joined["label"], joined[one], joined[other], joined["subject"]

    compared: dict[str, Any] = {}
    for name in BASELINES:
        if name in OPTIONAL and name not in baselines:
            continue
        if name not in baselines or baselines[name].isna().any():
            compared[name] = None
            continue
        compared[name] = _describe(joined.assign(prediction=joined[name]), scale)
        compared[name]["mae_difference"] = mae_difference(*between("prediction", name))
        compared[name]["rmse_difference"] = rmse_difference(*between("prediction", name))
        if name in RIDGES:
            compared[name]["median_difference"] = mae_difference(*between(name, "train_median"))
    return compared


def missing_recordings(recordings: pd.DataFrame, predictions: pd.DataFrame) -> list[Mapping[str, str]]:
    """Name each expected recording that has no prediction, with the reason that its manifest gives."""
    absent = recordings[~recordings["recording"].isin(predictions["recording"])]
    reasons = absent["reason"] if "reason" in absent else pd.Series("", index=absent.index)
    return [
        {"recording": str(name), "reason": str(reason) or "no crops"}
        for name, reason in zip(absent["recording"], reasons.fillna(""), strict=True)
    ]
