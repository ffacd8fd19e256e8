"""Public name: ``stan_lightning.weights.load_released``, the authors' weights; see ``network/weights.py``."""

from stan_lightning.network.weights import load_released, load_weights, save_released

__all__ = ["load_released", "load_weights", "save_released"]
