"""The pictures of a report: matplotlib figures, drawn without global state, written as SVG.

Sized for a column of 5 inches, which a phone shows at about its natural size.
"""

import io
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stan_lightning.data.scale import SeverityScale

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#767676"
LABEL_WIDTH = 34  # characters
_DARKER = 12.75  # of 255 grey levels, from one severity band to the next
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.hashsalt": "stan-lightning",
    "figure.constrained_layout.use": True,
}
Metric = Mapping[str, float | None]


def svg(figure: Figure) -> str:
    """The figure as an SVG document; letters are outlines, so no font need be there."""
    file = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def predicted_against_true(predictions: pd.DataFrame, scale: SeverityScale) -> Figure:
    """Each labelled video's prediction over its label, with the spread of its windows and the bands."""
    figure, axes = figure_of(4.6)
    labelled = predictions.dropna(subset=["label"])
    _shade_bands(axes, scale)
    low, high = scale.range
    highest = max(float(high), float(labelled["prediction"].max()))
    axes.plot([low, high], [low, high], color=GREY, linewidth=1)
    seen = labelled["seen_subject"].astype("boolean").fillna(False)
    kinds = ((~seen, BLUE, "unseen subject"), (seen, ORANGE, "seen subject"))
    for chosen, colour, name in kinds:
        part = labelled[chosen]
        if len(part):
            spread = part["sd_windows"].fillna(0)
            axes.errorbar(
                part["label"],
                part["prediction"],
                spread,
                fmt="o",
                ms=4,
                lw=0.7,
                alpha=0.7,
                color=colour,
                label=name,
            )
    axes.set(xlabel="true score", ylabel="predicted score", xlim=(low, high), ylim=(low, highest))
    axes.legend(loc="upper left")
    return figure


def residuals_by_band(predictions: pd.DataFrame, bias: Mapping[str, Metric], scale: SeverityScale) -> Figure:
    """Prediction minus label of each video by severity band, and each band's bias with its interval."""
    figure, axes = figure_of(3.2)
    labelled = predictions.dropna(subset=["label"])
    residual = (labelled["prediction"] - labelled["label"]).to_numpy()
    where = scale.band(labelled["label"])
    jitter = np.random.default_rng(0).uniform(-0.15, 0.15, len(where))
    axes.axhline(0, color=GREY, linewidth=1)
    axes.plot(where + jitter, residual, "o", ms=3, alpha=0.5, color=BLUE)
    for number, name in enumerate(scale.band_names):
        _whisker(axes, number + 0.3, bias[name], ORANGE)
    names = [f"{name}\nn={(where == i).sum()}" for i, name in enumerate(scale.band_names)]
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="predicted - true (points)")
    return figure


def calibration(predictions: pd.DataFrame, score_range: Sequence[float], bins: int = 5) -> Figure:
    """Mean label of the videos that were predicted alike: fifths by prediction."""
    figure, axes = figure_of(4.0)
    labelled = predictions.dropna(subset=["label"]).sort_values("prediction", kind="stable")
    low, high = score_range
    axes.plot([low, high], [low, high], color=GREY, linewidth=1)
    fifths = [part for part in np.array_split(np.arange(len(labelled)), bins) if len(part)]
    rows = [labelled.iloc[part][["prediction", "label"]].mean() for part in fifths]
    points = np.array([[row["prediction"], row["label"]] for row in rows]).reshape(-1, 2)
    axes.plot(points[:, 0], points[:, 1], "o-", color=BLUE)
    axes.set(xlabel="mean prediction of a fifth", ylabel="its mean label", xlim=(low, high), ylim=(low, high))
    return figure


def errors(rows: Sequence[tuple[str, Metric]], unit: str = "MAE (points)") -> Figure:
    """One line a row: its value and 95 % interval."""
    figure, axes = figure_of(0.5 + 0.28 * max(len(rows), 2))
    for number, (name, metric) in enumerate(rows):
        _whisker(axes, number, metric, ORANGE if name.startswith("model") else BLUE, across=True)
    axes.set_yticks(range(len(rows)), [plain(fill(name, LABEL_WIDTH)) for name, _ in rows])
    axes.set(xlabel=unit, ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="x", color="#eeeeee")
    return figure


def timeline(windows: pd.DataFrame, scale: SeverityScale, label: float | None, what: str = "score") -> Figure:
    """Scores of one recording's windows over time, its mean and its label."""
    figure, axes = figure_of(1.5)
    low, high = scale.range
    points = low + windows["output"].clip(lower=0) * (high - low)
    clocked = windows["start_s"].notna().all()
    starts, ends = ("start_s", "end_s") if clocked else ("first_frame", "last_frame")
    _shade_bands(axes, scale, along="y")
    axes.hlines(points, windows[starts], windows[ends], color=BLUE, linewidth=2)
    axes.axhline(points.mean(), color=BLUE, linewidth=0.8, linestyle="--")
    if label is not None:
        axes.axhline(label, color=ORANGE, linewidth=1)
    axes.set(
        xlabel="time (s)" if clocked else "source frame",
        ylabel=what,
        ylim=(low, max(float(high), float(points.max()))),
    )
    return figure


def robustness(series: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """MAE over the strength of each corruption."""
    figure = Figure(figsize=(5, 2.4))
    with rc_context(STYLE):
        panels = figure.subplots(1, 2, sharey=True)
    names = (("noise", "sigma of Gaussian noise (grey levels)"), ("blur", "kernel of Gaussian blur (pixels)"))
    for axes, (kind, title) in zip(panels, names, strict=True):
        rows = series[kind]
        for number, row in enumerate(rows):
            _whisker(axes, number, row["mae"], BLUE)
        axes.plot(range(len(rows)), [row["mae"]["value"] for row in rows], color=BLUE)
        axes.set_xticks(range(len(rows)), [f"{row['strength']:g}" for row in rows])
        axes.set_xlabel(title, fontsize=7)
        axes.tick_params(labelsize=7)
    panels[0].set_ylabel("MAE (points)")
    figure.set_layout_engine("constrained")
    return figure


def gates(found: Mapping[str, Mapping[str, Any]]) -> Figure:
    """How many windows gave each modality which weight, and the mean of these weights."""
    with rc_context(STYLE):
        figure = Figure(figsize=(5, 0.5 + 0.85 * len(found)), layout="constrained")
        panels = figure.subplots(len(found), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (name, row) in zip(panels, found.items(), strict=True):
        counts = row["histogram"]
        edges = np.linspace(0, 1, len(counts) + 1)
        axes.stairs(counts, edges, fill=True, color=BLUE, alpha=0.5)
        axes.axvline(row["mean"], color=ORANGE, linewidth=1.5)
        axes.set(xlim=(0, 1), ylabel=plain(name))
    panels[-1].set_xlabel("gate: share of the weight")
    return figure


def training_curve(epochs: pd.DataFrame) -> Figure:
    """Training loss and development error by epoch, as training logged them."""
    figure, axes = figure_of(2.8)
    for name, colour in (("val/mae", ORANGE), ("val/rmse", GREEN)):
        if name in epochs:
            scored = epochs.dropna(subset=[name])  # not every epoch has a score
            label = f"development {name[4:].upper()} (points)"
            axes.plot(scored["epoch"], scored[name], color=colour, label=label)
    axes.set(xlabel="epoch", ylabel="points")
    if "train/loss" in epochs:
        loss = axes.twinx()
        loss.plot(epochs["epoch"], epochs["train/loss"], color=GREY, linewidth=0.8)
        loss.set_ylabel("training loss (grey)")
    axes.legend()
    return figure


def figure_of(height: float) -> tuple[Figure, Axes]:
    """An empty figure as wide as a column, ``height`` inches high."""
    with rc_context(STYLE):
        figure = Figure(figsize=(5, height), layout="constrained")
        axes: Axes = figure.subplots()
    return figure, axes


def _shade_bands(axes: Axes, scale: SeverityScale, along: str = "x") -> None:
    """The scale's bands as ever darker grey, along x or y."""
    for number, (_, start, end) in enumerate(scale.spans):
        grey = f"{round(255 - _DARKER * number):02x}"
        span = axes.axvspan if along == "x" else axes.axhspan
        span(start, end, color=f"#{grey}{grey}{grey}", linewidth=0, zorder=0)


def _whisker(axes: Axes, at: float, metric: Metric, colour: str, across: bool = False) -> None:
    """A dot at the value and a line over its interval; nothing where it is undefined."""
    value, low, high = metric["value"], metric["low"], metric["high"]
    if value is None:
        return
    axes.plot(*((value, at) if across else (at, value)), "o", ms=5, color=colour)
    if low is not None and high is not None:
        (axes.hlines if across else axes.vlines)(at, low, high, color=colour)


def plain(name: str) -> str:
    """A name as text: matplotlib reads a pair of dollar signs as mathematics."""
    return name.replace("$", r"\$")
