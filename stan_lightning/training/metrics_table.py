"""``metrics.csv``: one row an epoch, whole or absent, the same for an interrupted run as for another."""

import csv
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from stan_lightning.training.processes import is_first

TIMING = "time/"
"""Metrics whose name starts so differ between two runs of one seed: they are for dashboards only."""


class MetricsTable(Logger):
    """Writes the whole table anew at each epoch, beside its place, and renames it.

    Lightning's own CSVLogger deletes the rows of an earlier start and appends in place. Here rows reach
    the disk before the epoch's checkpoint does, so whatever checkpoint a run goes on from, the rows
    before it are there; rows after it are run again.

    Args:
        file: Path of the table.
    """

    name = None
    version = None

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = Path(file)
        self._rows: dict[int, dict[str, str]] = {}

    def keep_before(self, epoch: int) -> None:
        """Take over what an earlier start wrote of the epochs before `epoch`."""
        if self.file.is_file():
            with self.file.open(newline="") as lines:
                rows = list(csv.DictReader(lines))
            self._rows = {int(row["epoch"]): row for row in rows if int(row["epoch"]) < epoch}

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add values to the row of their epoch."""
        if not is_first() or "epoch" not in metrics:  # what is logged by step is for dashboards
            return
        values = {name: repr(value) for name, value in metrics.items() if not name.startswith(TIMING)}
        epoch = int(metrics["epoch"])
        if len(values) > 1:
            self._rows.setdefault(epoch, {}).update(values | {"epoch": str(epoch), "step": str(step)})

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: they stand in the run's config.yaml."""

    def save(self) -> None:
        """Put the table on disk."""
        if not self._rows or not is_first():
            return
        names = sorted({name for row in self._rows.values() for name in row} - {"epoch", "step"})
        self.file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.file.with_name(self.file.name + ".part")
        with beside.open("w", newline="") as lines:
            table = csv.DictWriter(lines, ["epoch", "step", *names])
            table.writeheader()
            table.writerows(row for _, row in sorted(self._rows.items()))
            lines.flush()
            os.fsync(lines.fileno())
        os.replace(beside, self.file)
