"""What a figure draws."""

import pandas as pd

from stan_lightning.pages import figures


def test_the_training_curve_joins_the_epochs_that_have_a_score() -> None:
    """A line breaks at what is no number: of a score at every second epoch nothing would be seen."""
    none = float("nan")
    epochs = pd.DataFrame(
        {"epoch": range(4), "train/loss": [4.0, 3.0, 2.0, 1.0], "val/mae": [none, 9, none, 8]}
    )
    scores, loss = (axes.lines[0] for axes in figures.training_curve(epochs).axes)
    assert scores.get_xydata().tolist() == [[1, 9], [3, 8]]
    assert len(loss.get_xydata()) == 4
