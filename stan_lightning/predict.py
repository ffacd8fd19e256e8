"""Scores videos: ``python -m stan_lightning.predict checkpoint=<file> video=my.mp4 output=<folder>``.

Takes a video, a folder of videos, or crops. Writes predictions.html with everything on one page,
and beside it predictions.csv, windows.csv and, for each recording, its timeline, a picture and a film of
where the network looks. ``model=<model folder, or user/name on the hub>``, or ``weights=<released state
dict>`` with ``model.*`` and ``data.*``, stands for a checkpoint.
"""

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import hydra
import lightning as L
import pandas as pd
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from stan_boundary.command_line import check_command_line, with_model_folder, with_new_keys, with_scale
from stan_boundary.config_folder import trusted
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text
from stan_boundary.names import csv_cell, printable
from stan_boundary.writing import output_folder, write_whole
from stan_lightning.data.crops import open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.facts import facts
from stan_lightning.data.notices import DISCLAIMER, TRAINED_ON_SYNTHETIC
from stan_lightning.data.scale import SeverityScale
from stan_lightning.data.signal_listing import OF_CROPS
from stan_lightning.evaluation.released import open_released
from stan_lightning.evaluation.runtime import computed_by
from stan_lightning.evaluation.scoring import score_windows
from stan_lightning.evaluation.timeline import probability_column
from stan_lightning.evaluation.trained import Trained, open_checkpoint, way
from stan_lightning.pages import figures
from stan_lightning.pages.predictions_page import PAGE, Scored, page, said_bounds
from stan_lightning.pages.views import look
from stan_lightning.prediction.answers import answers, known_of_new_people
from stan_lightning.prediction.intake import quality
from stan_lightning.prediction.prepared import Reading, prepare
from stan_lightning.runs.quiet import quiet
from stan_lightning.sharing.folder import open_model
from stan_lightning.sharing.hub import local
from stan_lightning.training.module import StanModule
from stan_lightning.training.trainer_refusals import SCORING, refuse_trainer_settings

SOME_REFUSED = 3
_LEAST_FPS, _MOST_FPS = 0.5, 1000.0


EXAMPLES = (
    "python -m stan_lightning.predict checkpoint=runs/a/checkpoints/best.ckpt video=my.mp4",
    "python -m stan_lightning.predict checkpoint=runs/a/checkpoints/best.ckpt video=clips output=scores",
    "python -m stan_lightning.predict checkpoint=runs/a/checkpoints/best.ckpt video=my.mp4 views=false",
    "python -m stan_lightning.predict model=models/a video=my.mp4",
    "python -m stan_lightning.predict weights=released.pth data.frame_stride=1 video=my.mp4",
)


def main() -> None:
    """Check what was typed, then run."""
    sys.argv[1:] = with_model_folder(with_scale(with_new_keys(sys.argv[1:], "signals")))
    check_command_line("predict", __doc__ or "", EXAMPLES)
    run()


@hydra.main(version_base="1.3", config_path=CONF, config_name="predict")
def run(config: DictConfig) -> None:
    """Score whatever is handed in; the exit code is 3 where some of it could not be scored."""
    with one_line_errors():
        refused = predict(config, HydraConfig.get().overrides.task)
        if refused and HydraConfig.get().mode is not RunMode.MULTIRUN:
            sys.exit(SOME_REFUSED)


def predict(config: DictConfig, overrides: Sequence[str] = ()) -> int:
    """Score, write and say what came out; returns how many recordings were refused.

    Args:
        config: What the command line made of ``conf/predict.yaml``.
        overrides: What was typed: packages to trust, and what may not be said of a checkpoint.
    """
    quiet()
    refuse_trainer_settings(config.trainer, SCORING)
    trained = opened(config, overrides)
    reading = Reading(
        *(config[name] for name in ("shortest", "batch_size", "num_workers", "signals", "crops"))
    )
    if config.stage not in (1, 2, 3, 4):
        raise InputError(f"stage={config.stage} is none of 1, 2, 3, 4")
    output = Path(config.output)
    ready = prepare(trained, Path(config.video), output / "crops", reading, print)
    data, usable, refusals = ready.data, ready.recordings, ready.refusals
    output_folder(output)
    trainer: L.Trainer = instantiate(config.trainer, _convert_="all")
    module = computed_by(str(config.runtime), trained.module, trained.data)
    scored = score_windows(module, data, usable, trainer)
    predictions = answers(scored, usable, trained)
    write_table(predictions, output / "predictions.csv")
    write_table(scored, output / "windows.csv")
    found = list(show(trained, data, usable, predictions, scored, config))
    synthetic = bool(trained.data["synthetic"])
    new_person = known_of_new_people(trained)
    content = page(found, refusals, scale_of_answers(trained), synthetic, new_person)
    write_whole(output / PAGE, as_text(content).encode())
    say(predictions, usable, trained)
    print(new_person)
    if synthetic:
        print(TRAINED_ON_SYNTHETIC)
    print(printable(as_text(f"next: open in a browser {output / PAGE}")))
    return len(refusals)


def opened(config: DictConfig, overrides: Sequence[str]) -> Trained:
    """The network that the command line names, and how it reads clips.

    Raises:
        InputError: It names none or two, or cannot be read.
    """
    named = way(config)
    if named == "weights":
        if config.data.score_range is None:
            raise InputError("weights= gives scores in points; data.score_range=null is for classes")
        data: CropDataModule = instantiate(config.data, _convert_="all")
        unknown = pd.DataFrame({"label": pd.Series(dtype=float)})
        known = facts(unknown, None, {}, data.hparams)
        module: StanModule = instantiate(config.model, data=known, _convert_="all")
        return open_released(config.weights, module, data)
    asked = [one.split("=", 1)[0].lstrip("+~").replace("/", ".") for one in overrides]
    if fixed := [name for name in asked if name.split(".")[0] in ("data", "model")]:
        kind = "checkpoint" if named == "checkpoint" else "model folder"
        raise InputError(f"{fixed[0]}: a {kind} knows its own network and clips; leave it out")
    if named == "model_folder":
        trained = open_model(local(str(config.model_folder)), trusted(overrides))
    else:
        trained = open_checkpoint(config.checkpoint, trusted(overrides))
    return trained


def scale_of_answers(trained: Trained) -> SeverityScale:
    """What windows are drawn on: the scale of scores, or that of probabilities."""
    return trained.scale if trained.classes is None else SeverityScale("probability", (0.0, 1.0))


def show(
    trained: Trained,
    data: CropDataModule,
    usable: pd.DataFrame,
    predictions: pd.DataFrame,
    scored: pd.DataFrame,
    config: DictConfig,
) -> Iterator[Scored]:
    """Draw each recording's timeline and, with `views`, where the network looks; as the page shows it."""
    output = Path(config.output)
    rows = list(zip(usable.itertuples(), predictions.to_dict("records"), strict=True))
    console = Console()
    for index, (row, answer) in enumerate(
        track(rows, "pictures", console=console, disable=not console.is_terminal)
    ):
        name = str(row.recording)
        own = scored[scored["recording"] == name]
        called, number = None, 0
        if trained.classes is not None:
            called = str(answer["predicted"])
            number = trained.classes.index(called)
            own = own.assign(output=own[probability_column(called)])
        stem = output / name
        timeline = io.BytesIO()
        what = "score" if called is None else "probability"
        figures.timeline(own, scale_of_answers(trained), None, what).savefig(timeline, dpi=200)
        write_whole(stem.with_name(f"{name}_timeline.png"), timeline.getvalue())
        film = None
        seen = bool(row.pictures)
        if seen and config.views and set(trained.module.network.modalities) & set(OF_CROPS):
            fps = float(str(row.fps))
            fps = fps if _LEAST_FPS <= fps <= _MOST_FPS else float("nan")  # what no film has is not known
            film = look(trained, data.sources(usable)[index], own, fps, config.stage, stem, number)
        facts, strip = quality(str(row.crops))
        if "audio" in trained.module.network.modalities:
            heard = open_crops(str(row.crops)).has_sound
            facts.append(("sound", "heard" if heard else "none: scored without it"))
        if called is None:
            ends = (answer["low_90"], answer["high_90"])
            yield Scored(name, answer["prediction"], answer["sd_windows"], ends, own, facts, strip, film)
            continue
        chances = {one: float(answer[probability_column(one)]) for one in trained.classes or ()}
        unknown = (float("nan"), float("nan"))
        sd = answer["sd_windows"]
        yield Scored(name, chances[called], sd, unknown, own, facts, strip, film, called, chances)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV whose text no spreadsheet takes for a formula."""
    write_whole(path, table.map(csv_cell).to_csv(index=False).encode())


def say(predictions: pd.DataFrame, table: pd.DataFrame, trained: Trained) -> None:
    """One table, and what it is not."""
    classes = trained.classes
    what, title = "class", "probabilities of classes"
    if classes is None:
        what, title = "score", "score, of {:g} to {:g}".format(*trained.record["score_range"])
    drawn = Table(title=title, caption="sd: over windows of one video; no error bar")
    bounded = classes is None and bool(predictions["low_90"].notna().any())
    between = ["9 of 10 new people"] if bounded else [printable(one) for one in classes or ()]
    for column in ("recording", what, *between, "sd", "windows", "faces found"):
        drawn.add_column(column, overflow="fold")
    rates = dict(zip(table["recording"], table["detection_rate"], strict=True))
    for row in predictions.to_dict("records"):
        rate = str(rates[row["recording"]])
        places = 1 if classes is None else 2
        sd = f"{row['sd_windows']:.{places}f}" if row["n_windows"] > 1 else "one window"
        found = f"{float(rate):.0%}" if rate else ""
        name = Text(printable(row["recording"]))
        between = [said_bounds(row["low_90"], row["high_90"])] if bounded else []
        between += [f"{row[probability_column(one)]:.2f}" for one in classes or ()]
        said = f"{row['prediction']:.1f}" if classes is None else printable(row["predicted"])
        drawn.add_row(name, Text(said), *between, sd, str(row["n_windows"]), found)
    Console().print(drawn)
    print(f"{DISCLAIMER} A {what} is the network's output for a recording, not a statement about a person.")


if __name__ == "__main__":
    main()
