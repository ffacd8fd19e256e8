"""What does not train, as part of a run's state.

Callbacks such as Lightning's BackboneFinetuning freeze at the start and thaw in a later epoch; a run that is
resumed after that epoch would be frozen once more, and for good.
"""

from collections.abc import Collection

from torch import nn


def frozen(module: nn.Module) -> list[str]:
    """Names of parameters without gradients, and of running statistics that are not kept up."""
    names = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    return names + [name for name, norm in _statistics(module) if not norm.track_running_stats]


def freeze_alone(module: nn.Module, names: Collection[str]) -> None:
    """Freeze these and thaw all others."""
    names = set(names)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in names)
    for name, norm in _statistics(module):
        norm.track_running_stats = name not in names  # type: ignore[assignment] # a plain attribute


def _statistics(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [
        (f"{name}.running_mean", one)
        for name, one in module.named_modules()
        if getattr(one, "running_mean", None) is not None
    ]
