"""The W&B dashboard of a run: offline unless there is a login, and never a question or a wait."""

import netrc
import os
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import wandb
from lightning.pytorch.loggers import WandbLogger

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.opening import read_regular
from stan_boundary.writing import write_whole
from stan_lightning.logging.processes import is_first

IDENTITY = "wandb_id.txt"
LONGEST_TAG = 50  # characters, of 64 that W&B takes, with a modality before it


class Dashboard(WandbLogger):
    """Lightning's logger with an identity that outlives an interruption.

    Args:
        run_folder: Folder of the run; keeps the identity and the offline files.
        project: W&B project.
        offline: None: offline where there is no login.
        group: What the jobs of a sweep share; None outside of one.
        tags: Short words to filter by.
        model: The network's configuration, which says more such words; None: no more.
        recordings: Also send names, labels and predictions of development recordings. They are under
            the corpus's agreement: only for a project that everyone in it may see.
        faces: Also send pictures of faces.
    """

    def __init__(
        self,
        run_folder: str,
        project: str,
        offline: bool | None,
        group: str | None,
        tags: Sequence[str],
        recordings: bool,
        faces: bool,
        model: Mapping[str, Any] | None = None,
    ) -> None:
        folder, mode = Path(run_folder), _mode(offline)
        # What is printed names paths and recordings; it stays here.
        settings = wandb.Settings(silent=True, console="off", init_timeout=60.0)
        # Nor does the machine's name, its user, the command line and what git knows leave it.
        settings.host = "unnamed"
        settings.x_disable_meta = settings.x_disable_machine_info = True
        settings.disable_git = settings.disable_code = True
        if mode == "online":  # offline, W&B 0.31 would with this limit return before its file is whole
            settings.finish_timeout = 300.0
        self.recordings, self.faces = recordings, faces
        super().__init__(
            project=project,
            save_dir=run_folder,
            id=_identity(folder) if is_first() else None,
            name="/".join(folder.parts[-2:]),
            group=group,
            job_type="sweep" if group else "train",
            tags=[str(tag) for tag in (*tags, *(network_tags(model) if model else ()))],
            settings=settings,
            mode=mode,
        )
        del self._wandb_init["anonymous"]  # W&B warns of it, whatever its value
        if is_first() and self._wandb_init["mode"] == "online":
            self._reach()

    def _reach(self) -> None:
        """Start online, and say where to; where the server is not to be had, go on offline and say so."""
        owner = os.environ.get("WANDB_ENTITY") or "your default entity"
        print(
            f"W&B: this run is sent to project {printable(str(self._wandb_init['project']))} of {owner}; "
            "logger.wandb.offline=true keeps it on this machine"
        )
        try:
            _ = self.experiment
        except wandb.Error as error:
            wandb.teardown()
            said = " ".join(str(error).split())
            print(f"W&B cannot be reached ({said}): this run is logged offline, `wandb sync` sends it later")
            self._wandb_init["mode"] = "offline"

    def close(self, failed: bool) -> None:
        """End the run, so that the next one in this process is its own, and say where it lies."""
        if self._experiment is not None and is_first():
            url, folder = self.experiment.url, Path(self.experiment.dir).parent
            self.experiment.finish(exit_code=int(failed))
            self._experiment = None
            print(f"dashboard: {url or f'{folder}; `wandb sync {shlex.quote(str(folder))}` sends it'}")


def network_tags(model: Mapping[str, Any]) -> list[str]:
    """A network in words to filter by: its class and choices, what it reads, and the same of each encoder.

    What encoders do not have in common is said of each.
    """
    network = model["network"]
    encoders = network.get("encoders") or {network["encoder"].get("modality", "face"): network["encoder"]}
    words = {name: _words(one) for name, one in encoders.items()}
    shared = [word for word in next(iter(words.values())) if all(word in said for said in words.values())]
    own = [f"{name} {word}" for name, said in words.items() for word in said if word not in shared]
    return [*_words(network), *encoders, *shared, *own]


def _words(config: Mapping[str, Any]) -> list[str]:
    """The class of a config's target, and its arguments that are words or whole numbers."""
    said = [str(config["_target_"]).rpartition(".")[2]]
    for name, value in config.items():
        if not name.startswith("_") and name != "modality" and isinstance(value, str | int):
            said += [] if isinstance(value, bool) else [f"{name}={value}"]
    return [word for word in said if len(word) <= LONGEST_TAG]


def _identity(folder: Path) -> str:
    """The run's id: drawn once, kept in its folder."""
    file = folder / IDENTITY
    if not file.exists() or file.is_symlink():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(file, secrets.token_hex(4).encode())
    identity = read_regular(file, 64).decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9A-Za-z_-]+", identity):
        raise InputError(f"{file} holds no id of a run: remove it to start a new one in the dashboard")
    return identity


def _mode(offline: bool | None) -> str:
    """One of W&B's modes. `online` is chosen only with a login, so W&B has nothing to ask."""
    asked = os.environ.get("WANDB_MODE", "")
    if asked in ("disabled", "offline", "shared"):
        return asked
    if offline is False and not logged_in():
        raise InputError("logger.wandb.offline=false, but nobody is logged in: run `wandb login` first")
    return "offline" if offline or not logged_in() else "online"


def logged_in() -> bool:
    """Whether a key for the W&B server is at hand, without asking the server."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    for name in (os.environ.get("NETRC"), "~/.netrc", "~/_netrc"):
        place = os.path.expanduser(name or "")  # as it is where no home is known
        if name and os.path.isfile(place):
            try:
                found: Any = netrc.netrc(place).authenticators(host or "")
            except netrc.NetrcParseError:
                continue
            if found:
                return True
    return False
