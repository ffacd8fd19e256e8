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

_ROWS = 20


def print_table(console: Console, qualities: Sequence[Quality], output: Path) -> None:
    """Print the worst recordings, the counts and where everything lies.

    Args:
        console: Where to.
        qualities: Worst first.
        output: Folder of the crops.
    """
    shown = qualities[:_ROWS]
    title = f"the {_ROWS} worst of {len(qualities)} recordings" if len(qualities) > _ROWS else None
    table = Table(title=title, title_justify="left")
    table.add_column("recording", overflow="fold")
    table.add_column("status")
    for name in ("frames", "kept", "detected", "gaps", "longest"):
        table.add_column(name, justify="right")
    for quality in shown:
        row = quality.row
        values = (
            row["recording"],
            row["status"],
            row["n_source_frames"],
            row["n_frames"],
            f"{float(str(row['detection_rate'])):.1%}",
            quality.n_gaps,
            f"{quality.longest_gap_s:.1f} s",
        )
        table.add_row(*(Text(str(value)) for value in values))
    console.print(table)
    count = Counter(str(quality.row["status"]) for quality in qualities)
    kept = sum(int(str(quality.row["n_frames"])) for quality in qualities)
    states = ", ".join(f"{count[status]} {status}" for status in ("ok", "partial", "failed"))
    reasons = [quality.row for quality in shown if quality.row["reason"]]
    lines = [f"{row['status']}: {row['video']}: {row['reason']}" for row in reasons]
    lines += [f"note: {row['video']}: {row['note']}" for row in (one.row for one in shown) if row.get("note")]
    lines.append(f"{len(qualities)} recordings ({states}), {kept:,} crops")
    if count["partial"]:
        lines.append("warning: of the partial recordings only what could be decoded is there")
    lines += [f"manifest: {output / NAME}", f"quality:  {output / PAGE}"]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
