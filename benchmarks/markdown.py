"""A benchmark's table, as the documentation has it."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table


def show(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a table as Markdown."""
    table = Table(*columns, box=box.MARKDOWN)
    for cells in lines:
        table.add_row(*cells)
    Console(width=200).print(table)
