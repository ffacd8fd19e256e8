"""Which of the processes of one run this is."""

from lightning.pytorch.utilities.rank_zero import rank_zero_only  # type: ignore[attr-defined] # no __all__


def is_first() -> bool:
    """Whether this process is the one that writes and speaks, known before there is a Trainer."""
    return getattr(rank_zero_only, "rank", 0) == 0
