"""Runs that differ by seed alone as one: the mean of what they say of each recording."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import results
from stan_lightning.evaluation.over_runs import SIZE, over_runs
from stan_lightning.evaluation.runs import Run, by_seed
from stan_lightning.evaluation.statistics import mean_with_interval
from stan_lightning.evaluation.tables import WINDOWS, metrics


def ensembles(runs: Sequence[Run]) -> list[Run]:
    """One for each group of runs that differ by seed alone, as if it were a run."""
    return [_ensemble(group) for group in by_seed(runs)]


def _ensemble(group: Sequence[Run]) -> Run:
    """The mean prediction of each recording that all of them scored.

    Its numbers hold `ensemble`: the names of its `runs`, the mean of their MAEs as `mean_mae`, and
    `mae_difference`, its MAE less that mean, paired by person; and `over_runs`: the `mae` of the recipe and,
    where there are baselines, its `median_difference`, with intervals over runs and people together.
    """
    found = [run.evaluation for run in group]
    first = found[0].metrics
    shared = reduce(pd.Index.intersection, [pd.Index(one.predictions["recording"]) for one in found])
    said = np.stack([one.predictions.set_index("recording").loc[shared, "prediction"] for one in found])
    predictions = found[0].predictions.set_index("recording").loc[shared].reset_index()
    predictions = predictions.assign(prediction=said.mean(axis=0), sd_windows=np.nan)
    same = [name for name in WINDOWS if name != "output"]
    # A run's score of a video is the mean of windows that are clipped at 0 each.
    every = pd.concat([one.windows.assign(output=one.windows["output"].clip(lower=0)) for one in found])
    windows = every.groupby(same, dropna=False, sort=False)["output"].mean().reset_index()
    # Baselines have no seed; of evaluations of several ages the most complete has them all.
    complete = max(found, key=_n_baselines)
    numbers: dict[str, Any] = {name: first[name] for name in ("protocol", "partition", "n_train_subjects")}
    numbers |= {"checkpoint": None, "seed": None}
    scale = scale_of(first.get("scale"), first["score_range"])
    numbers |= metrics(predictions, windows, complete.baselines, scale) | {"scale": first.get("scale")}
    carried = ("n_expected", "n_missing", "missing", "score_range", "intervals", "versions", "ridges")
    numbers |= {name: complete.metrics[name] for name in carried if name in complete.metrics}
    numbers["n_unlabelled"] = int(predictions["label"].isna().sum())
    labels = predictions["label"].to_numpy(float)
    known = ~np.isnan(labels)
    own, theirs = np.abs(said.mean(axis=0) - labels), np.abs(said - labels).mean(axis=0)
    numbers["ensemble"] = {
        "runs": [run.name for run in group],
        "mean_mae": float(theirs[known].mean()) if known.any() else None,
        "mae_difference": mean_with_interval((own - theirs)[known], predictions["subject"][known]),
    }
    numbers["over_runs"] = _recipe(said, predictions, complete.baselines) if known.any() else None
    name = f"ensemble of {len(group)} seeds ({group[0].name} .. {group[-1].name})"
    pooled = results.Evaluation(numbers, predictions, windows, complete.baselines)
    return Run(name, group[0].folder, pooled, group[0].settings)


def _recipe(
    said: NDArray[np.float64], predictions: pd.DataFrame, baselines: pd.DataFrame | None
) -> dict[str, Any]:
    """What a training is worth, from (R, N) scores of R runs for the recordings of `predictions`."""
    known = predictions["label"].notna().to_numpy()
    labels, subjects = predictions["label"][known].to_numpy(float), predictions["subject"][known]
    errors = np.abs(said[:, known] - labels)
    found = {"mae": over_runs(errors, subjects, SIZE)}
    if baselines is not None:
        median = baselines.set_index("recording").loc[predictions["recording"][known], "train_median"]
        found["median_difference"] = over_runs(errors - np.abs(median.to_numpy() - labels), subjects)
    return found


def _n_baselines(found: results.Evaluation) -> int:
    return sum(row is not None for row in (found.metrics["baselines"] or {}).values())
