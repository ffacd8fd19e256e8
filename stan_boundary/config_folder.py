"""Folders of configurations that a command line adds (``--config-dir``, ``--config-path``).

A run's folder is one. Hydra composes what lies there and acts on parts of it (callbacks, launchers, sweeps,
logging, environment variables) before any code of this project runs, so all of its files are checked first.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from stan_boundary.errors import InputError
from stan_boundary.opening import read_regular
from stan_boundary.targets import check_targets
from stan_boundary.yaml_file import MAX_BYTES, parse_yaml

_MOST_ENTRIES = 5_000
_TYPED = ("resume", "go_on", "output")
_PACKAGE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_SHIPPED = re.compile(r"^\s*(?:- )?_target_: (\S+)$", re.MULTILINE)


def trusted(overrides: Sequence[str]) -> list[str]:
    """The packages of ``trust=[...]`` on a command line; a configuration's own `trust` does not count.

    Raises:
        InputError: It is no list of names of packages.
    """
    found: list[str] = []
    for text in overrides:
        if text.split("=", 1)[0].lstrip("+") != "trust":
            continue
        try:
            value = OverridesParser.create().parse_override(text).value()
        except HydraException:
            value = None
        words: list[Any] = value if isinstance(value, list) else [value]
        strange = [word for word in words if not (isinstance(word, str) and _PACKAGE.fullmatch(word))]
        if strange:
            raise InputError(f"{text}: give names of packages, as in trust=[my_package]")
        found += words
    return found


def check_config_folders(arguments: Sequence[str], trust: Collection[str], own: Path) -> None:
    """Check every configuration in the folders that a command line adds.

    Args:
        arguments: The command line, as Hydra will parse it.
        trust: Packages that the user allows; ``hydra`` among them allows Hydra's own settings.
        own: The folder of this project's configurations, whose targets are allowed.

    Raises:
        InputError: Something in them would run other code, write where nobody said, or cannot be read.
    """
    flags = get_args_parser().parse_args(list(arguments))
    if flags.experimental_rerun is not None:
        raise InputError(
            "--experimental-rerun runs a pickle, which may do anything: use resume=<run> instead"
        )
    name = flags.config_name or ""
    if name.startswith(("/", "~")) or ".." in Path(name).parts:
        raise InputError(f"--config-name={name} leaves the folder: give --config-dir=<its folder>")
    folders = list(_folders(flags.config_dir, flags.config_path, flags.overrides))
    if not folders:
        return
    typed = {text.split("=", 1)[0].lstrip("+") for text in flags.overrides}
    shipped = {target for file in own.rglob("*.yaml") for target in _SHIPPED.findall(file.read_text("utf-8"))}
    for folder in folders:
        try:
            files = list(_files(folder))
        except RecursionError:
            raise InputError(f"{folder} is nested too deeply for a folder of configurations") from None
        for file in files:
            _check_file(file, folder, trust, shipped, typed)


def _folders(config_dir: str | None, config_path: str | None, overrides: Sequence[str]) -> Iterator[Path]:
    places = [config_dir, config_path]
    for text in overrides:
        if re.match(r"\+*hydra\.searchpath\b|\+*hydra=", text):
            try:
                value = OverridesParser.create().parse_override(text).value()
            except HydraException:
                value = None
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise InputError(f"{text}: give one folder of configurations by --config-dir=<folder>")
            places += value
    for place in places:
        if place is None:
            continue
        path = Path(place.removeprefix("file://"))
        if "://" in str(place.removeprefix("file://")) or "$" in place:
            raise InputError(f"{place}: configurations are read from folders alone")
        if place == config_path and not path.is_absolute():
            raise InputError(f"--config-path={place}: give --config-dir=<folder>, or the whole path")
        if path.is_dir():  # else Hydra says that it is not there
            yield path


def _files(folder: Path) -> Iterator[Path]:
    """All configurations under a folder; links out of it are refused, because Hydra would follow them."""
    count = 0
    for place, folders, names in os.walk(folder):
        count += len(folders) + len(names)
        if count > _MOST_ENTRIES:
            raise InputError(
                f"{folder} holds more than {_MOST_ENTRIES:,} files: is it a folder of configurations?"
            )
        for name in folders:
            if (Path(place) / name).is_symlink():
                raise InputError(
                    f"{Path(place) / name} is a link to a folder: configurations are read without"
                )
        for name in sorted(names):
            if name.endswith((".yaml", ".yml")):
                if (Path(place) / name).is_symlink():
                    raise InputError(f"{Path(place) / name} is a link: configurations are read without")
                yield Path(place) / name


def _check_file(
    file: Path, folder: Path, trust: Collection[str], shipped: Collection[str], typed: Collection[str]
) -> None:
    try:
        text = read_regular(file, MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{file} is no text in UTF-8") from None
    content = parse_yaml(text, str(file))
    hydra = content.pop("hydra", None)
    defaults = content.pop("defaults", [])
    if "hydra" not in trust:
        header = [line for line in text.splitlines() if line.lstrip().startswith("#") and "@package" in line]
        reaches = hydra is not None or "hydra" in file.relative_to(folder).parts[:-1]
        if reaches or any("hydra" in line for line in (*header, str(defaults))):
            raise InputError(
                f"{file} changes settings of Hydra, which can run commands: if you know it and trust it, add "
                "trust=[hydra]"
            )
    _check_defaults(defaults, file)
    for key in _TYPED:
        if key not in typed and _leads_away(key, content.get(key)):
            raise InputError(
                f"{file} sets {key}: give {key}=<...> on the command line, or leave it out there"
            )
    check_targets(content, trust, str(file), shipped)


def _leads_away(key: str, value: Any) -> bool:
    """Whether the user should have said this; an output below the folder at hand is a name like any other."""
    if key != "output" or not isinstance(value, str):
        return value not in (None, False, "???")
    return Path(value).is_absolute() or ".." in Path(value).parts or value.startswith(("~", "$"))


def _check_defaults(defaults: Any, file: Path) -> None:
    entries = defaults if isinstance(defaults, list) else [defaults]
    for text in [str(part) for one in entries for part in (one.items() if isinstance(one, dict) else [one])]:
        if "$" in text or ".." in text or ":/" in text:
            raise InputError(
                f"{file}: its list of defaults names {text[:80]}: only files of its own folder can"
            )
