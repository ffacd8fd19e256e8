"""What a report reads of the run that an evaluation belongs to: its own configuration and its curves.

Only the files of the run itself are read, and of its configuration only keys that this project knows: a link,
or another program's config.yaml in a folder above, could hold anything.
"""

import io
import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_boundary.names import printable, shortened
from stan_boundary.opening import read_regular
from stan_boundary.yaml_file import read_yaml

CONFIG = "config.yaml"
CURVES = "metrics.csv"
OTHERS = "other keys"
_ROOTS = ("seed", "group", "variant", "data", "model", "trainer", "logger")
_NAMED_FREELY = ("signals", "encoders", "init_weights")
"""Below these a key may be the name of a signal."""
_CURVES = ("epoch", "val/mae", "val/rmse", "val/accuracy", "val/macro_f1", "val/auc", "train/loss")
_MOST_CURVES = 16_000_000
_MOST_TEXT = 400


def run_of(evaluation: Path) -> Path | None:
    """The run that an evaluation lies in: `<run>/evaluation/<partition>` or `<run>/<folder>`; else None."""
    place = evaluation.absolute()
    for home in ([place.parents[1]] if place.parent.name == "evaluation" else []) + [place.parent]:
        config, checkpoints = home / CONFIG, home / "checkpoints"
        if (
            checkpoints.is_dir()
            and not checkpoints.is_symlink()
            and config.is_file()
            and not config.is_symlink()
        ):
            return home
    return None


def run_settings(run: Path) -> dict[str, str]:
    """Known keys of a run's configuration, flat, as text; the others as one digest, so that runs stay apart.

    Raises:
        InputError: It cannot be read.
    """
    flat = dict(_flat(read_yaml(run / CONFIG)))
    known = {key: shortened(printable(value), _MOST_TEXT) for key, value in flat.items() if _is_known(key)}
    others = sorted((key, value) for key, value in flat.items() if key not in known and _root(key) in _ROOTS)
    return known | ({OTHERS: sha256(repr(others).encode()).hexdigest()[:12]} if others else {})


def listing(run: Path) -> str:
    """Known keys of a run's configuration as YAML, and how many others it has; "" where there is none."""
    if not _is_own(run / CONFIG):
        return ""
    content = read_yaml(run / CONFIG)
    kept = _kept(content, "")
    hidden = sum(1 for _ in _flat(content)) - sum(1 for _ in _flat(kept))
    text: str = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    return text + (f"# and {hidden} keys that are not shown\n" if hidden else "")


def curves(run: Path) -> pd.DataFrame | None:
    """What training logged by epoch, finite numbers or NaN; None where there is nothing to draw.

    Raises:
        InputError: It cannot be read.
    """
    if not _is_own(run / CURVES):
        return None
    try:
        table = pd.read_csv(io.BytesIO(read_regular(run / CURVES, _MOST_CURVES)))
        table = table[[name for name in table if name in _CURVES]]
        numbers = table.astype(float)
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        said = " ".join(str(error).split())[:120]
        raise InputError(
            f"{run / CURVES} is no table of epochs ({said}): remove it to go on without"
        ) from None
    if "epoch" not in numbers or numbers.empty:
        return None
    return numbers.where(numbers.abs() < 1e9, np.nan).dropna(subset=["epoch"])


def _is_own(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


@cache
def _words() -> frozenset[str]:
    """Every key of the configurations that training is composed of."""
    conf = Path(CONF)
    files = [conf / "train.yaml"]
    for group in ("data", "model", "trainer", "logger", "experiment", "sweep"):
        files += (conf / group).rglob("*.yaml")
    found = (
        re.findall(r"^\s*(?:- )?([A-Za-z_]\w*):", file.read_text("utf-8"), re.MULTILINE) for file in files
    )
    return frozenset(word for words in found for word in words)


def _root(key: str) -> str:
    return key.split(".", 1)[0]


def _is_known(key: str) -> bool:
    root, *parts = key.split(".")
    above = [root, *parts]
    return root in _ROOTS and all(
        part in _words() or (above[number] in _NAMED_FREELY and part.isidentifier())
        for number, part in enumerate(parts)
    )


def _flat(value: Any, prefix: str = "") -> Any:
    if not isinstance(value, Mapping):
        yield prefix, str(value)
        return
    for key, inner in value.items():
        yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))


def _kept(node: Any, prefix: str) -> Any:
    if isinstance(node, str):
        return shortened(node, _MOST_TEXT)
    if not isinstance(node, Mapping):
        return node
    found = {key: _kept(value, f"{prefix}.{key}" if prefix else key) for key, value in node.items()}
    return {
        key: value
        for key, value in found.items()
        if value != {} and _is_known(f"{prefix}.{key}" if prefix else key)
    }
