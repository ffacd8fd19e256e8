"""What simple numbers tell of a class: logistic regression on circumstances and on statistics of signals.

The features are those of `stan_lightning.evaluation.ridge`, and as there nothing is fitted but on recordings
of the training partition.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stan_lightning.classification.baselines import LOGISTIC
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.baselines import OPTIONAL, TrainingSessions
from stan_lightning.evaluation.ridge import (
    FEWEST_SUBJECTS,
    MOST_FOLDS,
    NO_TRAINING,
    NOT_HERE,
    features_of,
    trained_on,
    without_signal,
)
from stan_lightning.training.class_metrics import Classes, Floats

STRENGTHS = tuple(10.0**power for power in np.arange(-5, 2.5, 0.5))
"""Inverse penalties: from the prevalence for everybody to nearly no penalty."""
_LEAST = 1e-3
"""Of a probability, in the loss that chooses among them."""


def logistic_baselines(
    data: CropDataModule, partition: str, training: TrainingSessions | None, recordings: pd.Series
) -> tuple[dict[str, Floats], dict[str, Any]]:
    """Fit them on whom the network was trained on, and let them tell the classes of a partition.

    Args:
        data: The crops, set up; labels are names of its classes.
        partition: Whom to tell; nothing is read of its labels.
        training: Who was trained on, None where that is unknown.
        recordings: Names of those to tell, in the order of what is returned.

    Returns:
        Of each baseline that could be fitted its probabilities ``(N, C)``; and for each of them how it was
        fitted (`fitted`), or its `reason`.
    """
    names = data.classes or []
    number = {name: float(one) for one, name in enumerate(names)}
    labels = data.tables["train"]["label"].map(number)
    known = trained_on(data.tables["train"].assign(label=labels), training)
    if training is None or known.empty:
        why = {"reason": NO_TRAINING if training is None else NOT_HERE}
        return {}, {name: dict(why) for name in LOGISTIC if name not in OPTIONAL}
    everybody = pd.concat([known, data.tables[partition]]).drop_duplicates("recording")
    found: dict[str, Floats] = {}
    facts: dict[str, Any] = {}
    for name, features in features_of(data, everybody).items():
        if name in OPTIONAL and features.isna().all(axis=None):
            continue
        theirs, others = features.loc[known["recording"]], features.loc[recordings]
        if reason := without_signal(theirs, others, name):
            facts[name] = {"reason": reason}
            continue
        told, facts[name] = fitted(theirs, known, others, len(names))
        if told is not None:
            found[name] = told
    return found, facts


def fitted(
    features: pd.DataFrame, known: pd.DataFrame, asked: pd.DataFrame, n_classes: int
) -> tuple[Floats | None, dict[str, Any]]:
    """The logistic regression whose penalty has the least log loss over folds of people.

    The strongest penalty is taken unless another does better by more than one standard error over people
    (the rule of Breiman et al. 1984). Missing features are the training mean.

    Args:
        features: (N, F) of the training recordings, NaN where missing.
        known: Their `subject` and `label` (numbers of classes), in the same order.
        asked: (M, F) of those to tell.
        n_classes: How many there are.

    Returns:
        Probabilities ``(M, C)``, None where it cannot be fitted, and what was fitted: `n`, `n_subjects`,
        `n_folds`, `strength` (the inverse penalty), `nothing` (the strongest penalty was best: nothing was
        found), `n_without` (of those asked, how many have no features at all) and `weights`, the largest
        first: the log-odds that one standard deviation of a feature adds, of more than two classes its
        largest. Or the `reason`.
    """
    people = known["subject"].astype(str).to_numpy()
    n_subjects = len(set(people))
    truth = known["label"].to_numpy(float).astype(np.intp)
    if n_subjects < FEWEST_SUBJECTS:
        few = f"{n_subjects} training subjects are too few for folds by subject; {FEWEST_SUBJECTS} are needed"
        return None, {"reason": few}
    if len(set(truth)) < 2:
        return None, {"reason": "all recordings that were trained on have one class"}
    rows = features.to_numpy(float)
    folds = list(GroupKFold(min(MOST_FOLDS, n_subjects)).split(rows, truth, people))
    losses = np.array([_losses(rows, truth, folds, strength, n_classes) for strength in STRENGTHS])
    best = int(losses.mean(1).argmin())
    gain = pd.Series(losses[0] - losses[best]).groupby(people).mean()
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        best = 0
    model = _fit(rows, truth, STRENGTHS[best])
    size = np.abs(model[-1].coef_).max(0)
    signed = model[-1].coef_[0] if len(model[-1].coef_) == 1 else size
    order = np.argsort(-size, kind="stable")
    return _told(model, asked.to_numpy(float), n_classes), {
        "n": len(features),
        "n_subjects": n_subjects,
        "n_folds": len(folds),
        "strength": STRENGTHS[best],
        "nothing": best == 0,
        "n_without": int(asked.isna().all(axis=1).sum()),
        "weights": {str(features.columns[one]): float(signed[one]) for one in order},
    }


def _losses(
    rows: Floats,
    truth: Classes,
    folds: list[tuple[NDArray[Any], NDArray[Any]]],
    strength: float,
    n_classes: int,
) -> Floats:
    """(N,) log loss of each recording, told by the fit that has not seen its person."""
    told = np.zeros((len(rows), n_classes))
    for inside, outside in folds:
        if len(set(truth[inside])) < 2:
            told[outside, truth[inside][0]] = 1.0
        else:
            told[outside] = _told(_fit(rows[inside], truth[inside], strength), rows[outside], n_classes)
    found: Floats = -np.log(np.clip(told[np.arange(len(rows)), truth], _LEAST, 1))
    return found


def _fit(rows: Floats, truth: Classes, strength: float) -> Pipeline:
    """Standardised; a fit that has not settled after so many steps is near enough for a baseline."""
    model: Pipeline = make_pipeline(
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=strength, max_iter=2000),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, truth)
    return model


def _told(model: Pipeline, rows: Floats, n_classes: int) -> Floats:
    """(M, C), 0 for classes that the fit has not seen."""
    found = np.zeros((len(rows), n_classes))
    found[:, model[-1].classes_] = model.predict_proba(rows)
    return found
