"""The table that a run ends with."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from preprocess.archive.manifest import NAME
from preprocess.archive.quality import Quality
from preprocess.archive.quality_page import PAGE
from preprocess.archive.record import grid_s, has_grid
from stan_boundary.file_names import as_text
from stan_boundary.names import printable

_ROWS = 20
_LEAST_DETECTED = 0.9
_LONGEST_GAP_S = 1.0


def print_table(console: Console, qualities: Sequence[Quality], output: Path) -> None:
    """Print the recordings with something wrong, worst first, the counts and where everything lies.

    Wrong is what was not read as a whole, has a face of its own in less than `_LEAST_DETECTED` of its frames,
    or none for longer than `_LONGEST_GAP_S`.

    Args:
        console: Where to.
        qualities: Worst first.
        output: Folder of the crops.
    """
    wrong = [quality for quality in qualities if _is_wrong(quality)]
    shown = wrong[:_ROWS]
    of = f"{len(wrong)} of {len(qualities)} recordings are to be looked at"
    title = f"{of}; the {_ROWS} worst" if len(wrong) > _ROWS else of
    table = Table(title=title, title_justify="left")
    table.add_column("recording", overflow="fold")
    table.add_column("status")
    for name in ("frames", "kept", "detected", "gaps", "longest"):
        table.add_column(name, justify="right")
    for quality in shown:
        row = quality.row
        values: tuple[object, ...] = (row["recording"], row["status"], "no pictures")
        if not has_grid(row):
            values = (
                row["recording"],
                row["status"],
                row["n_source_frames"],
                row["n_frames"],
                f"{float(str(row['detection_rate'])):.1%}",
                quality.n_gaps,
                f"{quality.longest_gap_s:.1f} s",
            )
        table.add_row(*(Text(printable(value)) for value in values))
    if shown:
        console.print(table)
    count = Counter(str(quality.row["status"]) for quality in qualities)
    kept = sum(int(str(quality.row["n_frames"])) for quality in qualities)
    grids = [quality.row for quality in qualities if has_grid(quality.row)]
    hours = sum(grid_s(row) for row in grids) / 3600
    states = ", ".join(f"{count[status]} {status}" for status in ("ok", "partial", "failed"))
    reasons = [quality.row for quality in shown if quality.row["reason"]]
    lines = [f"{row['status']}: {row['video'] or row['recording']}: {row['reason']}" for row in reasons]
    noted = [quality.row for quality in shown if quality.row.get("note")]
    lines += [f"note: {row['video'] or row['recording']}: {row['note']}" for row in noted]
    lines.append(f"{len(qualities)} recordings ({states}), {kept:,} crops")
    if grids:
        lines.append(f"{len(grids)} of them without pictures, {hours:.2f} h")
    if count["partial"]:
        lines.append("warning: of the partial recordings only what could be decoded is there")
    lines += [as_text(f"manifest: {output / NAME}"), as_text(f"quality:  {output / PAGE}")]
    for line in lines:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _is_wrong(quality: Quality) -> bool:
    row = quality.row
    rate = row["detection_rate"]
    few = rate is not None and float(str(rate)) < _LEAST_DETECTED
    return row["status"] != "ok" or bool(row["reason"]) or few or quality.longest_gap_s > _LONGEST_GAP_S
