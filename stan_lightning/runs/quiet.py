"""What Lightning and torch say that a user of this program can do nothing about."""

import logging
import warnings


def quiet() -> None:
    """Leave it out, for the rest of this process."""
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.pytorch.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        "does not have many workers",
        "LeafSpec",
        "Checkpoint directory",
        "Experiment logs directory",
        "sync_dist",
    ):
        warnings.filterwarnings("ignore", f".*{message}.*")
