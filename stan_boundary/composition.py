"""Objects from plain data: `_target_` names what is called, the other keys are its arguments, as in Hydra.

Hydra makes what a command line describes. What a checkpoint describes is made here, by the same grammar
(`_target_`, `_args_`, `_partial_`, nested as deep as one likes) and with no more than Python's own import.
"""

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from stan_boundary.errors import InputError

TARGET = "_target_"
_GRAMMAR = (TARGET, "_args_", "_partial_", "_recursive_", "_convert_")


def make(config: Any, where: str, **known: Any) -> Any:
    """Make what a config describes, from the inside out.

    Args:
        config: A mapping with `_target_`.
        where: Its dotted key, for errors.
        known: What only the caller knows; each goes to every callable of the config that takes an argument
            of that name and is not given one.

    Raises:
        InputError: There is no such thing, or it cannot be called so; one line with the nearest names.
    """
    if not isinstance(config, Mapping) or TARGET not in config:
        raise InputError(_without_target(config, where))
    return _made(config, where, known)


def check(config: Any, where: str) -> None:
    """Raise what `make` would raise of names and arguments, all the way down, and call nothing."""
    if isinstance(config, Mapping):
        if TARGET in config:
            _bound(config, where, ())
        for key, value in config.items():
            check(value, f"{where}.{key}")
    elif isinstance(config, list | tuple):
        for number, value in enumerate(config):
            check(value, f"{where}.{number}")


def parameters(config: Mapping[str, Any], where: str) -> Mapping[str, inspect.Parameter]:
    """What a config's target takes, by name; nothing where it does not say."""
    try:
        return inspect.signature(located(str(config[TARGET]), where)).parameters
    except ValueError:
        return {}


def _made(config: Any, where: str, known: Mapping[str, Any]) -> Any:
    if isinstance(config, list | tuple):
        return [_made(value, f"{where}.{number}", known) for number, value in enumerate(config)]
    if not isinstance(config, Mapping):
        return config
    inner = {key: _made(value, f"{where}.{key}", known) for key, value in config.items()}
    if TARGET not in config:
        return inner
    target, handed = _bound(config, where, known)
    arguments = {key: value for key, value in inner.items() if key not in _GRAMMAR}
    call = partial(target, *inner.get("_args_", ()), **{name: known[name] for name in handed}, **arguments)
    if config.get("_partial_"):
        return call
    try:
        return call()
    except InputError:
        raise
    except (TypeError, ValueError, AssertionError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split()) or type(error).__name__
        at = f"{Path(last.filename).name}, line {last.lineno}"
        raise InputError(f"{where}: {config[TARGET]} cannot be made: {said} ({at})") from error


def _bound(
    config: Mapping[str, Any], where: str, known: Iterable[str]
) -> tuple[Callable[..., Any], list[str]]:
    """The callable, and which of the known it takes; raises where the arguments do not fit it."""
    target = located(str(config[TARGET]), where)
    try:
        takes = inspect.signature(target).parameters
    except ValueError:  # some built-in ones do not say
        return target, []
    given = [str(key) for key in config if key not in _GRAMMAR]
    named = [name for name, one in takes.items() if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if not any(one.kind is one.VAR_KEYWORD for one in takes.values()):
        for key in given:
            if key not in named:
                raise InputError(
                    f"{where}.{key}: {config[TARGET]} takes no {key}{_nearest(key, named)} "
                    f"(it takes {', '.join(named) or 'nothing'})"
                )
    return target, [name for name in known if name in named and name not in given]


def located(target: str, where: str) -> Callable[..., Any]:
    """The callable of a dotted name: the longest part that is a module is imported, the rest looked up.

    Raises:
        InputError: There is no such thing, or it cannot be called; one line with the nearest names.
    """
    parts = target.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise InputError(f"{where}._target_={target}: give a name with its module, as in torch.nn.MSELoss")
    found: Any = _imported(parts[0], target, where)
    for number, part in enumerate(parts[1:], start=1):
        if not hasattr(found, part) and inspect.ismodule(found):
            try:
                importlib.import_module(".".join(parts[: number + 1]))
            except ModuleNotFoundError as error:
                if error.name != ".".join(parts[: number + 1]):
                    raise InputError(f"{where}._target_={target}: {error}") from None
        if not hasattr(found, part):
            near = _nearest(part, [name for name in dir(found) if not name.startswith("_")])
            raise InputError(f"{where}._target_={target}: {'.'.join(parts[:number])} has no {part}{near}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{where}._target_={target}: it is no class or function")
    return found  # type: ignore[no-any-return] # whatever it is, it can be called


def _imported(module: str, target: str, where: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{where}._target_={target}: there is no module {error.name}; own modules lie in the folder "
            "where the command runs, or are installed"
        ) from None
    except SyntaxError as error:
        raise InputError(f"{where}._target_={target}: {error}") from None


def _nearest(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, [*names], n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _without_target(config: Any, where: str) -> str:
    said = f"{where} has no _target_: name a class and its arguments, as in docs/bring_your_own.md"
    if isinstance(config, Mapping) and (near := get_close_matches(TARGET, [*map(str, config)], cutoff=0.5)):
        return f"{said} (is {where}.{near[0]} meant?)"
    return said if config is None or isinstance(config, Mapping) else f"{said}; it is {config!r}"
