"""The behaviour signal on disk: `signals/behaviour` beside the crops."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from preprocess.archive.signal_folder import BEHAVIOUR, SignalFolder
from preprocess.behaviour.mesh import LEAST_PRESENCE, VIEW_WIDENING

WAY_OUT = "rename it, or behaviour=false"
_WHAT = (
    "What the face does, of each kept frame, by MediaPipe's face mesh on the crop and the eyes in track.csv; "
    "sides are the person's own"
)
_DEFINITIONS = 1  # raised when a number's definition changes: then signals of before are measured anew


def signal_of(crops: Path) -> SignalFolder:
    """Where it lies."""
    return SignalFolder(crops, BEHAVIOUR)


def prepare_signals(crops: Path, columns: Mapping[str, str], model: Path) -> bool:
    """`SignalFolder.prepare` of this signal.

    Args:
        crops: Folder of the crops.
        columns: Of the signals to come, with their units.
        model: The face mesh.
    """
    description = {
        "what": _WHAT,
        "resample": "linear",
        "columns": dict(columns),
        "definitions": _DEFINITIONS,
        "view_sides": VIEW_WIDENING,
        "least_presence": LEAST_PRESENCE,
        "model": model.name,
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    return signal_of(crops).prepare(description, WAY_OUT)
