"""Makes a model folder that others can use: ``python -m stan_lightning.share run=<run> output=<folder>``.

Writes model.safetensors, config.json and README.md, a model card with the run's evaluation; with
``onnx=true`` also model.onnx. Names of people and recordings, labels, paths and pictures stay here: every
byte of the folder is searched for them. ``predict model=<folder>``, ``evaluate model=<folder>`` and
``train model.init_weights=<folder>`` read it.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import hydra
import pandas as pd
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from stan_boundary.command_line import check_command_line
from stan_boundary.config_folder import trusted
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.typed import override, typed
from stan_lightning.classification import received
from stan_lightning.data.facts import clip_shape
from stan_lightning.data.manifest import PARTITIONS
from stan_lightning.evaluation import results
from stan_lightning.evaluation.trained import Trained, open_checkpoint
from stan_lightning.network.export import need_onnx, save_onnx
from stan_lightning.network.model_folder import ONNX
from stan_lightning.prediction import intake
from stan_lightning.runs.versions import versions
from stan_lightning.sharing import folder, hub
from stan_lightning.sharing.card import model_card
from stan_lightning.sharing.corpus import Corpus, corpus_of
from stan_lightning.sharing.scan import scan, words

EXAMPLES = (
    "python -m stan_lightning.share run=outputs/train/a output=models/a",
    "python -m stan_lightning.share run=outputs/train/a output=models/a i_may_share=true hub=me/a",
    "python -m stan_lightning.share run=outputs/train/a/checkpoints/last.ckpt output=models/a onnx=true",
)


def main() -> None:
    """Check what was typed, then run."""
    check_command_line("share", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="share")
def run(config: DictConfig) -> None:
    """Make one model folder."""
    with one_line_errors():
        share(config, trusted(HydraConfig.get().overrides.task))


def share(config: DictConfig, trust: Collection[str] = ()) -> None:
    """Write, search and say what was left out; send it where that was asked for.

    Args:
        config: What the command line made of ``conf/share.yaml``.
        trust: Packages whose classes the checkpoint may name besides this project's and torch's.
    """
    if config.onnx:
        need_onnx("onnx=true", "onnxscript")
    checkpoint = _checkpoint(Path(config.run))
    trained, home, output = open_checkpoint(checkpoint, trust), checkpoint.parents[1], Path(config.output)
    found = _evaluations(home)
    corpus = corpus_of(trained, home, [predictions for _, predictions in found])
    if corpus.agreement and config.i_may_share is not True:
        raise InputError(
            f"{config.run} was trained on {corpus.agreement}, whose agreement binds what is made of it: ask "
            "its owners, and add i_may_share=true where they allow you to hand on weights"
        )
    crops = _crop_settings(trained)
    described = folder.described(trained, crops, versions())
    unnamed = "synthetic subjects" if trained.data["synthetic"] else "own data"
    name = str(config.data_name or corpus.agreement or unnamed)
    parameters = sum(one.numel() for one in trained.module.network.parameters())
    card = model_card(
        config.hub or output.resolve().name,
        *(described, name, corpus.agreement, str(config.license)),
        *([numbers for numbers, _ in found], parameters),
    )
    part = folder.write(trained, described, card, output)
    try:
        if config.onnx:
            save_onnx(trained.module.network, part / ONNX, **clip_shape(trained.data))
        scan(part, corpus, words(described))
        paths = folder.finish(part, output)
    finally:
        folder.discard(part)
    _say(trained, corpus, bool(found), paths)
    if config.hub:
        print(f"sent to {hub.send(output, str(config.hub))}")
    command = f"python -m stan_lightning.predict {override('model', output)} video=<video>"
    print(printable(f"next: {typed(command)}"))


def _checkpoint(given: Path) -> Path:
    """The checkpoint that is reported, or the one that is named."""
    if given.is_dir():
        given = given / "checkpoints" / "best.ckpt"
    if not given.is_file():
        raise InputError(f"no checkpoint at {given}: give run=<a run's folder>, or a checkpoint in it")
    return given.absolute()


def _evaluations(home: Path) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """Numbers and predictions of the run's own evaluation: of the test partition, else of development."""
    for partition in reversed(PARTITIONS[1:]):
        place = home / "evaluation" / partition
        if (place / "metrics.json").is_file():
            if received.tells_classes(place / "metrics.json"):
                return [received.read(place)]
            found = results.read(place)
            return [(found.metrics, found.predictions)]
    return []


def _crop_settings(trained: Trained) -> dict[str, object]:
    """How the crops were made, where they are there to tell."""
    found = intake.recorded_settings(trained.data["root"])
    if not found:
        print("the crops of this run are not here, or are another program's: how they were made is not told")
    return found


def _say(trained: Trained, corpus: Corpus, evaluated: bool, paths: list[Path]) -> None:
    sessions = trained.sessions
    print(
        f"left out: {len(sessions.sessions)} training sessions with the names and scores of "
        f"{len(sessions.subjects)} people, {len(corpus.names)} names of recordings, files and people, "
        f"{len(corpus.paths)} paths, the optimiser's state; searched for all of them: none is in it"
    )
    if not evaluated:
        print("not evaluated: the card says so; evaluate the run first for one with numbers")
    for path in paths:
        print(printable(path))


if __name__ == "__main__":
    main()
