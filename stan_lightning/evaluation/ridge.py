"""What simple numbers tell: regressions on the recording's own circumstances and on statistics of signals.

For each of them a ridge, support vectors and extra trees compete over folds of training subjects. All are
fitted on recordings of the training partition alone. A network that does not beat them has learnt nothing of
its own that shows in the error.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, ParameterGrid, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from stan_lightning.data.crops import open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.nuisance import measure
from stan_lightning.data.signal_features import BEHAVIOUR, PROSODY, signal_file, statistics
from stan_lightning.evaluation.baselines import OPTIONAL, RIDGES, TrainingSessions
from stan_lightning.logging.processes import is_first

# From the mean of the training labels to nearly no penalty; of equals the first, which is the strongest.
PENALTIES = tuple(10.0**power for power in np.arange(5, -1.5, -0.5))
MODELS: list[dict[str, Any]] = [
    {"model": [Ridge()], "model__alpha": PENALTIES},
    {"model": [SVR()], "model__C": (1.0, 10.0, 100.0)},
    {"model": [ExtraTreesRegressor(100, min_samples_leaf=2, random_state=0)]},
]
CALLED = {"Ridge": "ridge", "SVR": "support vectors", "ExtraTreesRegressor": "extra trees"}
ERROR = "neg_mean_absolute_error"
MOST_FOLDS, FEWEST_SUBJECTS = 5, 3
NO_TRAINING = "no training set is known"
NOT_HERE = "these crops hold no labelled recording that was trained on"


def ridge_baselines(
    data: CropDataModule, partition: str, training: TrainingSessions | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Fit them on whom the network was trained on, and let them score a partition.

    Args:
        data: The crops, set up.
        partition: Whom to score; nothing is read of its labels.
        training: Who was trained on, None where that is unknown.

    Returns:
        One row a recording of the partition: `recording`, `nuisance`, `behaviour` and, where a recording
        that matters has that signal, `prosody` in points, NaN where there is none. And for each how it was
        fitted (`fitted`), or its `reason`.
    """
    asked = data.tables[partition]
    said = pd.DataFrame({"recording": asked["recording"], "nuisance": np.nan, "behaviour": np.nan})
    known = trained_on(data.tables["train"], training)
    if training is None or known.empty:
        why = {"reason": NO_TRAINING if training is None else NOT_HERE}
        return said, {"nuisance": dict(why), "behaviour": dict(why)}
    everybody = pd.concat([known, asked]).drop_duplicates("recording")
    facts: dict[str, Any] = {}
    for name, features in features_of(data, everybody).items():
        if name in OPTIONAL and features.isna().all(axis=None):
            continue
        theirs, others = (features.loc[table["recording"]] for table in (known, asked))
        if reason := without_signal(theirs, others, name):
            said[name] = np.nan
            facts[name] = {"reason": reason}
        else:
            said[name], facts[name] = fitted(theirs, known, others, data.hparams["score_range"])
    return said, facts


def fitted(
    features: pd.DataFrame, known: pd.DataFrame, asked: pd.DataFrame, score_range: Sequence[float]
) -> tuple[NDArray[np.float64] | float, dict[str, Any]]:
    """The best of `MODELS` over folds by subject, fitted and asked.

    Missing features are the training mean. Scores are moved by the median of what the folds' fits left over:
    a model that finds nothing then says about the median, whose MAE is less than the mean's.

    Args:
        features: (N, F) of the training recordings, NaN where missing.
        known: Their `subject` and `label`, in the same order.
        asked: (M, F) of those to score.
        score_range: What is said is clipped to it.

    Returns:
        (M,) scores in points and what was fitted: `n`, `n_subjects`, `n_folds`, `model` (as in `CALLED`),
        `penalty` (of a ridge), `nothing` (a ridge at its strongest penalty was best: nothing was found),
        `n_without` (of those asked, how many have no features at all) and `weights`, the largest first: of a
        ridge the points that one standard deviation of each feature adds, else the points that the error on
        the training recordings grows by when a feature is shuffled. NaN and a `reason` where it cannot be
        fitted.
    """
    people = known["subject"].astype(str)
    n_subjects = people.nunique()
    if n_subjects < FEWEST_SUBJECTS:
        few = f"{n_subjects} training subjects are too few for folds by subject; {FEWEST_SUBJECTS} are needed"
        return float("nan"), {"reason": few}
    n_folds = min(MOST_FOLDS, n_subjects)
    rows, labels = features.to_numpy(), known["label"].to_numpy()
    model, shift, nothing = _chosen(rows, labels, people, GroupKFold(n_folds))
    model.fit(rows, labels)
    weights = _weights(model, rows, labels, features.columns)
    facts = {
        "n": len(features),
        "n_subjects": n_subjects,
        "n_folds": n_folds,
        "model": CALLED[type(model[-1]).__name__],
        "penalty": float(model[-1].alpha) if isinstance(model[-1], Ridge) else None,
        "nothing": nothing,
        "n_without": int(asked.isna().all(axis=1).sum()),
        "weights": {str(name): float(weight) for name, weight in weights.items()},
    }
    low, high = score_range
    return np.clip(model.predict(asked.to_numpy()) + shift, low, high), facts


def _chosen(
    rows: NDArray[np.float64], labels: NDArray[np.float64], people: pd.Series, folds: GroupKFold
) -> tuple[Pipeline, float, bool]:
    """The model whose folds leave the least error once it is moved by its median, and that median.

    The first of `MODELS`, a ridge at its strongest penalty, unless the best does better by more than one
    standard error over people (the rule of Breiman et al. 1984): of so many settings one does a little better
    by chance. The last of what is returned says that it is the first, so that nothing was found.
    """
    filled = ("fill", SimpleImputer(keep_empty_features=True))
    pipeline = Pipeline([filled, ("scale", StandardScaler()), ("model", Ridge())])
    models = [clone(pipeline.set_params(**one)) for one in ParameterGrid(MODELS)]
    left_over = [labels - cross_val_predict(one, rows, labels, groups=people, cv=folds) for one in models]
    errors = [np.abs(one - np.median(one)) for one in left_over]
    best = int(np.argmin([one.mean() for one in errors]))
    gain = pd.Series(errors[0] - errors[best]).groupby(people.to_numpy()).mean()
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        best = 0
    return models[best], float(np.median(left_over[best])), best == 0


def _weights(
    model: Pipeline, rows: NDArray[np.float64], labels: NDArray[np.float64], names: pd.Index
) -> pd.Series:
    """How much each feature adds, by `names`, the largest first."""
    if isinstance(model[-1], Ridge):
        found = model[-1].coef_
    else:
        found = permutation_importance(
            model, rows, labels, scoring=ERROR, n_repeats=1, random_state=0
        ).importances_mean
    return pd.Series(found, names).sort_values(key=lambda one: -one.abs(), kind="stable")


def trained_on(table: pd.DataFrame, training: TrainingSessions | None) -> pd.DataFrame:
    """The recordings whose session was trained on, with a label."""
    sessions = {(subject, session) for subject, session, _ in training.sessions} if training else set()
    own = zip(table["subject"].astype(str), table["session"].astype(str), strict=True)
    return table[np.array([one in sessions for one in own], bool)].dropna(subset=["label"])


def without_signal(known: pd.DataFrame, asked: pd.DataFrame, signal: str) -> str:
    """Who has no feature at all, in a few words; empty where some on both sides have."""
    lacking = [table.isna().all(axis=None) for table in (known, asked)]
    if all(lacking):
        return f"these crops have no {signal} signal"
    if any(lacking):
        return f"no recording that {'was trained on' if lacking[0] else 'is evaluated'} has a {signal} signal"
    return ""


def features_of(data: CropDataModule, recordings: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By baseline, one row of features a recording."""
    console = Console()
    rows: list[dict[str, Any]] = recordings.to_dict("records")  # type: ignore[assignment] # names are strings
    seen = recordings["crops"][recordings["pictures"]]
    side = data.crop_size or (open_crops(seen.iloc[0]).image(0).shape[0] if len(seen) else 0)
    quiet = not (console.is_terminal and is_first())
    folders = data.hparams["signals"] or {}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in RIDGES}
    for row in track(rows, "what simple numbers tell", console=console, disable=quiet, transient=True):
        found["nuisance"].append(measure(row, side))
        for name in (BEHAVIOUR, PROSODY):
            file = signal_file(row, folders.get(name), name)
            found[name].append(statistics(file, open_crops(str(row["crops"]))) if file else {})
    return {name: pd.DataFrame(table, index=recordings["recording"]) for name, table in found.items()}
