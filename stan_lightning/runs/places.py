"""Where a configuration of others may write: into the run's own folder."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stan_boundary.errors import InputError

_PLACES = frozenset(
    ("dirpath", "save_dir", "file", "run_folder", "default_root_dir", "root_dir", "log_dir", "dir", "folder")
)
"""Arguments that name a place to write at, also as a plain word."""
_INPUTS = ("data", "model")
"""What only reads."""


def untyped(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """A copy without the values that the command line gives: those are the user's own.

    Nothing is resolved: what the other values refer to has not been checked yet.
    """
    plain: Any = OmegaConf.to_container(config, resolve=False)
    for override in overrides:
        *above, last = override.split("=", 1)[0].lstrip("+~").split(".")
        node: Any = plain
        for name in above:
            node = node.get(name) if isinstance(node, dict) else None
        choice = not above and isinstance(plain.get(last), dict)  # which file, and not what is in it
        if isinstance(node, dict) and last in node and not choice:
            node[last] = None
    left: DictConfig = OmegaConf.create(plain)
    return left


def check_places(config: DictConfig, run: Path, where: str, trust: Collection[str]) -> None:
    """Check that what a configuration of others builds writes into the run's folder alone.

    Args:
        config: It, less what the command line says (`untyped`); `stan_boundary.targets` has checked it.
        run: The run's folder.
        where: The file, for the message.
        trust: Packages whose arguments are not looked at.

    Raises:
        InputError: It names another place, or refers to a key that is not there.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True)
    except (OmegaConfBaseException, RecursionError) as error:
        raise InputError(f"{where}: {' '.join(str(error).split())[:160]}") from None
    assert isinstance(plain, dict)
    home = run.resolve()
    for part, value in plain.items():
        if part in _INPUTS:
            continue
        for key, name, text in _arguments(value, str(part), trust):
            if _names_place(name, text) and not (home / text).resolve().is_relative_to(home):
                raise InputError(
                    f"{where}: {key}={text[:80]} lies outside of the run: give it on the command line"
                )
            if name in _PLACES and not Path(text).is_absolute():
                raise InputError(
                    f"{where}: {key}={text[:80]} would be written where the command runs: give it on the "
                    "command line"
                )


def _arguments(node: Any, key: str, trust: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Dotted key, name and value of every text, but below a target of a trusted package."""
    if isinstance(node, Mapping):
        target = str(node.get("_target_", ""))
        if any(target.startswith(f"{package}.") for package in trust):
            return
        for name, value in node.items():
            if isinstance(value, str):
                yield f"{key}.{name}", str(name), value
            else:
                yield from _arguments(value, f"{key}.{name}", trust)
    elif isinstance(node, list):
        for number, value in enumerate(node):
            if isinstance(value, str):
                yield f"{key}[{number}]", "", value
            else:
                yield from _arguments(value, f"{key}[{number}]", trust)


def _names_place(name: str, text: str) -> bool:
    path = Path(text)
    return (
        name in _PLACES or path.is_absolute() or ".." in path.parts or "://" in text or text.startswith("~")
    )
