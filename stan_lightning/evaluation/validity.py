"""What else a reader asks of scores: calibration, screening, change within a person, reliability, memory."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stan_lightning.data.scale import SeverityScale
from stan_lightning.evaluation.calibration import calibration, group_gaps
from stan_lightning.evaluation.memory import memory_weight
from stan_lightning.evaluation.screening import screening
from stan_lightning.evaluation.units import sessions
from stan_lightning.evaluation.within_person import change, reliability


def validity(videos: pd.DataFrame, baselines: pd.DataFrame | None, scale: SeverityScale) -> dict[str, Any]:
    """All of it, as ``metrics.json`` has it.

    Args:
        videos: Labelled rows of `stan_lightning.evaluation.tables.PREDICTIONS`.
        baselines: What each baseline says about each video; None where nobody knows who was trained on.
        scale: What scores are on.

    Returns:
        `calibration`, `screening` by cut-off (None on a scale without), `change`, `reliability` (None where
        no sessions have the same tasks), `memory` (None where nobody was trained on) and `group_gaps`.
    """
    by_session = sessions(videos)
    groups = sorted(str(name) for name in videos["group"].dropna().unique() if str(name))
    memory: Mapping[str, Any] | None = None
    if baselines is not None:
        known = videos.merge(baselines[["recording", "identity"]], on="recording", how="left")
        seen = known[known["seen_subject"].astype("boolean").fillna(False).astype(bool)]
        memory = memory_weight(seen) if len(seen) else None
    return {
        "calibration": calibration(videos),
        "screening": screening(by_session, scale.cutoffs) if scale.cutoffs else None,
        "change": change(by_session),
        "reliability": reliability(videos),
        "memory": memory,
        "group_gaps": group_gaps(videos, groups),
    }
