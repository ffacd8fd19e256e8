"""Tables of numbers as programs and spreadsheets write them: their encodings, separators and commas."""

import codecs
import csv
import io
import re
from collections.abc import Container, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from stan_boundary.errors import InputError

SEPARATORS = (b",", b";", b"\t")
_NO_NUMBER = ["nan(ind)", "-nan(ind)"]  # what programs on Windows print for one, beside what pandas knows
_FLAG = re.compile(r"(?:(?P<of>.+)_)?(?:valid|success)", re.IGNORECASE)
_TRUTH = {"true": 1.0, "false": 0.0}
_MARKS = (  # the longer ones first, as one begins with another
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_table(path: str, wanted: Container[str] | None) -> pd.DataFrame:
    """Read a CSV whose header is its first line.

    Commas, semicolons or tabs separate; UTF-8, or UTF-16 as spreadsheets save it. Beside semicolons and tabs
    numbers may have a decimal comma. Cells beyond the header's are taken off where they are empty.

    Args:
        path: The file.
        wanted: Names of the columns to read, None for all; flags of validity (`flag_of`) are read as well.

    Returns:
        Named columns; the index is the row, counted as a spreadsheet does: the header is row 1.

    Raises:
        InputError: It is no table, or a row has more cells than the header; one line that names the row.
    """
    try:
        data = _as_utf8(Path(path).read_bytes())
        first = 1
        if data[:4].lower() == b"sep=":  # what Excel understands and nobody else
            data, first = data.partition(b"\n")[2], 2
        head, _, body = data.partition(b"\n")
        separator = max(SEPARATORS, key=head.count)
        table = pd.read_csv(
            io.BytesIO(_fitted(path, data, separator, first)),
            sep=separator.decode(),
            decimal=_decimal(body, separator),
            index_col=False,
            skipinitialspace=True,
            skip_blank_lines=False,
            na_values=_NO_NUMBER,
            usecols=None if wanted is None else lambda name: _is_wanted(str(name).strip(), wanted),
        )
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a CSV table in UTF-8 ({error}): save it as UTF-8") from None
    except (OSError, ValueError, csv.Error) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path}: not a CSV table ({' '.join(str(error).split())})") from None
    table.columns = table.columns.astype(str).str.strip()
    if len(twice := table.columns[table.columns.duplicated()]):
        raise InputError(f"{path}: column {twice[0]} is there twice")
    table.index = table.index + first + 1
    return table


def numbers(path: str, table: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    """A column as numbers, with true as 1 and false as 0; raises for the first cell that holds none."""
    column = table[name]
    if column.dtype.kind in "fiub":
        return column.to_numpy(np.float64)
    words = column.astype(str).str.strip().str.lower()
    found = pd.to_numeric(words, errors="coerce").fillna(words.map(_TRUTH))
    wrong = found.isna() & column.notna() & (words != "nan")
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: row {int(table.index[place])}: {name} is {str(column.iloc[place])[:40]!r}, which "
            "is no number; mend it, or take the column out"
        )
    return found.to_numpy(np.float64)


def flag_of(name: str) -> str | None:
    """What a column of validity speaks of: `EAR2D6` for `EAR2D6_valid`, all ("") for `valid`; else None."""
    found = _FLAG.fullmatch(name)
    return None if found is None else (found["of"] or "")


def _is_wanted(name: str, wanted: Container[str]) -> bool:
    return name in wanted or flag_of(name) is not None


def _as_utf8(data: bytes) -> bytes:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding).encode()
    if data[1:2] == b"\0":
        data = data.decode("utf-16-le").encode()
    elif data[:1] == b"\0":
        data = data.decode("utf-16-be").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    return data.replace(b"\r", b"\n") if b"\r" in data and b"\n" not in data else data


def _decimal(body: bytes, separator: bytes) -> str:
    """A comma where it stands within numbers and no point does."""
    if separator == b"," or b"," not in body or re.search(rb"\d\.\d", body):
        return "."
    return "," if re.search(rb"\d,\d", body) else "."


def _fitted(path: str, data: bytes, separator: bytes, first: int) -> bytes:
    """The table with no row longer than its header: pandas shifts or cuts such rows without a word."""
    if b'"' in data:
        return _fitted_quoted(path, data, separator, first)
    lines = data.split(b"\n")
    width = lines[0].count(separator)
    long = [number for number, line in enumerate(lines) if line.count(separator) > width]
    for number in long:
        cells = lines[number].split(separator)
        if any(cell.strip() for cell in cells[width + 1 :]):
            raise _too_long(path, number + first, len(cells), width + 1, separator)
        lines[number] = separator.join(cells[: width + 1])
    return b"\n".join(lines) if long else data


def _fitted_quoted(path: str, data: bytes, separator: bytes, first: int) -> bytes:
    width = len(next(_rows(data, separator), []))
    is_long = False
    for number, cells in enumerate(_rows(data, separator)):
        is_long |= len(cells) > width
        if any(cell.strip() for cell in cells[width:]):
            raise _too_long(path, number + first, len(cells), width, separator)
    if not is_long:
        return data
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator.decode(), lineterminator="\n")
    writer.writerows(row[:width] for row in _rows(data, separator))
    return text.getvalue().encode()


def _rows(data: bytes, separator: bytes) -> Iterator[list[str]]:
    """Row by row: all at once would take ten times the file's size."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")
    return csv.reader(text, delimiter=separator.decode())


def _too_long(path: str, row: int, cells: int, width: int, separator: bytes) -> InputError:
    if separator == b",":
        mend = "numbers take a point, not a comma (but beside semicolons), and every column has a name"
    else:
        mend = "give every column a name"
    return InputError(
        f"{path}: row {row}: has {cells} cells, more than its header, which has {width}; {mend}"
    )
