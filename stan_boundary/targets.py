"""What a configuration of others may name: classes by an allow-list, and values of its own.

`_target_` in a configuration is a program to run. Hydra blocks some targets and says itself that this is no
complete security boundary. Here the allow-list is checked twice: on the name, before anything is imported,
and on the object found, because a name below an allowed package may lead elsewhere
(``torch.optim.optimizer.torch.hub.load``). Command-line words are the user's own and are not checked.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from omegaconf import OmegaConf

from stan_boundary.errors import InputError

_LIGHTNING = ("callbacks", "loggers", "profilers", "strategies", "plugins")
_VIDEO_MODEL = "stan_lightning.embedding.video_model"
_OWN = (
    *(f"stan_lightning.{room}" for room in ("data", "network", "training", "runs", "logging")),
    _VIDEO_MODEL,
)
_READING = (
    *("torch.nn", "torch.optim", "stan_lightning.data", "stan_lightning.network", _VIDEO_MODEL),
    *("sklearn.linear_model", "sklearn.svm"),
    *(f"stan_lightning.training.{name}" for name in ("losses", "objective", "parameter_groups", "module")),
)
"""Of these a network, its objective, its optimiser and its data are made; none of them writes a file."""
_READERS = ("sklearn.linear_model", "sklearn.svm")
"""Of a probe."""
_TRAINERS = ("lightning.Trainer", "lightning.pytorch.Trainer")
_NAMED = ("torch.optim", "torch.nn", *_READERS, *_OWN, *(f"lightning.pytorch.{kind}" for kind in _LIGHTNING))
"""Packages whose names are looked up."""
_DEFINED = (*_NAMED, "lightning.fabric.strategies", "lightning.fabric.plugins", "lightning.pytorch.trainer")
"""Packages in which an object found may be defined; Lightning's names stand in two."""
_KINDS = frozenset(
    (
        "sklearn.base.BaseEstimator",
        "torch.nn.modules.module.Module",
        "torch.optim.optimizer.Optimizer",
        "torch.optim.lr_scheduler.LRScheduler",
        "lightning.pytorch.callbacks.callback.Callback",
        "lightning.pytorch.loggers.logger.Logger",
        "lightning.pytorch.profilers.profiler.Profiler",
        "lightning.pytorch.trainer.trainer.Trainer",
        "lightning.pytorch.plugins.layer_sync.LayerSync",
        "lightning.fabric.strategies.strategy.Strategy",
        "lightning.pytorch.strategies.strategy.Strategy",
        "lightning.fabric.plugins.precision.precision.Precision",
        "lightning.fabric.plugins.io.checkpoint_io.CheckpointIO",
        "lightning.fabric.plugins.environments.cluster_environment.ClusterEnvironment",
    )
)
"""A class of torch, Lightning or scikit-learn must be, or descend from, one of these."""
_FAR = (
    *(f"lightning.pytorch.loggers.{name}" for name in ("comet", "litlogger", "mlflow", "neptune", "wandb")),
    "lightning.pytorch.strategies.deepspeed",
)
"""What sends what it logs to an address that the configuration may name, or builds and runs programs."""
_KNOWN = ("torch", "lightning", "hydra", "sklearn", "stan_lightning", "stan_boundary", "preprocess")
"""Packages that are here anyway: for these an error does not suggest `trust`."""

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_LAYERS, _MOST_LAYERS = re.compile(r"(num_(\w+_)?)?layers"), 200
"""Torch copies layers one by one, before anything can tell that a checkpoint holds no such many."""
_FIELD = re.compile(r"\{[\w/-]*(:0?\d{0,2}(\.\d)?[defg]?)?\}", re.ASCII)
"""Of a checkpoint's file name: a metric and its format. Others reach any attribute of what they format."""
_REFERENCE = re.compile(r"\$\{(\.*[\w.\[\]-]+|hydra:[\w.]+|now:[\w%:. -]+)\}", re.ASCII)


def check_targets(
    config: Any, trust: Collection[str] = (), where: str = "config", also: Collection[str] = ()
) -> None:
    """Check a configuration that others may have written, before anything in it is instantiated.

    Args:
        config: A plain dictionary, or one of OmegaConf's, as it is written.
        trust: Packages whose classes and functions the user allows besides.
        where: The file, for the message.
        also: Single targets that are allowed besides.

    Raises:
        InputError: A target is not on the list or leads elsewhere, or a value asks for the environment, for
            a resolver, or is a piece of Hydra's override grammar.
    """
    plain = OmegaConf.to_container(config, resolve=False) if OmegaConf.is_config(config) else config
    named = list(_targets(plain, "", where))
    for key, target in named:
        if not (isinstance(target, str) and _DOTTED.fullmatch(target)):
            raise InputError(f"{where}: {key}._target_ is no name of a class: {str(target)[:80]!r}")
        if target not in also and not _below(target, (*_NAMED, *trust)) and target not in _TRAINERS:
            raise InputError(_refusal(where, key, target, target))
    for key, target in named:
        if target not in also:
            _check_found(_locate(target, where, key), trust, where, key, target)


def check_readers(config: Any, trust: Collection[str], where: str) -> None:
    """Check that what describes a network or its data makes nothing that writes, as loggers and callbacks do.

    Raises:
        InputError: It names something else.
    """
    for key, target in _targets(config, "", where):
        if not _below(str(target), (*_READING, *trust)):
            raise InputError(
                f"{where}: {key} asks for {str(target)[:80]}, which is no part of a network or its data"
            )


def _targets(node: Any, key: str, where: str) -> Iterator[tuple[str, Any]]:
    """Keys and targets of a configuration; its other values are checked on the way."""
    if isinstance(node, Mapping):
        if node.get("device") is not None and str(node.get("_target_")).startswith("torch."):
            raise InputError(f"{where}: {key}.device: files of others do not choose where memory is taken")
        for name, value in node.items():
            path = f"{key}.{name}" if key else str(name)
            _check_text(str(name), path, where, name=True)
            if _LAYERS.fullmatch(str(name)) and isinstance(value, int) and value > _MOST_LAYERS:
                raise InputError(
                    f"{where}: {path}={value}: at most {_MOST_LAYERS} layers are made for others"
                )
            if name == "_args_":
                raise InputError(
                    f"{where}: {path}: arguments need their names; write each as a key of its own"
                )
            if name == "_target_":
                yield key or "the configuration", value
            else:
                yield from _targets(value, path, where)
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            yield from _targets(value, f"{key}[{number}]", where)
    elif isinstance(node, str):
        _check_text(node, key, where)
    elif not isinstance(node, (int, float, type(None))):
        raise InputError(f"{where}: {key} is a {type(node).__name__}: a configuration holds numbers and text")


def _check_text(text: str, key: str, where: str, name: bool = False) -> None:
    if "_target_" in text and not (name and text == "_target_"):
        raise InputError(f"{where}: {key} hides a _target_ in a text; write it as a key of its own")
    own = _REFERENCE.sub("", text)
    if "{" in _FIELD.sub("", own) and "$" not in own:
        raise InputError(f"{where}: {key} is {text[:80]!r}: in braces stand a metric and its format alone")
    if "$" in own:
        raise InputError(
            f"{where}: {key} is {text[:80]!r}: a file may refer to its own keys, not to the environment or "
            "to resolvers; write the value there, or give the key on the command line"
        )


def _below(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _refusal(where: str, key: str, target: str, found: str) -> str:
    alias = "" if target == found else f", which is {found}"
    package = found.split(".", 1)[0]
    allow = f"; if you know this package and trust it, add trust=[{package}]"
    if package in sys.stdlib_module_names or package in _KNOWN:
        allow = ""
    return (
        f"{where}: {key} asks for {target}{alias}: files of others may name this project's classes, torch's "
        f"and Lightning's alone{allow}"
    )


def _locate(target: str, where: str, key: str) -> Any:
    """The object that a name below an allowed package leads to: its modules are imported, then attributes."""
    parts = target.split(".")
    found: Any = None
    for number in range(len(parts)):
        name = ".".join(parts[: number + 1])
        if number and hasattr(found, parts[number]):
            found = getattr(found, parts[number])
            continue
        try:
            found = importlib.import_module(name)
        except ImportError:
            raise InputError(
                f"{where}: {key} names {target}, which this version lacks: was it written by another?"
            ) from None
    return found


def _check_found(found: Any, trust: Collection[str], where: str, key: str, target: str) -> None:
    """Refuse all but classes of the known kinds, our own and their constructors, and what is trusted."""
    maker = found.__self__ if inspect.ismethod(found) and inspect.isclass(found.__self__) else found
    home = str(getattr(maker, "__module__", type(maker).__module__))
    real = f"{home}.{getattr(maker, '__qualname__', type(maker).__name__)}"
    if _below(home, trust):
        return
    if _below(home, _OWN) and inspect.isclass(maker):
        if maker is found or _below(str(found.__func__.__module__), _OWN):
            return
    elif inspect.isclass(found) and _below(home, _DEFINED) and not _below(home, _FAR):
        if any(f"{base.__module__}.{base.__qualname__}" in _KINDS for base in found.__mro__):
            return
    if _below(home, _FAR):
        raise InputError(
            f"{where}: {key} asks for {target}, which can send what it logs to wherever the file says, "
            f"or run programs: add trust=[{home}] to allow it"
        )
    raise InputError(_refusal(where, key, target, real))
