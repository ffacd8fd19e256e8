"""Labels as numbers: severity within its range, or indices of classes."""

from collections.abc import Sequence

import pandas as pd

from stan_boundary.errors import InputError


def severity(table: pd.DataFrame, score_range: Sequence[float]) -> pd.Series:
    """Scores in points, NaN where unknown.

    Raises:
        InputError: Names the recording whose label is no number or lies outside the range.
    """
    low, high = score_range
    scores = pd.to_numeric(table.label.replace("", "nan"), errors="coerce")
    for recording, label, score in zip(table.recording, table.label, scores, strict=True):
        if label and not low <= score <= high:
            raise InputError(
                f"{recording}: label {label} is no score in {low:g}..{high:g}; "
                "mend it in the corpus or set data.scale"
            )
    return scores


def class_names(table: pd.DataFrame) -> list[str]:
    """The classes of a table in order: as numbers where all of them are, else by name.

    Raises:
        InputError: Names the recording whose label a checkpoint cannot keep.
    """
    for recording, label in zip(table.recording, table.label, strict=True):
        if set(label) & set("${"):
            raise InputError(
                f"{recording}: label {label} holds a $ or {{, which a checkpoint cannot keep; "
                "rename the class in the manifest"
            )
    names = sorted({label for label in table.label if label})
    try:
        return sorted(names, key=float)
    except ValueError:
        return names


def check_classes(table: pd.DataFrame, classes: Sequence[str]) -> None:
    """Every label must be one of the classes, or empty.

    Raises:
        InputError: Names the recording whose label is another.
    """
    for recording, label in zip(table.recording, table.label, strict=True):
        if label and label not in classes:
            raise InputError(
                f"{recording}: label {label} is none of the network's classes {', '.join(classes)}; mend it "
                "in the manifest, or leave it empty"
            )
