"""The prosody signal on disk: `signals/prosody` beside the crops."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from preprocess.archive.signal_folder import PROSODY, SignalFolder
from preprocess.prosody.columns import COLUMNS
from stan_boundary.errors import InputError

WAY_OUT = "rename it"
_WHAT = "How the recording sounds, every 16 ms: pitch, voicing, loudness, spectral tilt, speech and pauses"
_DEFINITIONS = 1  # raised when a number's definition changes: then signals of before are measured anew
_MODELS = ("swift-f0", "silero-vad")


def signal_of(crops: Path) -> SignalFolder:
    """Where it lies."""
    return SignalFolder(crops, PROSODY)


def prepare_signals(crops: Path) -> bool:
    """`SignalFolder.prepare` of this signal.

    Raises:
        InputError: A library is missing, or a signal of that name is there and not made by this program.
    """
    try:
        models = {name: version(name) for name in _MODELS}
    except PackageNotFoundError as error:
        raise InputError(f"prosody needs {error.name}: pip install 'stan-lightning[audio]'") from None
    description = {
        "what": _WHAT,
        "resample": "linear",
        "columns": COLUMNS,
        "definitions": _DEFINITIONS,
        "models": models,
    }
    return signal_of(crops).prepare(description, WAY_OUT)
