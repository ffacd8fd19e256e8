"""All recordings of a set of crops, with a bar, going on where another run stopped."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_lightning.data.crops import Crops
from stan_lightning.embedding.signal_folder import Moments, SignalFolder


class Encoder(Protocol):
    """What makes vectors of recordings: of their pictures, or of their sound."""

    reads: str
    unit: str
    record: dict[str, Any]

    def amounts(self, table: pd.DataFrame) -> "pd.Series[float]":
        """How much of it each recording has, in its unit; 0 for one that has none."""

    def fingerprint(self, crops: Crops) -> str:
        """What tells a recording's content from another's."""

    def embed(self, crops: Crops, count: Callable[[float], None]) -> Moments:
        """Its vectors; `count` is told of each part that is done."""


class Tally(NamedTuple):
    """What came of it, in recordings.

    Attributes:
        made: Written now.
        kept: There already, from the same crops.
        failed: Names of those whose crops or sound cannot be read, and why.
        without: Names of those that have nothing, or too little, that the encoder reads: they get no file, a
            modality that is masked.
    """

    made: int
    kept: int
    without: list[str]
    failed: dict[str, str]


def embed_recordings(encoder: Encoder, table: pd.DataFrame, folder: SignalFolder, console: Console) -> Tally:
    """Write the signal of every recording that is not there yet.

    Args:
        encoder: Who makes it.
        table: Recordings as `read_manifest` gives them.
        folder: Where to.
        console: Where the bar is drawn.

    Raises:
        InputError: Where a batch does not fit into the device's memory. What was written before stays.
    """
    amounts = encoder.amounts(table).where(table["crops"] != "", 0.0)
    bad = table[table["status"] == "unreadable"] if "status" in table else table[:0]
    failed = {
        str(name): str(why) for name, why in bad.filter(["recording", "reason"]).itertuples(index=False)
    }
    without = [name for name in table["recording"][~(amounts > 0)] if name not in failed]
    having = table[amounts > 0]
    waiting = []
    for name, path, amount in zip(having["recording"], having["crops"], amounts[amounts > 0], strict=True):
        try:
            fingerprint = encoder.fingerprint(Crops(path))
        except InputError as error:
            failed[str(name)] = str(error)
            continue
        if not folder.has(name, fingerprint):
            waiting.append((str(name), str(path), float(amount), fingerprint))
    kept = len(having) - len(waiting) - sum(name in failed for name in having["recording"])
    with _bar(encoder.unit, console) as bar:
        task = bar.add_task("", total=sum(amount for _, _, amount, _ in waiting), visible=bool(waiting))
        done = 0.0
        for number, (name, path, amount, fingerprint) in enumerate(waiting):
            bar.update(task, description=f"{number}/{len(waiting)} recordings", completed=done)
            try:
                moments = _vectors(encoder, Crops(path), lambda n: bar.advance(task, n))
            except Unfit:
                raise
            except InputError as error:
                failed[name] = str(error)
            else:
                if len(moments.when):
                    folder.write(name, moments, fingerprint)
                else:
                    without.append(name)
            done += amount
        bar.update(task, description=f"{len(waiting)}/{len(waiting)} recordings", completed=done)
    return Tally(len(table) - len(without) - len(failed) - kept, kept, without, failed)


class Unfit(InputError):
    """What no other recording would change: the device's memory is too small."""


def _vectors(encoder: Encoder, crops: Crops, count: Callable[[float], None]) -> Moments:
    try:
        return encoder.embed(crops, count)
    except torch.OutOfMemoryError:
        raise Unfit(
            f"{crops.path}: does not fit into the device's memory; take a smaller encoder.batch_size (faces) "
            "or encoder.stretch_s (speech)"
        ) from None


def _bar(unit: str, console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + unit),
        _Rate(unit),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
    )


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Amount a second, lately."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "-/s")


def said(tally: Tally, record: Mapping[str, Any], folder: Path) -> list[str]:
    """What is said at the end."""
    lines = [
        f"{tally.made} recordings embedded, {tally.kept} were there: {record['width']} numbers each moment"
    ]
    lines += [printable(f"failed: {name}: {why}") for name, why in tally.failed.items()]
    if tally.without:
        what = "no sound" if record["reads"] == "audio" else "no crops"
        one = printable(tally.without[0])
        lines.append(f"{len(tally.without)} recordings have {what} and get no file, such as {one}")
    return [*lines, str(folder)]
