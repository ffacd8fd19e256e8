"""One evaluation's numbers as the hub lists them in a card's metadata."""

from collections.abc import Iterable, Mapping
from typing import Any

from huggingface_hub import EvalResult


def hub_results(
    numbers: Mapping[str, Any], corpus: str, task: str, level: str, listed: Iterable[tuple[str, str, str]]
) -> list[EvalResult]:
    """The entries of those metrics that have a value.

    Args:
        numbers: As ``metrics.json`` has them.
        corpus: What was evaluated on.
        task: The hub's word for it.
        level: What samples are called, such as ``videos``.
        listed: Metric's key, the hub's kind for it, and its title.
    """
    video = numbers["video"]
    named = f"{corpus} ({numbers['partition']}, protocol {numbers['protocol']}, {video['n']} {level})"
    slug = "".join(letter if letter.isalnum() else "-" for letter in corpus.casefold())
    return [
        EvalResult(
            task_type=task,
            dataset_type=slug,
            dataset_name=named,
            dataset_split=numbers["partition"],
            metric_type=kind,
            metric_name=title,
            metric_value=round(video[metric]["value"], 3),
        )
        for metric, kind, title in listed
        if video[metric]["value"] is not None
    ]
