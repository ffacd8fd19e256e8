"""The one table and the one sentence that a command ends with."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

NAMES = {
    "train_median": "predicting the training median",
    "train_mean": "predicting the training mean",
    "identity": "knowing who it is",
}
ROWS = {
    "model": "model",
    "train_median": "training median",
    "train_mean": "training mean",
    "identity": "identity",
}
NAMED = ("mae", "rmse", "ccc")
FEW_SUBJECTS = 6
"""Below this a percentile bootstrap over subjects covers far less than it says."""


def shown(metric: Mapping[str, float | None], digits: int = 2) -> str:
    """A metric as ``6.10 [5.02, 7.31]``; ``undefined`` where it has no value."""
    if metric["value"] is None:
        return "undefined"
    value, low, high = (metric[name] for name in ("value", "low", "high"))
    if low is None or high is None:
        return f"{value:z.{digits}f}"
    return f"{value:z.{digits}f} [{low:z.{digits}f}, {high:z.{digits}f}]"


def stacked(metric: Mapping[str, float | None], digits: int) -> str:
    """A value over its interval, so that five columns fit a terminal."""
    return shown(metric, digits).replace(" [", "\n[")


def table(metrics: Mapping[str, Any]) -> Table:
    """Model and baselines at video level, and the paired differences, with 95 % intervals by subject."""
    video, session = metrics["video"], metrics["session"]
    counts = f"{video['n']} videos, {session['n']} sessions"
    drawn = Table(
        title=f"partition {metrics['partition']}, protocol {metrics['protocol']}: {counts}",
        caption="video level; [95 % bootstrap interval, resampled by subject]",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in ("", "MAE", "RMSE", "CCC", "model's MAE - its"):
        drawn.add_column(column, no_wrap=True)
    drawn.add_row(ROWS["model"], *_cells(video, NAMED))
    for name, row in (metrics["baselines"] or {}).items():
        drawn.add_row(ROWS[name], *_cells(row, (*NAMED, "mae_difference")))
    drawn.add_section()
    drawn.add_row("model, sessions", *_cells(session, NAMED))
    return drawn


def modalities_table(found: Mapping[str, Any]) -> Table:
    """What each modality is worth: the whole, parts of it, and others' in place of one's own."""
    drawn = Table(
        title="what each modality is worth", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for column in ("", "MAE", "its MAE - the whole's"):
        drawn.add_column(column, no_wrap=True)
    for row in found["rows"]:
        difference = stacked(row["mae_difference"], 1) if "mae_difference" in row else ""
        drawn.add_row(row["name"], stacked(row["mae"], 1), difference)
    return drawn


def gates_line(gates: Mapping[str, Any]) -> str:
    """How the network weighs its modalities, in one line."""
    parts = [f"{name} {spread(row)}" for name, row in gates.items()]
    n = next(iter(gates.values()))["n"]
    return f"gates, mean (sd) over {n} windows that have all: {', '.join(parts)}"


def spread(row: Mapping[str, Any]) -> str:
    """A mean with its standard deviation, as ``0.41 (0.12)``."""
    return f"{row['mean']:.2f}" + ("" if row["sd"] is None else f" ({row['sd']:.2f})")


def _cells(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [stacked(row[name], 2 if name == "ccc" else 1) for name in names]


def sentence(metrics: Mapping[str, Any]) -> str:
    """What the numbers say, in words that claim no more than the paired intervals do."""
    people = metrics["subject"]["n"]
    few = f"; with {people} subjects no interval can be relied on" if 0 < people < FEW_SUBJECTS else ""
    return _compared(metrics) + few


def _compared(metrics: Mapping[str, Any]) -> str:
    video = metrics["video"]
    if not video["n"]:
        return "no labels: scores are predicted, and nothing can be said about their error"
    mae = video["mae"]["value"]
    if metrics["baselines"] is None:
        return f"MAE {mae:.1f}, and no training set is known: nothing says what this beats"
    median = metrics["baselines"]["train_median"]
    text = f"{_verdict(median)} {NAMES['train_median']} ({_against(mae, median)})"
    if not metrics["seen"]["n"]:
        return f"{text}; nobody here was trained on, so there is no identity to know"
    identity = metrics["baselines"]["identity"]
    return f"{text}; {_verdict(identity)} {NAMES['identity']} ({_against(mae, identity)})"


def _verdict(baseline: Mapping[str, Any]) -> str:
    difference = baseline["mae_difference"]
    if difference["low"] is None or difference["high"] is None:
        return "too few subjects to compare with"
    if difference["high"] < 0:
        return "better than"
    return "worse than" if difference["low"] > 0 else "no better than"


def _against(mae: float, baseline: Mapping[str, Any]) -> str:
    difference = baseline["mae_difference"]
    text = f"MAE {mae:.1f} against {baseline['mae']['value']:.1f}"
    if difference["low"] is None or difference["high"] is None:
        return text
    return f"{text}, 95 % of difference {difference['low']:z.1f} to {difference['high']:z.1f}"
