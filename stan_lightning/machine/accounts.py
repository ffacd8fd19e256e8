"""Whether the hub and W&B know this user.

Nothing is sent and no secret is read out: it is only looked whether one lies where these libraries look.
"""

import netrc
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

from stan_boundary.typed import typed_python
from stan_lightning.machine.fact import NOTE, Fact

_NEEDED_TO = {"hub": "send a model folder (share hub=<user/name>)", "wandb": "log to W&B (logger=wandb)"}


def facts() -> Iterator[Fact]:
    """One line each."""
    place = _hub()
    if place:
        yield Fact(f"Hugging Face Hub: a token in {place}")
    else:
        said = f"Hugging Face Hub: not logged in, which is needed to {_NEEDED_TO['hub']}"
        yield Fact(said, NOTE, f"{_beside('hf')} auth login")
    place = _wandb()
    if place:
        yield Fact(f"W&B: a key in {place}")
    else:
        yield Fact(
            f"W&B: not logged in, which is needed to {_NEEDED_TO['wandb']}", NOTE, f"{_beside('wandb')} login"
        )


def _beside(program: str) -> str:
    """A package's program, which lies beside the interpreter in a virtual environment."""
    python = typed_python()
    folder = python.rpartition("/")[0]
    return f"{folder}/{program}" if folder and not python.startswith("'") else program


def _hub() -> str:
    if os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN"):
        return "HF_TOKEN"
    home = _home()
    cache = os.environ.get("XDG_CACHE_HOME") or (str(home / ".cache") if home else "")
    folder = os.environ.get("HF_HOME") or (str(Path(cache) / "huggingface") if cache else "")
    file = os.environ.get("HF_TOKEN_PATH") or (str(Path(folder) / "token") if folder else "")
    return file if _holds(file) else ""


def _wandb() -> str:
    if os.environ.get("WANDB_API_KEY"):
        return "WANDB_API_KEY"
    home = _home()
    file = Path(os.environ.get("NETRC") or (home / ".netrc" if home else ""))
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return str(file) if file.is_file() and netrc.netrc(file).authenticators(host) else ""
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError):
        return ""


def _holds(file: str) -> bool:
    try:
        return bool(file) and Path(file).stat().st_size > 0
    except OSError:
        return False


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
