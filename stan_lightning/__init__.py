"""Depression severity from facial video and audio: networks, training, evaluation, prediction.

From Python: ``Model.load("models/face").predict("my.mp4")``.
"""

from typing import TYPE_CHECKING, Any

from stan_boundary.environment import set_defaults

set_defaults()  # before any module here loads torch

if TYPE_CHECKING:
    from stan_lightning.prediction.model import Model as Model

__all__ = ["Model"]


def __getattr__(name: str) -> Any:
    """Import `Model` when it is asked for: torch takes seconds."""
    if name == "Model":
        from stan_lightning.prediction.model import Model

        return Model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
