"""The one table and the one sentence that a command ends with."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from stan_lightning.evaluation.baselines import RIDGES

NAMES = {
    "train_median": "predicting the training median",
    "train_mean": "predicting the training mean",
    "identity": "knowing who it is",
    "nuisance": "the recording's length, light and sound",
    "behaviour": "simple statistics of behaviour",
}
ROWS = {
    "model": "model",
    "train_median": "training median",
    "train_mean": "training mean",
    "identity": "identity",
    "nuisance": "ridge: nuisance",
    "behaviour": "ridge: behaviour",
}
NAMED = ("mae", "rmse", "ccc")
FEW_SUBJECTS = 6
"""Below this no interval covers what it says."""


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
        caption="video level; [95 % interval over people]",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in ("", "MAE", "RMSE", "CCC", "model's MAE - its"):
        drawn.add_column(column, no_wrap=True)
    drawn.add_row(ROWS["model"], *_cells(video, NAMED))
    for name, row in baseline_rows(metrics):
        drawn.add_row(ROWS[name], *(_cells(row, (*NAMED, "mae_difference")) if row else ["not fitted"]))
    drawn.add_section()
    drawn.add_row("model, sessions", *_cells(session, NAMED))
    return drawn


def baseline_rows(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    """Each baseline and its numbers, None where a ridge could not be fitted (`not_fitted` says why)."""
    found = metrics["baselines"]
    return list((dict.fromkeys(metrics.get("ridges") or ()) if found is None else found).items())


def not_fitted(metrics: Mapping[str, Any]) -> list[str]:
    """One line for each ridge that is not there, with its reason."""
    ridges = metrics.get("ridges") or {}
    return [f"{ROWS[name]}: not fitted: {row['reason']}" for name, row in ridges.items() if "reason" in row]


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
    baselines = metrics["baselines"]
    median, identity = baselines["train_median"], baselines["identity"]
    clauses = [f"{_verdict(median)} {NAMES['train_median']} ({_against(mae, median)})"]
    if metrics["seen"]["n"]:
        clauses.append(f"{_verdict(identity)} {NAMES['identity']} ({_against(mae, identity)})")
    else:
        clauses.append("nobody here was trained on, so there is no identity to know")
    clauses += _simple(mae, baselines)
    if together := metrics.get("ensemble"):
        runs = {**together, "mae": {"value": together["mean_mae"]}}
        clauses.append(f"{_verdict(runs)} the mean of its runs ({_against(mae, runs)})")
    return "; ".join(clauses)


def _simple(mae: float, baselines: Mapping[str, Any]) -> list[str]:
    """What each ridge tells, and whether the model tells more."""
    median, unbeaten = baselines["train_median"], -1
    clauses: list[str] = []
    for name in RIDGES:
        row = baselines.get(name)
        if row is None:
            continue
        if _verdict(row) in ("no better than", "worse than"):
            unbeaten = len(clauses)
        told = {"mae": median["mae"], "mae_difference": row["median_difference"]}
        if _verdict(told) == "better than":
            unmasked = f"alone tell the score better than the median ({_against(row['mae']['value'], told)})"
            clauses.append(
                f"{NAMES[name]} {unmasked}, and the model is {_verdict(row)} they are ({_against(mae, row)})"
            )
        else:
            clauses.append(f"{_verdict(row)} {NAMES[name]} alone ({_against(mae, row)})")
    if unbeaten >= 0:
        clauses[unbeaten] += ", so it has shown nothing of its own"
    return clauses


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
