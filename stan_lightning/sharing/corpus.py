"""Whose agreement has a word in it, and what of the corpus must not be told."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_lightning.data.manifest import read_manifest
from stan_lightning.evaluation.trained import Trained

UNDER_AGREEMENT = {
    "E-DAIC": r"\be-?daic\b|\bextended daic\b",
    "DAIC-WOZ": r"\bdaic\b",
    "AVEC2013": r"\bavec_?-?2013\b",
    "AVEC2014": r"\bavec",
}
"""Corpora that are handed out under a signed agreement, as paths and commands call them."""
_NAMED_SO = {"AVEC2014": r"\d{3}_\d_(Freeform|Northwind)", "AVEC2013": r"\d{3}_\d", "DAIC-WOZ": r"\d{3}_P"}
"""Recordings of these corpora, as their owners call them."""


@dataclass(frozen=True)
class Corpus:
    """What is known of the data that a network was trained on.

    Attributes:
        agreement: The corpus under whose agreement it stands; empty where none is known.
        names: Of recordings, subjects, sessions and video files.
        labels: Scores of training sessions, in the checkpoint's order; empty where they are classes.
        paths: Folders and files.
    """

    agreement: str
    names: frozenset[str]
    labels: tuple[float, ...]
    paths: frozenset[str]


def corpus_of(trained: Trained, run: Path, evaluated: Iterable[pd.DataFrame] = ()) -> Corpus:
    """Gather what must not be told: from the checkpoint, its evaluations, and the crops where they are there.

    Args:
        trained: Of the run.
        run: Its folder.
        evaluated: Tables of predictions.
    """
    sessions = trained.sessions.sessions
    names = {one for subject, session, _ in sessions for one in (subject, session)}
    paths = {str(run.resolve()), str(Path.cwd())}
    roots = [trained.data["root"]] if isinstance(trained.data["root"], str) else trained.data["root"]
    tables = [_manifest(root) for root in roots]
    for table in (*tables, *evaluated):
        for column in ("recording", "subject", "session", "video"):
            names |= {str(one) for one in table.get(column, ())}
    videos = {str(one) for table in tables for one in table.get("video", ())}
    names |= {Path(one).name for one in videos} | {Path(one).stem for one in videos}
    signals = (trained.data.get("signals") or {}).values()
    paths |= {str(Path(str(one)).resolve()) for one in (*roots, *signals) if one}
    paths |= {one for one in videos if "/" in one}
    agreement = _agreement(trained.data, names)
    home = str(Path("~").expanduser())
    paths |= {home} if home != "~" else set()
    return Corpus(
        agreement,
        frozenset(one for one in names if one),
        () if trained.classes is not None else tuple(label for _, _, label in sessions),
        frozenset(one for one in paths if len(Path(one).parts) > 1),
    )


def _manifest(root: Any) -> pd.DataFrame:
    try:
        return read_manifest(str(root), lenient=True)
    except InputError:  # the crops may be gone since
        return pd.DataFrame()


def _agreement(data: Mapping[str, Any], names: Iterable[str]) -> str:
    if data["synthetic"]:
        return ""
    said = " ".join(str(data[key]) for key in ("root", "make_crops")).casefold()
    for corpus, pattern in UNDER_AGREEMENT.items():
        if re.search(pattern, said.replace("_", " ").replace("/", " ")):
            return corpus
    for corpus, pattern in _NAMED_SO.items():
        if any(re.fullmatch(pattern, name) for name in names):
            return corpus
    return ""
