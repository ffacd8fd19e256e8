"""Pictures of told classes: the confusion matrix, and whether probabilities mean what they say."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stan_lightning.pages.figures import BLUE, GREEN, GREY, ORANGE, figure_of, plain

_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", GREY)
_LONGEST = 14
"""Letters of a class's name on an axis."""
_LARGEST = 16
"""Circle of the bin with most recordings, points."""


def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Figure:
    """Recordings by class (rows) and call (columns), with each row's share."""
    figure, axes = figure_of(max(2.6, 1.2 + 0.6 * len(classes)))
    table = np.array(counts, float)
    shares = np.divide(
        table, table.sum(1, keepdims=True), out=np.zeros_like(table), where=table.sum(1, keepdims=True) > 0
    )
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        text = f"{int(table[row, column])}\n{share:.0%}"
        colour = "white" if share > 0.6 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    names = [plain(_short(name)) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=0 if len(names) < 5 else 60)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="called", ylabel="labelled")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def reliability(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Of each class the share that has it among recordings told so likely; circles grow with their number."""
    figure, axes = figure_of(4.0)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    most = max((row["n"] for rows in found.values() for row in rows), default=1)
    for number, (name, rows) in enumerate(found.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        across, up = [row["probability"] for row in rows], [row["share"] for row in rows]
        axes.plot(across, up, color=colour, linewidth=1, label=plain(_short(name)))
        sizes = [_LARGEST**2 * row["n"] / most for row in rows]
        axes.scatter(across, up, s=sizes, color=colour, alpha=0.6, clip_on=False)
    axes.set(xlabel="mean probability told", ylabel="share labelled so", xlim=(0, 1), ylim=(0, 1))
    if len(found) > 1:
        axes.legend(loc="upper left")
    return figure


def training_curve(epochs: pd.DataFrame) -> Figure:
    """Training loss and development metrics by epoch, as training logged them."""
    figure, axes = figure_of(2.8)
    names = {"val/accuracy": "accuracy", "val/macro_f1": "macro-F1", "val/auc": "AUC"}
    for (column, name), colour in zip(names.items(), _COLOURS, strict=False):
        if column in epochs:
            scored = epochs.dropna(subset=[column])
            axes.plot(scored["epoch"], scored[column], "o-", ms=3, color=colour, label=f"development {name}")
    axes.set(xlabel="epoch", ylim=(0, 1))
    if "train/loss" in epochs:
        loss: Axes = axes.twinx()
        loss.plot(epochs["epoch"], epochs["train/loss"], "o-", ms=2, color=GREY, linewidth=0.8)
        loss.set_ylabel("training loss (grey)")
    axes.legend()
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
