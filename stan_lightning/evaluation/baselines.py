"""What can be said without a network; the first three do not even need a video.

A number that does not beat the training median has learnt nothing from the face; most published replications
do not (it alone reaches 9.54 points on AVEC2014's test partition).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

LOOKED_UP = ("train_median", "train_mean", "identity")
RIDGES = ("nuisance", "behaviour", "prosody")
"""Fitted by `stan_lightning.evaluation.ridge`."""
OPTIONAL = ("prosody",)
"""Those of signals that preprocessing makes only where it is asked to: there where crops have them."""
BASELINES = LOOKED_UP + RIDGES


@dataclass(frozen=True)
class TrainingSessions:
    """Who was trained on, and how they scored: one (subject, session, label) a session.

    Where labels are classes, a label is the number of its class.
    """

    sessions: tuple[tuple[str, str, float], ...]

    @classmethod
    def from_rows(
        cls, rows: Iterable[Sequence[object]], classes: Sequence[str] | None = None
    ) -> "TrainingSessions":
        """Build from rows such as a checkpoint holds; rows without a label are left out.

        Args:
            rows: Subject, session, and score or name of a class.
            classes: Their names; None where labels are scores.

        Raises:
            ValueError: A label is no number, or none of the classes.
        """
        kept = {}
        for subject, session, label in rows:
            known = label is not None and str(label) != ""
            number = float if classes is None else classes.index
            score = float(number(str(label))) if known else float("nan")
            if not np.isnan(score):
                kept[str(subject), str(session)] = score
        return cls(tuple((subject, session, score) for (subject, session), score in sorted(kept.items())))

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> "TrainingSessions":
        """Build from a table of recordings with columns subject, session, label."""
        return cls.from_rows(table[["subject", "session", "label"]].itertuples(index=False, name=None))

    @property
    def subjects(self) -> frozenset[str]:
        """Everybody who is trained on."""
        return frozenset(subject for subject, _, _ in self.sessions)

    def predict(self, subjects: Iterable[str]) -> pd.DataFrame:
        """What each baseline says about each subject.

        Returns:
            A table with the columns `LOOKED_UP`, one row a subject asked for, in points. `identity` is the
            mean label of that subject's training sessions, or the training median for a stranger.

        Raises:
            ValueError: When there is no labelled training session.
        """
        if not self.sessions:
            raise ValueError("no labelled training session: there are no baselines")
        labels = np.array([label for _, _, label in self.sessions])
        median, mean = float(np.median(labels)), float(labels.mean())
        known = pd.DataFrame(self.sessions, columns=["subject", "session", "label"])
        own = known.groupby("subject")["label"].mean()
        asked = [str(subject) for subject in subjects]
        return pd.DataFrame(
            {
                "train_median": median,
                "train_mean": mean,
                "identity": [float(own.get(subject, median)) for subject in asked],
            },
            index=range(len(asked)),
        )
