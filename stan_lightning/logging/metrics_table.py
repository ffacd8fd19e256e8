"""``metrics.csv``: one row an epoch, whole or absent, the same for an interrupted run as for another."""

import csv
import io
import re
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from stan_boundary.errors import InputError
from stan_boundary.opening import read_regular
from stan_boundary.writing import write_whole
from stan_lightning.logging.processes import is_first

TIMING = "time/"
"""Metrics whose name starts so differ between two runs of one seed: they are for dashboards only."""

_MOST_BYTES = 64_000_000
_NAME = re.compile(r"[A-Za-z][\w./ -]{0,200}", re.ASCII)


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
            text = read_regular(self.file, _MOST_BYTES).decode("utf-8", "replace")
            try:
                rows = {int(row["epoch"]): row for row in csv.DictReader(io.StringIO(text, newline=""))}
                _check(rows.values())
            except (KeyError, TypeError, ValueError, csv.Error):
                raise InputError(f"{self.file} is no table of epochs: remove it to go on without") from None
            self._rows = {number: row for number, row in rows.items() if number < epoch and None not in row}

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
        lines = io.StringIO(newline="")
        table = csv.DictWriter(lines, ["epoch", "step", *names])
        table.writeheader()
        table.writerows(row for _, row in sorted(self._rows.items()))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, lines.getvalue().encode())


def _check(rows: Iterable[Mapping[str, str | None]]) -> None:
    """Raise `ValueError` where a row holds more than numbers under the names of metrics.

    What a received run's table holds is written anew with this run's, and read with a spreadsheet.
    """
    for row in rows:
        for name, value in row.items():
            if name is None:  # a row cut off or joined by a kill is left out by itself
                continue
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name[:40]!r} is no name of a metric")
            if value:
                float(value)
