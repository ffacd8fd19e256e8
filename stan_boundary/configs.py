"""Where the Hydra configs lie."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
CONF = str(_HERE / "conf" if (_HERE / "conf").is_dir() else _HERE.parent / "conf")
"""Their folder: inside this package where it was installed, beside it in a checkout."""
