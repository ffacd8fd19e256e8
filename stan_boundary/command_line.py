"""What a command's user typed, checked before anything starts, and the help that tells what can be typed."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from textwrap import wrap
from typing import NoReturn

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf

from stan_boundary.config_folder import check_config_folders, trusted
from stan_boundary.configs import CONF
from stan_boundary.entry import speak_any_terminal
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.typed import typed

_HELP = ("--help", "-h")
_KEY = re.compile(r"^( *)([A-Za-z_]\w*):(?: (.*?))?(?:\s+# (.*))?$")
_WIDTH = 110


def check_command_line(
    config_name: str, about: str, examples: Sequence[str], optional: str | None = None
) -> None:
    """Show the help where it was asked for; end in one line where a key or choice is not there.

    Folders of configurations that the command line adds are checked before Hydra reads them; their keys, and
    Hydra's own flags, are left to Hydra.

    Args:
        config_name: The command's config in ``conf/``.
        about: What the command does; a docstring.
        examples: Whole command lines.
        optional: A key that need not be set though it has no value, and makes others needless.
    """
    speak_any_terminal()
    arguments = sys.argv[1:]
    if any(argument in _HELP for argument in arguments):
        print(help_text(config_name, about, examples))
        sys.exit(0)
    try:
        check_config_folders(arguments, trusted(arguments), Path(CONF))
    except InputError as error:
        _end(str(error))
    flags = [argument for argument in arguments if argument.startswith("-")]
    if any(flag not in ("-m", "--multirun", "-r", "--run") for flag in flags):
        # Whatever configuration is composed, `trust` can be given.
        sys.argv[1:] = [f"++{one}" if one.startswith("trust=") else one for one in arguments]
        return
    try:
        asked = OverridesParser.create().parse_overrides([a for a in arguments if a not in flags])
        with initialize_config_dir(CONF, version_base="1.3"):
            config = _compose(config_name, [_single(override) for override in asked])
    except OverrideParseException as error:
        said = " ".join(str(error).split("\nSee ")[0].split())
        _end(f"`{error.override}` cannot be read: {said}")
    except HydraException as error:
        _end(" ".join(str(error).split("\nConfig search path")[0].split()))
    if optional is None or OmegaConf.is_missing(config, optional):
        for key in _missing(OmegaConf.to_container(config, resolve=False), ""):
            if key == optional:
                continue
            example = next((line for line in examples if f" {key}=" in line), examples[0])
            _end(f"{key} is not set: give {key}=<...>, as in `{typed(example)}`")


def with_new_keys(arguments: Sequence[str], prefix: str) -> list[str]:
    """Let users add keys below `prefix`, whose names are theirs to choose, without Hydra's ``+``.

    >>> with_new_keys(["data.signals.openface=a", "seed=1"], "data.signals")
    ['++data.signals.openface=a', 'seed=1']
    """
    return [f"++{one}" if one.startswith(f"{prefix}.") and "=" in one else one for one in arguments]


def with_scale(arguments: Sequence[str]) -> list[str]:
    """Let ``data.scale=<name>`` choose a file of ``conf/data/scale``.

    >>> with_scale(["data.scale=phq8", "data.scale.range=[0,10]"])
    ['data/scale=phq8', 'data.scale.range=[0,10]']
    """
    return [one.replace(".", "/", 1) if one.startswith("data.scale=") else one for one in arguments]


def with_model_folder(arguments: Sequence[str]) -> list[str]:
    """Let ``model=<folder or user/name>`` name a trained network, where no configuration is called so.

    >>> with_model_folder(["model=sta_drn", "model=models/a"])
    ['model=sta_drn', 'model_folder=models/a']
    """
    words = []
    for one in arguments:
        name, _, value = one.partition("=")
        if name == "model" and value and not (Path(CONF) / "model" / f"{value}.yaml").is_file():
            one = f"model_folder={value}"
        words.append(one)
    return words


def _compose(config_name: str, overrides: Sequence[str]) -> DictConfig:
    try:
        return compose(config_name, list(overrides))
    except ConfigCompositionException as error:
        missed = re.match(r"Could not (?:override|delete from config\.) '([^'@]+)", str(error))
        if not missed:
            raise
        known = [*groups(config_name), *(key for key, _, _ in keys(config_name))]
        last = missed[1].rpartition(".")[2]
        near = (
            get_close_matches(missed[1], known, n=2, cutoff=0.8)
            or [key for key in known if get_close_matches(last, [key.rpartition(".")[2]], cutoff=0.8)][:3]
        )
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        _end(f"there is no key {missed[1]}{meant} (--help lists all; +{missed[1]}=<...> adds one)")


def _missing(node: object, prefix: str) -> Iterator[str]:
    """Keys without a value; OmegaConf's own search would resolve what only a started Hydra knows."""
    if node == "???":
        yield prefix.rstrip(".")
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _missing(value, f"{prefix}{name}.")


def _single(override: Override) -> str:
    """The override for one job: of a sweep's values the first."""
    line = override.input_line or ""
    if override.is_discrete_sweep():
        first = next(iter(override.sweep_string_iterator()))
        return f"{line.split('=', 1)[0]}={first}"
    if override.is_sweep_override():  # an interval, of which any number will do
        return f"{line.split('=', 1)[0]}=1"
    return line


def _end(said: str) -> NoReturn:
    print(f"error: {printable(said)}", file=sys.stderr, flush=True)
    sys.exit(2)


# --- what there is to type ------------------------------------------------------------------------


def help_text(config_name: str, about: str, examples: Sequence[str]) -> str:
    """What the command does, examples, its groups with their choices, its keys with their comments."""
    lines = [about.strip(), "", "Examples:", *(f"  {typed(example)}" for example in examples)]
    chosen = groups(config_name)
    if chosen:
        lines += ["", "Groups, as in group=choice (the default stands first):"]
        for group, default in chosen.items():
            others = sorted(f.stem for f in (Path(CONF) / group).glob("*.yaml") if f.stem != default)
            choices = " | ".join([default, *others])
            lines += wrap(f"  {group}: {choices}", _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    lines += ["", "Keys, as in key=value:"]
    for key, value, comment in keys(config_name):
        if not comment:  # wiring, whose value comes from another key
            continue
        left = f"  {key}={value}" if value else f"  {key}"
        said = wrap(comment, _WIDTH - 44)
        if len(left) > 42:
            lines.append(left)
            left = ""
        lines += [f"{left:<43} {said[0]}".rstrip(), *(f"{'':<43} {more}" for more in said[1:])]
    lines += [
        "",
        "A key that is not there is added by +key=value; --cfg job prints the config that comes out;",
        "--hydra-help tells of Hydra itself.",
    ]
    return "\n".join(lines)


def groups(config_name: str) -> dict[str, str]:
    """The groups of a command's config with their defaults, `null` where none is chosen."""
    found: dict[str, str] = {}
    for entry in _read(f"{config_name}.yaml").get("defaults", []):
        if isinstance(entry, Mapping):
            for group, default in entry.items():
                if not str(group).startswith("override "):
                    found[str(group)] = "null" if default is None else str(default)
    inner: dict[str, str] = {}
    for group, default in found.items():
        if default != "null":
            inner |= _inner_groups(group, default)
    return found | inner


def _inner_groups(group: str, choice: str) -> dict[str, str]:
    """The groups within a group's choice, such as model/objective, with their defaults."""
    found: dict[str, str] = {}
    for entry in _read(f"{group}/{choice}.yaml").get("defaults", []):
        if isinstance(entry, Mapping):
            named = {
                str(name): str(default) for name, default in entry.items() if "override" not in str(name)
            }
            found |= {f"{group}/{name}": default for name, default in named.items() if "@" not in name}
        elif entry != "_self_":
            found |= _inner_groups(group, str(entry))
    return found


def keys(config_name: str) -> Iterator[tuple[str, str, str]]:
    """Dotted keys of a command's config, with the groups' defaults: key, value and comment as written."""
    yield from _file_keys(f"{config_name}.yaml", "")
    for group, default in groups(config_name).items():
        if default != "null" and "/" not in group:
            yield from _group_keys(group, default, f"{group}.", set())


def _group_keys(group: str, choice: str, prefix: str, seen: set[str]) -> Iterator[tuple[str, str, str]]:
    """Keys of a group's choice below `prefix`, and of what its defaults bring in."""
    for key, value, comment in _file_keys(f"{group}/{choice}.yaml", prefix):
        if key not in seen:
            seen.add(key)
            yield key, value, comment
    for base in _read(f"{group}/{choice}.yaml").get("defaults", []):
        if isinstance(base, Mapping):
            for name, default in base.items():
                inner, _, place = str(name).partition("@")
                yield from _group_keys(f"{group}/{inner}", str(default), f"{prefix}{place or inner}.", seen)
        elif base != "_self_":
            yield from _group_keys(group, str(base), prefix, seen)


def _file_keys(file: str, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Keys of one YAML file; a comment goes on in lines that hold nothing else."""
    path: list[tuple[int, str]] = []
    found: list[list[str]] = []
    for line in (Path(CONF) / file).read_text(encoding="utf-8").splitlines():
        if found and (more := re.match(r"^ {12,}# (.*)$", line)):
            found[-1][2] += f" {more[1].strip()}"
            continue
        if not (match := _KEY.match(line)):
            continue
        depth, name = len(match[1]), match[2]
        path = [(d, n) for d, n in path if d < depth] + [(depth, name)]
        if path[0][1] in ("defaults", "hydra") or name.startswith("_"):
            continue
        key = prefix + ".".join(n for _, n in path)
        found.append([key, match[3] or "", match[4] or ""])
    yield from ((key, value, comment.strip()) for key, value, comment in found)


def _read(file: str) -> Mapping[str, list[object]]:
    content = OmegaConf.to_container(OmegaConf.load(Path(CONF) / file), resolve=False)
    assert isinstance(content, dict)
    return content  # type: ignore[return-value] # the keys of our own files are words
