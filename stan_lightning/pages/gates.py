"""How a network that weighs its modalities weighed them, as a section of the report."""

from collections.abc import Mapping
from typing import Any

from stan_lightning.evaluation.verdict import spread
from stan_lightning.pages import figures
from stan_lightning.pages.page import Picture, Section, Table


def section(gates: Mapping[str, Any]) -> Section:
    """Table and picture of what `stan_lightning.evaluation.modalities.gates` found."""
    shares = list(next(iter(gates.values()))["quantiles"])
    cells = [_whole(name, row) for name, row in gates.items()]
    for name, row in gates.items():
        for other, parts in row["mean_by"].items():
            for which, part in parts.items():
                if part["n"] != row["n"]:  # else those are the windows of the row above
                    cells.append(_part(f"{name}, {which} {other}", part, shares))
    text = (
        "Share of the weight that the network gave each modality, over windows; what is missing has none. A "
        "gate is an attention weight, not a measure of usefulness."
    )
    columns = ["", "windows", "mean (sd)", *(f"{float(share):.0%}" for share in shares)]
    picture = Picture("Windows by gate, where all modalities are there; orange: mean", figures.gates(gates))
    return Section("Gates", text, Table(columns, cells), [picture])


def _whole(name: str, row: Mapping[str, Any]) -> list[str]:
    quantiles = [f"{value:.2f}" for value in row["quantiles"].values()]
    return [f"{name}, where all are there", str(row["n"]), spread(row), *quantiles]


def _part(name: str, part: Mapping[str, Any], shares: list[str]) -> list[str]:
    mean = "none" if part["mean"] is None else f"{part['mean']:.2f}"
    return [name, str(part["n"]), mean, *[""] * len(shares)]
