"""What a network that tells classes is worth, as a model card has it."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult

from stan_lightning.classification.findings import findings
from stan_lightning.classification.metrics import metric_names
from stan_lightning.classification.terminal import ROWS, TITLES, baseline_rows, rules
from stan_lightning.evaluation.verdict import shown
from stan_lightning.sharing.hub_results import hub_results

OF_THE_HUB = {"accuracy": "accuracy", "macro_f1": "f1", "auc": "roc_auc"}
"""Metrics that the hub lists, as it calls them."""


def results(numbers: Mapping[str, Any], corpus: str, task: str) -> list[EvalResult]:
    """The card's metadata."""
    listed = [(metric, kind, TITLES[metric]) for metric, kind in OF_THE_HUB.items()]
    return hub_results(numbers, corpus, task, "recordings", listed)


def worth(numbers: Mapping[str, Any]) -> str:
    """The section of one evaluation."""
    video, names = numbers["video"], metric_names(len(numbers["classes"]))
    head = (
        f"## What it is worth: {numbers['partition']}, protocol {numbers['protocol']}\n\n"
        f"{video['n']} recordings of {video['people']} people, with 95 % intervals over people."
    )
    rows = [("this network", video), *((ROWS[name], row) for name, row in baseline_rows(numbers) if row)]
    lines = [f"| told by | {' | '.join(TITLES[name] for name in names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(shown(row[one]) for one in names)} |" for name, row in rows]
    said = [*(finding.text for finding in findings(numbers)), *rules(numbers)]
    listed = [f"- {text[0].upper()}{text[1:]}." for text in said]
    return "\n\n".join([head, "\n".join(lines), "\n".join(listed)])
