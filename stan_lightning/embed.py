"""Runs a pretrained network over crops or their sound, once, and stores what it makes of them as a signal.

``python -m stan_lightning.embed encoder=face|speech encoder.name=<model> data.root=<crops>`` writes
``<crops>/signals/<name>/<recording>.npz`` and ``signal.json``. Recordings that are there are skipped; the
exit code is 3 where some could not be read.
"""

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from stan_boundary.command_line import check_command_line
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.typed import typed
from stan_lightning.data.manifest import read_manifest
from stan_lightning.embedding.run import embed_recordings, said
from stan_lightning.embedding.signal_folder import SignalFolder, signal_name

_EXIT_INTERRUPTED = 130  # what a shell expects after Ctrl-C
_SOME_FAILED = 3

EXAMPLES = (
    "python -m stan_lightning.embed encoder=face encoder.name=facebook/dinov2-small data.root=crops",
    "python -m stan_lightning.embed encoder=speech encoder.name=facebook/wav2vec2-base-960h data.root=crops",
    "python -m stan_lightning.embed encoder.name=models/mine signal=mine data.root=crops",
)


def main() -> None:
    """Check what was typed, then run."""
    check_command_line("embed", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="embed")
def run(config: DictConfig) -> None:
    """Embed one set of crops with one encoder."""
    with one_line_errors():
        failed = embed(config)
        if failed and HydraConfig.get().mode is not RunMode.MULTIRUN:
            sys.exit(_SOME_FAILED)


def embed(config: DictConfig) -> int:
    """Read the manifest, open the encoder, write the signal; returns how many could not be read."""
    root = Path(str(config.data.root))
    name = signal_name(config.signal, str(config.encoder.name), str(config.encoder.weights))
    table = read_manifest(root, lenient=True)
    encoder = instantiate(config.encoder, _convert_="all")
    if not (encoder.amounts(table) > 0).any():
        raise InputError(
            f"{root}: no recording has {encoder.reads}; `{typed('python -m preprocess')}` adds sound to "
            "videos' crops"
        )
    home = root if root.is_dir() else root.parent
    folder = SignalFolder(home / "signals" / name, encoder.record)
    try:
        tally = embed_recordings(encoder, table, folder, Console())
    except KeyboardInterrupt:
        print("stopped: finished recordings are kept; the same command goes on from there", file=sys.stderr)
        sys.exit(_EXIT_INTERRUPTED)
    for line in said(tally, encoder.record, folder.folder):
        print(printable(line))
    return len(tally.failed)


if __name__ == "__main__":
    main()
