"""Lists of recordings that others wrote, bounded before a reader takes memory for them."""

import csv
import io

from stan_boundary.errors import InputError

MOST_BYTES = 64_000_000
MOST_ROWS, MOST_COLUMNS = 100_000, 200


def check_listing(data: bytes, where: str) -> None:
    """Raise where a CSV has more rows or columns than a list of recordings.

    Readers keep each row, and fill short ones up to the header.

    Args:
        data: The file.
        where: Its path, for the message.

    Raises:
        InputError: In one line.
    """
    few = max(data.count(b"\n"), data.count(b"\r")) <= MOST_ROWS
    if not few or _width(data) > MOST_COLUMNS:
        raise InputError(
            f"{where}: has more than {MOST_ROWS} rows or {MOST_COLUMNS} columns; keep those of the data "
            "contract"
        )


def _width(data: bytes) -> int:
    """Cells of the header, which a quoted one may spread over lines, or separators of the widest line."""
    marks = max((line.count(mark) for line in data.splitlines() for mark in (b",", b";")), default=0)
    try:
        text = io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="replace", newline="")
        return max(marks, len(next(csv.reader(text), [])))
    except csv.Error:  # its reader says what is wrong
        return marks
