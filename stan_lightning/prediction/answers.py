"""What a network says of each recording: a score with its bounds, or probabilities of classes."""

import pandas as pd

from stan_lightning.classification import tables as class_tables
from stan_lightning.evaluation.tables import predictions_table
from stan_lightning.evaluation.timeline import probability_column
from stan_lightning.evaluation.trained import Trained
from stan_lightning.prediction.new_person import with_bounds
from stan_lightning.training.conformal import told

OF_SCORES = ("recording", "prediction", "low_90", "high_90", "sd_windows", "n_windows", "reason")


def columns(trained: Trained) -> tuple[str, ...]:
    """Of a table of predictions for those who call from Python."""
    if trained.classes is None:
        return OF_SCORES
    probabilities = (probability_column(name) for name in trained.classes)
    return "recording", "predicted", *probabilities, "sd_windows", "n_windows", "reason"


def answers(windows: pd.DataFrame, recordings: pd.DataFrame, trained: Trained) -> pd.DataFrame:
    """One row a recording.

    Args:
        windows: As `stan_lightning.evaluation.scoring.score_windows` returns them.
        recordings: Those that were scored.
        trained: The network.

    Returns:
        Columns `stan_lightning.evaluation.tables.PREDICTIONS` with `low_90` and `high_90`; of classes those
        of `stan_lightning.classification.tables.predictions_table`.
    """
    if trained.classes is not None:
        return class_tables.predictions_table(windows, recordings.assign(label=""), trained.classes, None)
    score_range = trained.record["score_range"]
    scored = predictions_table(windows, recordings, score_range, None)
    return with_bounds(scored, trained.conformal, score_range)


def known_of_new_people(trained: Trained) -> str:
    """What training knows of how far answers hold for a new person, in a sentence."""
    if trained.classes is None:
        return told(trained.conformal)
    names = ", ".join(trained.classes)
    return (
        f"Probabilities of {names}, mean over windows: how often they hold for new people an evaluation says."
    )
