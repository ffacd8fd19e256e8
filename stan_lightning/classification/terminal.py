"""The one table that an evaluation of told classes ends with, and what its numbers are of."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from stan_lightning.classification.metrics import metric_names
from stan_lightning.evaluation.verdict import ROWS as SHORTCUTS
from stan_lightning.evaluation.verdict import empty_table, stacked

ROWS = SHORTCUTS | {"majority": "majority", "prevalence": "prevalence"}
TITLES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "f1": "F1",
    "weighted_f1": "weighted F1",
    "uar": "UAR",
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "brier": "Brier",
}
IN_SHORT = ("accuracy", "macro_f1", "auc", "brier")


def rules(metrics: Mapping[str, Any]) -> list[str]:
    """What no number of this kind can be compared without: classes, level, n, label rule, averaging."""
    video, session = metrics["video"], metrics["session"]
    each = ", ".join(
        f"{name}: {one['n']} of {one['people']} people" for name, one in video["by_class"].items()
    )
    positive = (
        f"; positive (F1, sensitivity, specificity): {metrics['positive']}" if metrics["positive"] else ""
    )
    return [
        f"level: recording, n {video['n']} of {video['people']} people ({each}); session, n {session['n']}",
        f"labels: {metrics['label_rule']}{positive}",
        f"averaging: {metrics['averaging']}",
    ]


def table(metrics: Mapping[str, Any]) -> Table:
    """Model and baselines at recording level, with 95 % intervals over people."""
    video, session = metrics["video"], metrics["session"]
    drawn = empty_table(metrics, "recording", [TITLES[name] for name in IN_SHORT])
    drawn.add_row("model", *(stacked(video[name], 2) for name in IN_SHORT))
    for name, row in baseline_rows(metrics):
        drawn.add_row(ROWS[name], *([stacked(row[one], 2) for one in IN_SHORT] if row else ["not fitted"]))
    drawn.add_section()
    drawn.add_row("model, sessions", *(stacked(session[name], 2) for name in IN_SHORT))
    return drawn


def others(metrics: Mapping[str, Any]) -> str:
    """The model's metrics that the table leaves out, in one line."""
    video = metrics["video"]
    names = [name for name in metric_names(len(metrics["classes"])) if name not in IN_SHORT]
    return "; ".join(f"{TITLES[name]} {stacked(video[name], 2)}".replace("\n", " ") for name in names)


def baseline_rows(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any] | None]]:
    """Each baseline and its numbers, None where it could not be fitted."""
    found = metrics["baselines"]
    return list((dict.fromkeys(metrics["logistic"]) if found is None else found).items())


def not_fitted(metrics: Mapping[str, Any]) -> list[str]:
    """One line for each shortcut that is not there, with its reason."""
    found = metrics["logistic"]
    return [f"{ROWS[name]}: not fitted: {row['reason']}" for name, row in found.items() if "reason" in row]
