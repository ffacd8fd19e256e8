"""YAML that others wrote, read as plain data: bounded in size, depth and aliases before it is built."""

from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stan_boundary.errors import InputError
from stan_boundary.opening import read_regular

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 24
_MAX_NODES = 20_000


def read_yaml(file: Path) -> dict[str, Any]:
    """Read a mapping with text for keys; interpolations stay as they are written.

    Raises:
        InputError: The file is no regular file, too large or too deep, uses aliases, or is no such mapping.
    """
    try:
        text = read_regular(file, MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{file} is no text in UTF-8") from None
    return parse_yaml(text, str(file))


def parse_yaml(text: str, name: str) -> dict[str, Any]:
    """As `read_yaml`, of what a file called `name` holds."""
    try:
        _bound(text, name)
        content = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        said = " ".join(str(error).split())[:160]
        raise InputError(f"{name} is not YAML that can be read: {said}") from None
    if not isinstance(content, dict) or not _text_keys(content):
        raise InputError(f"{name} is no configuration: it must be a mapping with text for keys")
    return content  # type: ignore[return-value] # checked one line above


def _bound(text: str, name: str) -> None:
    """Refuse what grows when it is built; the parser's events neither recurse nor expand anything."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{name} uses YAML aliases (*{event.anchor}): write the values out")
        nodes += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH or nodes > _MAX_NODES:
            raise InputError(f"{name} is too deep or has too many entries for a configuration")


def _text_keys(node: Any) -> bool:
    if isinstance(node, dict):
        return all(isinstance(key, str) and _text_keys(value) for key, value in node.items())
    return all(map(_text_keys, node)) if isinstance(node, list) else True
