"""Names and texts out of files of others: as file names, on a terminal and in a spreadsheet."""

import re
import unicodedata

from stan_boundary.errors import InputError

MOST_NAME_BYTES = 200
"""Of a recording's name in UTF-8: file systems take 255, and suffixes are added."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)
_SEPARATORS = "\u2028\u2029"
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def check_recording_name(name: object, where: str) -> str:
    """Give a recording's name back if it can be the name of a file in the folder at hand, and of no other.

    Args:
        name: What a manifest, listing, zip or folder calls a recording.
        where: File and row, for the message.

    Raises:
        InputError: It is no text or empty, begins with a dot, holds a slash, a backslash or a character that
            cannot be seen or encoded, or is longer than `MOST_NAME_BYTES`.
    """
    if not isinstance(name, str) or not name:
        raise InputError(f"{where}: a recording has no name: give it one")
    wrong = _wrong(name)
    if wrong:
        raise InputError(f"{where}: recording {shortened(name)!r} {wrong}: rename it")
    return name


def _wrong(name: str) -> str:
    if name.startswith("."):
        return "begins with a dot"
    if "/" in name or "\\" in name:
        return "holds a slash or backslash"
    if any(_is_hidden(character) for character in name):
        return "holds a control character or is no valid text"
    size = len(name.encode())
    return f"has {size} bytes, more than {MOST_NAME_BYTES}" if size > MOST_NAME_BYTES else ""


def printable(text: object) -> str:
    r"""Text for a terminal, on one line: what would steer it or turn the text is shown as an escape.

    Rich takes square brackets for markup: print through it with `markup=False` or as `rich.text.Text`.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(_escape(character) if _is_hidden(character) else character for character in str(text))


def shortened(text: str, length: int = 80) -> str:
    """Text cut to `length` characters, with dots where something is missing."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def csv_cell(value: object) -> object:
    """A value for a CSV file: text that a spreadsheet would run as a formula gets a leading apostrophe.

    Numbers stay as they are, also those written as text. `csv_text` is the inverse.

    >>> csv_cell("=1+1"), csv_cell("-5"), csv_cell("203_1_Freeform")
    ("'=1+1", '-5', '203_1_Freeform')
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_text(cell: str) -> str:
    """The text that `csv_cell` made a cell of."""
    return cell[1:] if _QUOTED.match(cell) else cell


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI or character in _SEPARATORS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
