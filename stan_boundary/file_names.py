"""Names of files as people have them, and what this project makes of them: text that any system can hold.

A file's name on Linux is bytes. Python hands those that are no UTF-8 over as lone surrogates, which no
manifest, page or terminal can take; and one text has several Unicode normal forms, which are several names.
"""

import hashlib
import os
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from stan_boundary.names import MOST_NAME_BYTES

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f/\\\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def as_text(path: str | Path) -> str:
    r"""A path as valid text: bytes that are no UTF-8 become ``%`` and two hexadecimal digits.

    >>> as_text("M\udcfcller.mp4")
    'M%FCller.mp4'
    """
    return _SURROGATE.sub(_percent, str(path))


def name_key(name: str) -> str:
    """What two names have in common that differ in Unicode normal form, undecodable bytes or outer blanks."""
    return unicodedata.normalize("NFC", as_text(name)).strip()


def find_file(path: Path) -> Path:
    """The file or folder that a path names, in whatever normal form its names are written on disk.

    Returns:
        `path` itself where it is there, or where nothing or more than one thing has its `name_key`.
    """
    if os.path.lexists(path) or path.parent == path:
        return path
    folder = find_file(path.parent)
    found = [name for name in _names_in(folder) if name_key(name) == name_key(path.name)]
    return folder / found[0] if len(found) == 1 else path


def safe_recording_name(stem: str) -> str:
    """The name of a recording whose file has this stem; that of an ordinary file is its stem.

    It is NFC and what `names.check_recording_name` takes, as it can be the name of a file anywhere: what
    cannot stand in one (control characters, separators, marks that turn the direction, a leading dot) is
    written as bytes are by `as_text`, and what is too long is cut and ends in a hash of the whole.
    """
    text = _UNFIT.sub(_percent, unicodedata.normalize("NFC", as_text(stem)))
    if text.startswith("."):
        text = f"%2E{text[1:]}"
    return text if len(text.encode()) <= MOST_NAME_BYTES else marked(text, text)


def marked(name: str, whole: str) -> str:
    """A name, cut where it is too long, that ends in a short hash of `whole`."""
    mark = f"~{hashlib.sha256(whole.encode(errors='surrogatepass')).hexdigest()[:8]}"
    return name.encode()[: MOST_NAME_BYTES - len(mark)].decode(errors="ignore") + mark


def _percent(found: re.Match[str]) -> str:
    code = ord(found[0])
    data = bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else found[0].encode(errors="surrogatepass")
    return "".join(f"%{byte:02X}" for byte in data)


def _names_in(folder: Path) -> tuple[str, ...]:
    try:
        return _listed(str(folder), os.stat(folder).st_mtime_ns)
    except (OSError, ValueError):
        return ()


@lru_cache(maxsize=8)
def _listed(folder: str, changed: int) -> tuple[str, ...]:
    return tuple(os.listdir(folder))
