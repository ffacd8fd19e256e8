"""Fits the linear layer of a probe: settings are chosen by folds of training subjects."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, ParameterGrid, cross_val_predict

from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.network.encoder import Network
from stan_lightning.network.probe import Probe

FEWEST_SUBJECTS = 3
KEY = "model.network.reader"


def fit(network: Network, data: CropDataModule, device: torch.device) -> str:
    """Fit a probe on the labelled recordings of the training partition.

    Features are standardised, missing ones are their mean. Of the settings of `network.grid` that with the
    least mean absolute error (or most accuracy) over `GroupKFold` by subject is taken, but the first unless
    it does better by more than one standard error over people (Breiman et al. 1984), and fitted on all of
    them. Nothing of development is read.

    Args:
        network: Takes what was fitted.
        data: Set up for training.
        device: Of the network.

    Returns:
        A line that says what was chosen.

    Raises:
        InputError: There are too few subjects, or the reader is no linear one, or of the wrong kind.
    """
    if not isinstance(network, Probe):
        raise InputError(f"model.network: {type(network).__name__} has a reader and is no Probe")
    table = data.tables["train"]
    known = table[table["label"].notna() & (table["label"].astype(str) != "")].reset_index(drop=True)
    people = known["subject"].astype(str).to_numpy()
    if len(set(people)) < FEWEST_SUBJECTS:
        raise InputError(
            f"{len(set(people))} labelled training subjects are too few for folds by subject: a probe needs "
            f"{FEWEST_SUBJECTS}"
        )
    rows = _features(network, data, known, device)
    lacking = np.isnan(rows).all(0)
    if lacking.all():
        raise InputError("no training recording has any of the signals that the probe reads")
    centre = np.zeros(rows.shape[1])
    centre[~lacking] = np.nanmean(rows[:, ~lacking], axis=0)
    filled = np.where(np.isnan(rows), centre, rows)
    deviation = filled.std(0)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-9)
    standard = (filled - centre) * scale
    targets = known["label"].to_numpy() if data.classes else known["label"].to_numpy(float)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ConvergenceWarning)
        reader, said, shift = _chosen(network, standard, targets, people, bool(data.classes))
        reader.fit(standard, targets)
    if any(issubclass(one.category, ConvergenceWarning) for one in warned):
        said += "; not all fits converged: raise model.network.reader.max_iter or the penalty"
    weight, bias = _linear(reader, data.classes)
    if not data.classes:
        low, high = data.hparams["score_range"]
        weight, bias = weight / (high - low), (bias + shift - low) / (high - low)
    network.take(*(torch.from_numpy(np.asarray(one, np.float32)) for one in (centre, scale, weight, bias)))
    return f"{len(known)} recordings of {len(set(people))} people, {rows.shape[1]} features: {said}"


def _features(
    network: Probe, data: CropDataModule, known: pd.DataFrame, device: torch.device
) -> NDArray[np.float64]:
    """Of each recording the mean over its windows, (N, F), NaN where it has none."""
    rows: dict[int, list[NDArray[np.float64]]] = {}
    for batch in data.windows(known):
        ready = data.window_batch(batch)
        inputs = {name: one.to(device) for name, one in ready.inputs.items()}
        with torch.no_grad():
            found = network.features(inputs).double().cpu().numpy()
        for number, row in zip(ready.recording.tolist(), found, strict=True):
            rows.setdefault(number, []).append(row)
    return np.stack([_nanmean(rows[number]) for number in range(len(known))])


def _nanmean(rows: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    stacked = np.stack(list(rows))
    count = (~np.isnan(stacked)).sum(0)
    return np.where(count > 0, np.nansum(stacked, 0) / np.maximum(count, 1), np.nan)


def _chosen(
    network: Probe, rows: NDArray[np.float64], targets: NDArray[Any], people: NDArray[Any], classes: bool
) -> tuple[Any, str, float]:
    """The reader with its settings, what to say of it, and the median of what its folds left over."""
    if not isinstance(network.reader, BaseEstimator) or is_classifier(network.reader) != classes:
        kind = "a classifier" if classes else "a regression"
        raise InputError(f"{KEY} is {type(network.reader).__name__}: {kind} of scikit-learn is needed")
    folds = GroupKFold(min(network.folds, len(set(people))))
    grid = list(ParameterGrid({name: list(values) for name, values in network.grid.items()}))
    errors, shifts = [], []
    for settings in grid:
        reader = _with(network.reader, settings)
        told = cross_val_predict(reader, rows, targets, groups=people, cv=folds)
        shifts.append(0.0 if classes or not network.recentre else float(np.median(targets - told)))
        errors.append((targets != told).astype(float) if classes else np.abs(targets - told - shifts[-1]))
    best = int(np.argmin([one.mean() for one in errors]))
    gain = pd.Series(errors[0] - errors[best]).groupby(people).mean()
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        best = 0
    error, settings, shift = float(errors[best].mean()), grid[best], shifts[best]
    values = {name: f"{one:g}" if isinstance(one, float) else str(one) for name, one in settings.items()}
    chosen = ", ".join(f"{name} {value}" for name, value in values.items())
    measure = f"accuracy {1 - error:.2f}" if classes else f"MAE {error:.2f}"
    name = type(network.reader).__name__
    return (
        _with(network.reader, settings),
        f"{name}{f' ({chosen})' if chosen else ''}, {measure} over {folds.n_splits} folds by subject",
        shift,
    )


def _with(reader: Any, settings: dict[str, Any]) -> Any:
    try:
        return clone(reader).set_params(**settings)
    except ValueError as error:
        said = " ".join(str(error).split())
        raise InputError(f"model.network.grid: {said}") from None


def _linear(reader: Any, classes: list[str] | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Its weights (outputs, F) and biases (outputs,), classes in their order."""
    if not hasattr(reader, "coef_"):
        raise InputError(
            f"{KEY}: {type(reader).__name__} is not linear: take one that has coef_, such as "
            "sklearn.linear_model.Ridge or sklearn.svm.LinearSVR"
        )
    weight, bias = np.atleast_2d(reader.coef_), np.atleast_1d(reader.intercept_)
    if classes is None:
        return weight, bias
    full, offset = np.zeros((len(classes), weight.shape[1])), np.full(len(classes), -1e3)
    places = [classes.index(str(one)) for one in reader.classes_]
    if len(places) == 2:  # one row of log-odds of the second
        weight, bias = np.stack([0 * weight[0], weight[0]]), np.array([0.0, bias[0]])
    full[places], offset[places] = weight, bias
    return full, offset
