"""Scores as corpora write them, checked."""

import math
from collections.abc import Sequence
from pathlib import Path

from stan_boundary.errors import InputError
from stan_boundary.opening import read_regular

_MOST_BYTES = 1_000


def parse_label(text: str, score_range: Sequence[float] | None, where: str) -> float | str | None:
    """A label from its text.

    Args:
        text: What the file says; blank where the label is unknown.
        score_range: Lowest and highest score, or None where labels are names of classes.
        where: File and place, for the message.

    Returns:
        The score; the name as it stands where there is no score range; None where the text is blank.

    Raises:
        InputError: The text is no number, or outside of the range.
    """
    text = text.strip()
    if not text:
        return None
    if score_range is None:
        return text
    low, high = score_range
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise InputError(
            f"{where}: label {text!r} is not a number: correct it, or leave it empty where it is unknown"
            " (names of classes need corpus.score_range=null)"
        )
    if not low <= score <= high:
        raise InputError(
            f"{where}: label {text} is outside of {low:g} to {high:g}: correct it or set corpus.score_range"
        )
    return score


def read_label_file(path: Path, score_range: Sequence[float]) -> float:
    """The score in an AVEC label file: no header, one cell, a whole number.

    Raises:
        InputError: The file holds anything else.
    """
    try:
        text = read_regular(path, _MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text: expected one cell with the score") from None
    cells = [cell.strip() for line in text.splitlines() for cell in line.split(",") if cell.strip()]
    if len(cells) != 1:
        raise InputError(f"{path} holds {len(cells)} cells: expected one cell with the score")
    score = parse_label(cells[0], score_range, str(path))
    if not isinstance(score, float) or not score.is_integer():
        raise InputError(f"{path}: label {cells[0]} is not a whole number: correct it")
    return score
