"""The folder of a run or sweep is tried before Hydra makes it, whose own errors are tracebacks.

It is its owner's alone: pictures of faces, names and scores come to lie in it.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from stan_boundary import trouble
from stan_boundary.names import printable


class RunFolder(Callback):
    """Ends the command in one line where nothing can be written to its folder."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Try a single run's folder."""
        HydraConfig.instance().set_config(config)  # as Hydra does next; the folder's name may need it
        _try(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Try a sweep's folder."""
        HydraConfig.instance().set_config(config)
        _try(Path(config.hydra.sweep.dir))

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Close the folder to others where Hydra has made it; one that holds something keeps its mode."""
        folder = Path(config.hydra.runtime.output_dir)
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.chmod(0o700)


def _try(folder: Path) -> None:
    present = folder.exists()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        if present:
            error.filename = str(folder)
        said = trouble.said(error) or f"{folder}: {error.strerror or error}"
        print(f"error: {printable(said)}; hydra.run.dir=<folder> names another", file=sys.stderr, flush=True)
        sys.exit(2)
