"""The one table that a command ends with, and how numbers are written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

NAMES = {
    "train_median": "predicting the training median",
    "train_mean": "predicting the training mean",
    "identity": "knowing who it is",
    "nuisance": "the recording's length, light and sound",
    "behaviour": "simple statistics of behaviour",
    "prosody": "simple statistics of prosody",
}
ROWS = {
    "model": "model",
    "train_median": "training median",
    "train_mean": "training mean",
    "identity": "identity",
    "nuisance": "shortcut: nuisance",
    "behaviour": "shortcut: behaviour",
    "prosody": "shortcut: prosody",
}
NAMED = ("mae", "rmse", "ccc")


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
    """Model and baselines at video level, and the paired differences, with 95 % intervals over people."""
    video, session = metrics["video"], metrics["session"]
    drawn = empty_table(metrics, "video", ("MAE", "RMSE", "CCC", "model's MAE - its"))
    drawn.add_row(ROWS["model"], *_cells(video, NAMED))
    for name, row in baseline_rows(metrics):
        drawn.add_row(ROWS[name], *(_cells(row, (*NAMED, "mae_difference")) if row else ["not fitted"]))
    drawn.add_section()
    drawn.add_row("model, sessions", *_cells(session, NAMED))
    return drawn


def empty_table(metrics: Mapping[str, Any], level: str, columns: Iterable[str]) -> Table:
    """The table's title, caption and columns, the first without a name.

    Args:
        metrics: Of the evaluation.
        level: What one sample is called, such as ``video``.
        columns: Names of the others.
    """
    video, session = metrics["video"], metrics["session"]
    counts = f"{video['n']} {level}s, {session['n']} sessions, {video['people']} people"
    drawn = Table(
        title=f"partition {metrics['partition']}, protocol {metrics['protocol']}: {counts}",
        caption=f"{level} level; [95 % interval over people]",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in ("", *columns):
        drawn.add_column(column, no_wrap=True)
    return drawn


def baseline_rows(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    """Each baseline and its numbers, None where a shortcut could not be fitted (`not_fitted` says why)."""
    found = metrics["baselines"]
    return list((dict.fromkeys(metrics.get("ridges") or ()) if found is None else found).items())


def not_fitted(metrics: Mapping[str, Any]) -> list[str]:
    """One line for each shortcut that is not there, with its reason."""
    ridges = metrics.get("ridges") or {}
    return [f"{ROWS[name]}: not fitted: {row['reason']}" for name, row in ridges.items() if "reason" in row]


def modalities_table(found: Mapping[str, Any]) -> Table:
    """What each modality contributes: the whole, parts of it, and others' in place of one's own."""
    drawn = Table(
        title="contribution of each modality", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
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
