"""Going on with a run where it stood: its own config, its metrics so far."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from preprocess.errors import InputError

CONFIG = "config.yaml"


def own_config(run: Path, asked: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The config that a run was started with, with the values that the command line changes.

    Args:
        run: Folder of the run.
        asked: The config as composed from this command line.
        overrides: The command line, ``key=value`` each.

    Raises:
        InputError: Where the folder holds no run, or a whole group would be exchanged.
    """
    file = run / CONFIG
    if not file.is_file():
        raise InputError(f"nothing to resume: {run} holds no {CONFIG}; give the folder of a run")
    config = OmegaConf.load(file)
    assert isinstance(config, DictConfig)
    for override in overrides:
        key = override.split("=", 1)[0].lstrip("+~").split("@")[0]
        if key == "resume":
            continue
        value = OmegaConf.select(asked, key.replace("/", "."))
        if "/" in key or isinstance(value, DictConfig) or OmegaConf.select(config, key, default=...) is ...:
            raise InputError(f"{override}: a resumed run keeps its own config; only single values can change")
        OmegaConf.update(config, key, value)
    OmegaConf.update(config, "resume", str(run))
    return config


def rows_before(run: Path, epoch: int) -> list[dict[str, str]]:
    """Take the metrics of finished epochs out of the way of the logger, which deletes what it finds.

    They stand in ``metrics.before.csv`` until `put_back` has written them again, so that a kill in
    between loses nothing.

    Args:
        run: Folder of the run.
        epoch: First epoch that will run again.
    """
    aside, file = run / "metrics.before.csv", run / "metrics.csv"
    if not aside.is_file():
        if not file.is_file():
            return []
        os.replace(file, aside)
    with aside.open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if int(row["epoch"]) < epoch]


def put_back(run: Path, logger: Any, rows: Sequence[dict[str, str]]) -> None:
    """Give the earlier rows to the new run's CSV logger, as they were."""
    logger.experiment.metrics.extend({name: value for name, value in row.items() if value} for row in rows)
    logger.save()
    (run / "metrics.before.csv").unlink(missing_ok=True)
