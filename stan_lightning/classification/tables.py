"""From windows' probabilities to recordings and sessions, and all numbers of an evaluation.

A recording's probabilities are the mean over its windows, a session's the mean over its recordings. Nothing
here runs a network.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stan_lightning.classification.baselines import (
    BASELINES,
    LOGISTIC,
    MAY_LACK,
    column,
    looked_up,
    said,
)
from stan_lightning.classification.calibration import reliability
from stan_lightning.classification.metrics import Told, dealt_to_others, describe, differences
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.tables import NEW, SELECTED, TRAINED
from stan_lightning.evaluation.timeline import probability_column
from stan_lightning.training.class_metrics import Floats

KEPT = ("recording", "subject", "session", "task", "partition", "group", "label")
LABEL_RULE = "names of classes as in the manifest"


def averaging(n_classes: int) -> str:
    """How what is averaged is averaged, and by what rule a recording is called."""
    said = (
        "a recording is called the class with the highest mean probability over its windows; macro-F1 and "
        "UAR are plain means over classes, weighted F1 is weighted by their numbers of recordings; "
    )
    if n_classes == 2:
        return f"{said}Brier is the squared error of one class's probability"
    return (
        f"{said}AUC is the mean of one class against the rest, Brier the squared errors summed over classes"
    )


def predictions_table(
    windows: pd.DataFrame,
    recordings: pd.DataFrame,
    classes: Sequence[str],
    training: TrainingSessions | None,
) -> pd.DataFrame:
    """One row a recording.

    Args:
        windows: With a column of each class's probability.
        recordings: Columns `KEPT`; the label is a name, empty where unknown. Those without a window are left
            out.
        classes: Names, in the order of the network's outputs.
        training: Who was trained on, None where that is unknown (`seen_subject` is then empty).

    Returns:
        Columns `KEPT`, `predicted` (the likeliest class), each class's probability, `n_windows`, `sd_windows`
        (standard deviation of the windows' probability of that class, NaN for a single window) and
        `seen_subject`, in the order of `recordings`.
    """
    columns = [probability_column(name) for name in classes]
    grouped = windows.groupby("recording")[columns]
    means, spread, n_windows = grouped.mean(), grouped.std(), grouped.size()
    called = means.to_numpy().argmax(1)
    scored = means.assign(
        predicted=[classes[one] for one in called],
        n_windows=n_windows,
        sd_windows=spread.to_numpy()[np.arange(len(called)), called],
    )
    table = recordings.merge(scored, left_on="recording", right_index=True, how="inner")
    if training is None:
        table["seen_subject"] = pd.Series(pd.NA, index=table.index, dtype="boolean")
    else:
        table["seen_subject"] = table["subject"].astype(str).isin(training.subjects).astype("boolean")
    order = [*KEPT, "predicted", *columns, "n_windows", "sd_windows", "seen_subject"]
    return table[order].reset_index(drop=True)


def baseline_table(
    predictions: pd.DataFrame,
    training: TrainingSessions | None,
    fitted: Mapping[str, Floats],
    classes: Sequence[str],
    selected: Collection[str] = (),
) -> pd.DataFrame | None:
    """What each baseline says about each recording: recording, `exposure` and probabilities; or None.

    Args:
        predictions: As `predictions_table` returns them.
        training: Who was trained on; without them there are no baselines.
        fitted: Of each of `LOGISTIC` that could be fitted ``(N, C)``, a row a recording of `predictions`.
        classes: Names.
        selected: Subjects whom the development partition holds.
    """
    if training is None or not training.sessions:
        return None
    subject = predictions["subject"].astype(str)
    known = np.where(subject.isin(list(selected)), SELECTED, NEW)
    columns: dict[str, Any] = {"recording": predictions["recording"].to_numpy()}
    columns["exposure"] = np.where(subject.isin(training.subjects), TRAINED, known)
    for baseline, rows in {**looked_up(training, subject.tolist(), len(classes)), **fitted}.items():
        columns |= {column(baseline, name): rows[:, one] for one, name in enumerate(classes)}
    return pd.DataFrame(columns)


def told_of(table: pd.DataFrame, classes: Sequence[str]) -> Told:
    """Labelled rows of a table of predictions."""
    rows = table[table["label"].fillna("").astype(str) != ""]
    truth = rows["label"].astype(str).map({name: one for one, name in enumerate(classes)})
    probabilities = rows[[probability_column(name) for name in classes]]
    return Told(
        truth.to_numpy().astype(np.intp), probabilities.to_numpy(float), rows["subject"].to_numpy(str)
    )


def sessions(table: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """One row a session: the mean over its labelled recordings; those of two labels are left out."""
    rows = table[table["label"].fillna("").astype(str) != ""]
    columns = [probability_column(name) for name in classes]
    grouped = rows.groupby(["subject", "session"], sort=True)
    found = (
        grouped[columns].mean().assign(label=grouped["label"].first(), n_labels=grouped["label"].nunique())
    )
    return found[found["n_labels"] == 1].reset_index()


def metrics(
    predictions: pd.DataFrame, baselines: pd.DataFrame | None, classes: Sequence[str], positive: int
) -> dict[str, Any]:
    """All numbers that come from the tables: levels, baselines, calibration and breakdowns."""
    rows = predictions[predictions["label"].fillna("").astype(str) != ""]

    def level(table: pd.DataFrame) -> dict[str, Any]:
        return describe(told_of(table, classes), classes, positive)

    by_session = sessions(rows, classes)
    n_sessions = len(rows[["subject", "session"]].drop_duplicates())
    numbers: dict[str, Any] = {"video": level(rows), "session": level(by_session)}
    numbers["n_sessions_of_two_labels"] = n_sessions - len(by_session)
    numbers["dealt"] = dealt_to_others(told_of(rows, classes))
    numbers["calibration"] = reliability(told_of(rows, classes), classes, positive)
    numbers["baselines"] = compared(rows, baselines, classes, positive)
    numbers |= {"seen": None, "selected": None, "new": None}
    if baselines is not None:
        exposure = rows["recording"].map(baselines.set_index("recording")["exposure"])
        for name, what in (("seen", TRAINED), ("selected", SELECTED), ("new", NEW)):
            numbers[name] = level(rows[exposure == what])
        new = rows[exposure == NEW]
        numbers["new"]["baselines"] = compared(new, baselines, classes, positive) if len(new) else None
    for name in ("task", "group"):
        kinds = sorted(str(one) for one in rows[name].dropna().unique() if str(one))
        numbers[f"by_{name}"] = {one: level(rows[rows[name].astype(str) == one]) for one in kinds}
    return numbers


def compared(
    rows: pd.DataFrame, baselines: pd.DataFrame | None, classes: Sequence[str], positive: int
) -> dict[str, Any] | None:
    """Each baseline's own metrics, and the paired differences of the model's accuracy and Brier score to its.

    The difference of a shortcut's Brier score to the prevalence's is its `prevalence_difference`. A shortcut
    that is not there is None.
    """
    if baselines is None:
        return None
    model = told_of(rows, classes)
    table = rows[["recording"]].merge(baselines, on="recording", how="left", validate="one_to_one")
    found: dict[str, Any] = {}
    prevalence = said(table, "prevalence", classes)
    for name in BASELINES:
        theirs = said(table, name, classes)
        if theirs is None:
            if name not in MAY_LACK:
                found[name] = None
            continue
        other = Told(model.truth, theirs, model.subject)
        found[name] = describe(other, classes, positive) | differences(model, other)
        if name in LOGISTIC and prevalence is not None:
            plain = Told(model.truth, prevalence, model.subject)
            found[name]["prevalence_difference"] = differences(other, plain)["brier_difference"]
    return found
