"""Every byte of a folder searched for names, labels, paths and pictures, before anybody else has it."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import pack

from stan_boundary.errors import InputError
from stan_lightning.network.model_folder import CARD, CONFIG, FILES, ONNX, WEIGHTS
from stan_lightning.sharing.corpus import Corpus

TEXTS = (CONFIG, CARD)
_PICTURES = {
    "a JPEG": rb"\xff\xd8\xff[\xe0\xe1]..(JFIF|Exif)\x00",
    "a PNG": rb"\x89PNG\r\n\x1a\n",
    "a picture in a text": rb"data:(image|video|audio)/",
    "a film": rb"\x00\x00\x00.ftyp(isom|mp4|avc1|M4V)",
}
_LONG = 6
"""Letters by which a name in weights is no chance: a shorter one would be found in some network's bytes."""
_RUN = 4
"""Labels one after the other that are no chance."""


def scan(folder: Path, corpus: Corpus, own_words: Iterable[str] = ()) -> None:
    """Search a model folder.

    Args:
        folder: As it would be handed on.
        corpus: What must not be in it.
        own_words: Words that are the project's own, should somebody be called so.

    Raises:
        InputError: Something is in it that must not be, or a file that does not belong there.
    """
    files = sorted(folder.iterdir())
    for file in files:
        if file.name not in FILES or not file.is_file() or file.is_symlink():
            raise InputError(f"{file.name} is no file of a model folder; nothing was written")
    for file in files:
        content = file.read_bytes()
        for what in _found(file.name, content, corpus, frozenset(own_words)):
            raise InputError(
                f"{file.name} would hold {what}, which must not be handed on; nothing was written"
            )


def _found(name: str, content: bytes, corpus: Corpus, own_words: frozenset[str]) -> Iterator[str]:
    for what, pattern in _PICTURES.items():
        if re.search(pattern, content, re.DOTALL):
            yield what
    for path in sorted(corpus.paths, key=len):
        if path.encode() in content:
            yield f"the path {path}"
    text, binary = content, b""
    if name == WEIGHTS:
        length = int.from_bytes(content[:8], "little")
        text, binary = content[8 : 8 + length], content[8 + length :]
    elif name == ONNX:
        text, binary = b"", content
    for one in sorted(corpus.names - own_words):
        if _named(one, text) or (len(one.encode()) >= _LONG and one.encode() in binary):
            yield f"the name {one}"
    if _labelled(corpus.labels, content, name):
        yield "labels of training sessions"


def _named(name: str, text: bytes) -> bool:
    """Whether a text has the name as a word; a number by itself is a name in quotation marks alone."""
    if name.isdecimal() or len(name) < _RUN:
        return json.dumps(name, ensure_ascii=False).encode() in text
    return re.search(rb"(?<![\w])" + re.escape(name.encode()) + rb"(?![\w])", text) is not None


def _labelled(labels: tuple[float, ...], content: bytes, name: str) -> bool:
    """Whether labels stand one after the other, as text or as numbers of 32 or 64 bits."""
    for first in range(len(labels) - _RUN + 1):
        run = labels[first : first + _RUN]
        if len(set(run)) < 3:  # zeros, or the like: weights hold such
            continue
        if name in TEXTS:
            whole = [re.escape(f"{label:g}") + r"(?:\.0)?" for label in run]
            if re.search(r"(?<![\d.])" + r"[\s,;|\]\[]+".join(whole) + r"(?![\d.])", content.decode("utf-8")):
                return True
        elif any(pack(f"<{_RUN}{kind}", *run) in content for kind in "fd"):
            return True
    return False


def words(config: object) -> Iterator[str]:
    """Keys of a config and words of its targets, which are the project's own."""
    if isinstance(config, dict):
        for key, value in config.items():
            yield from re.findall(r"\w+", str(key))
            if key == "_target_":
                yield from re.findall(r"\w+", str(value))
            yield from words(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from words(value)
