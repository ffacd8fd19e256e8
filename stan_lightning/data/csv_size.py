"""How large a CSV is, found out before a parser takes memory for it."""

from stan_boundary.errors import InputError
from stan_boundary.opening import open_regular
from stan_lightning.data.npz import MOST_ROWS

MOST_BYTES = 1_000_000_000
MOST_COLUMNS = 10_000
MOST_CELLS = 80_000_000
"""Rows by columns that are kept: an hour of OpenFace's 711 columns at 30 frames/s."""
_PIECE = 1_000_000
_SEPARATORS = (b",", b";", b"\t")


def check_size(path: str, kept: int | None) -> None:
    """Raise where a CSV has a line, or more columns or cells, than any signal has.

    Args:
        path: The file.
        kept: How many of its columns are read; None: all.

    Raises:
        InputError: It names the file and what is too much.
    """
    with open_regular(path, MOST_BYTES) as file:
        rows, columns = 0, 0
        while piece := file.read(_PIECE):
            ends = piece.count(b"\n") or piece.count(b"\r")
            if not ends and len(piece) == _PIECE:
                raise InputError(f"{path}: a line has more than {_PIECE:,} characters: that is no table")
            if not rows:
                lines = piece.splitlines()[: 100 + ends]
                columns = max(line.count(mark) for line in lines for mark in _SEPARATORS) + 1
                if columns > MOST_COLUMNS:
                    raise InputError(f"{path}: has more than {MOST_COLUMNS:,} columns")
            rows += ends
    if rows > MOST_ROWS or rows * min(columns, columns if kept is None else kept) > MOST_CELLS:
        raise InputError(
            f"{path}: {rows:,} rows of {columns:,} columns are more than can be read; name those that are "
            "wanted under `columns` in signal.json, or keep fewer rows"
        )
