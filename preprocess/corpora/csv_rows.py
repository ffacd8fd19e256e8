"""Rows of a table as people and spreadsheets save them: text by column, whatever separates it."""

import codecs
import csv
import io
from pathlib import Path
from typing import NamedTuple

from stan_boundary.errors import InputError
from stan_boundary.listing import MOST_BYTES, check_listing
from stan_boundary.opening import read_regular


class Rows(NamedTuple):
    """A table.

    Attributes:
        names: Of its columns, in small letters; empty where the file is.
        rows: Stripped cells by name, of lines that are not empty; `line` is the line's number in the file.
    """

    names: list[str]
    rows: list[dict[str, str]]


def read_rows(path: Path) -> Rows:
    """Read a CSV whose first line names its columns.

    Commas, semicolons or tabs separate; UTF-8 with or without a mark, or UTF-16 as spreadsheets save it.

    Raises:
        InputError: It cannot be read, or a row has another number of cells than the header; one line.
    """
    text = read_text(path)
    first = 0
    if text[:4].lower() == "sep=":  # what Excel understands
        text, first = text.partition("\n")[2], 1
    head = text.split("\n", 1)[0]
    separator = next((one for one in ",;\t" if one in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        lines = [(reader.line_num + first, cells) for cells in reader]
    except csv.Error as error:
        raise InputError(
            f"{path} line {reader.line_num + first} is no CSV ({error}): save it as CSV in UTF-8"
        ) from None
    names = [name.strip().lower() for name in lines[0][1]] if lines else []
    return Rows(names, [_row(path, number, names, cells) for number, cells in lines[1:] if _filled(cells)])


def read_text(path: Path) -> str:
    """A table's text: UTF-8 with or without a mark, or UTF-16 with one.

    Raises:
        InputError: It cannot be read, is other text, or longer than a list can be; one line.
    """
    try:
        data = read_regular(path, MOST_BYTES)
        check_listing(data, str(path))
        marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as CSV in UTF-8") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _filled(cells: list[str]) -> bool:
    return any(cell.strip() for cell in cells)


def _row(path: Path, number: int, names: list[str], cells: list[str]) -> dict[str, str]:
    if not _filled(cells[len(names) :]):  # a separator at the end of rows alone
        cells = cells[: len(names)]
    if len(cells) != len(names):
        raise InputError(
            f"{path} line {number}: {len(cells)} cells under {len(names)} columns: quote cells "
            "that hold the separator"
        )
    row = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}
    return row | {"line": str(number)}
