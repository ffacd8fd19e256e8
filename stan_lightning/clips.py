"""Public name: ``stan_lightning.clips.windows``, the evaluation windows of a video; see ``data/clips.py``."""

from stan_lightning.data.clips import random_clip, step, windows

__all__ = ["random_clip", "step", "windows"]
