"""Scores videos: ``python -m stan_lightning.predict checkpoint=<file> video=my.mp4 output=<folder>``.

Takes a video, a folder of videos, or crops. Writes predictions.html with everything on one page,
and beside it predictions.csv, windows.csv and, for each recording, its timeline, a picture and a film of
where the network looks. ``model=<model folder, or user/name on the hub>``, or ``weights=<released state
dict>`` with ``model.*`` and ``data.*``, stands for a checkpoint.
"""

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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

from stan_boundary.command_line import check_command_line, with_model_folder, with_new_keys
from stan_boundary.config_folder import trusted
from stan_boundary.configs import CONF
from stan_boundary.entry import one_line_errors
from stan_boundary.errors import InputError
from stan_boundary.file_names import as_text
from stan_boundary.names import csv_cell, printable
from stan_boundary.writing import output_folder, write_whole
from stan_lightning import intake
from stan_lightning.data.clips import step
from stan_lightning.data.crops import open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.facts import facts
from stan_lightning.data.notices import DISCLAIMER, TRAINED_ON_SYNTHETIC
from stan_lightning.data.readable import FACELESS, why_unreadable
from stan_lightning.data.signal_listing import OF_CROPS, find
from stan_lightning.data.signals import gather
from stan_lightning.evaluation.released import open_released
from stan_lightning.evaluation.runtime import computed_by
from stan_lightning.evaluation.scoring import score_windows
from stan_lightning.evaluation.tables import predictions_table
from stan_lightning.evaluation.trained import Trained, open_checkpoint, way
from stan_lightning.pages import figures
from stan_lightning.pages.predictions_page import PAGE, Scored, page
from stan_lightning.pages.views import look
from stan_lightning.runs.quiet import quiet
from stan_lightning.sharing.folder import open_model
from stan_lightning.sharing.hub import local
from stan_lightning.training.module import StanModule
from stan_lightning.training.trainer_refusals import SCORING, refuse_trainer_settings

PARTITION = "test"
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
    sys.argv[1:] = with_model_folder(with_new_keys(sys.argv[1:], "signals"))
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
    if type(config.batch_size) is not int or config.batch_size < 1:
        raise InputError(
            f"batch_size={config.batch_size}: windows scored at once, a whole number of at least 1"
        )
    if config.stage not in (1, 2, 3, 4):
        raise InputError(f"stage={config.stage} is none of 1, 2, 3, 4")
    output = Path(config.output)
    given = Path(config.video)
    intake.refuse_unmade(given, trained.signals, config.signals)
    settings = {}
    if intake.videos(given):
        settings = intake.crop_settings(trained.data, config.crops, trained.crops)
    table = intake.recordings(given, output / "crops", settings)
    refusals = refuse(table, trained, config.shortest)
    refusals |= unreadable(table[~table["recording"].isin(refusals)], trained, config)
    usable = table[~table["recording"].isin(refusals)].reset_index(drop=True)
    tell(refusals)
    if usable.empty:
        raise InputError(f"{config.video}: nothing in it can be scored ({next(iter(refusals.values()))})")
    data = as_data(usable, trained, config)
    tell(lacking := tell_missing(data))
    refusals |= lacking
    usable = data.tables[PARTITION]
    data.tables[PARTITION] = usable = usable[~usable["recording"].isin(lacking)].reset_index(drop=True)
    output_folder(output)
    trainer: L.Trainer = instantiate(config.trainer, _convert_="all")
    module = computed_by(str(config.runtime), trained.module, trained.data)
    scored = score_windows(module, data, usable, trainer)
    score_range = trained.record["score_range"]
    predictions = predictions_table(scored, usable, score_range, None)
    write_table(predictions, output / "predictions.csv")
    write_table(scored, output / "windows.csv")
    found = list(show(trained, data, usable, predictions, scored, config))
    synthetic = bool(trained.data["synthetic"])
    write_whole(output / PAGE, as_text(page(found, refusals, score_range, synthetic)).encode())
    say(predictions, usable, score_range)
    if synthetic:
        print(TRAINED_ON_SYNTHETIC)
    print(printable(as_text(output / PAGE)))
    return len(refusals)


def opened(config: DictConfig, overrides: Sequence[str]) -> Trained:
    """The network that the command line names, and how it reads clips.

    Raises:
        InputError: It names none or two, cannot be read, or tells classes.
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
    asked = [override.split("=", 1)[0].lstrip("+~") for override in overrides]
    if fixed := [name for name in asked if name.split(".")[0] in ("data", "model")]:
        kind = "checkpoint" if named == "checkpoint" else "model folder"
        raise InputError(f"{fixed[0]}: a {kind} knows its own network and clips; leave it out")
    if named == "model_folder":
        trained = open_model(local(str(config.model_folder)), trusted(overrides))
    else:
        trained = open_checkpoint(config.checkpoint, trusted(overrides))
    if trained.record["score_range"] is None:
        raise InputError(f"{config[named]} was trained to tell classes; only severity is predicted here")
    return trained


def show(
    trained: Trained,
    data: CropDataModule,
    usable: pd.DataFrame,
    predictions: pd.DataFrame,
    scored: pd.DataFrame,
    config: DictConfig,
) -> Iterator[Scored]:
    """Draw each recording's timeline and, with `views`, where the network looks; as the page shows it."""
    output, score_range = Path(config.output), trained.record["score_range"]
    rows = list(zip(usable.itertuples(), predictions.to_dict("records"), strict=True))
    console = Console()
    for index, (row, answer) in enumerate(
        track(rows, "pictures", console=console, disable=not console.is_terminal)
    ):
        name = str(row.recording)
        own = scored[scored["recording"] == name]
        stem = output / name
        timeline = io.BytesIO()
        figures.timeline(own, score_range, None).savefig(timeline, dpi=200)
        write_whole(stem.with_name(f"{name}_timeline.png"), timeline.getvalue())
        film = None
        seen = bool(row.pictures)
        if seen and config.views and set(trained.module.network.modalities) & set(OF_CROPS):
            fps = float(str(row.fps))
            fps = fps if _LEAST_FPS <= fps <= _MOST_FPS else float("nan")  # what no film has is not known
            film = look(trained, data.sources(usable)[index], own, fps, config.stage, stem)
        facts, strip = intake.quality(str(row.crops))
        if "audio" in trained.module.network.modalities:
            heard = open_crops(str(row.crops)).has_sound
            facts.append(("sound", "heard" if heard else "none: scored without it"))
        yield Scored(name, answer["prediction"], answer["sd_windows"], own, facts, strip, film)


def refuse(table: pd.DataFrame, trained: Trained, shortest: float) -> dict[str, str]:
    """Why each recording that cannot be scored is not: unreadable, no face, too short, another stride."""
    refusals: dict[str, str] = {}
    stride, length = trained.data["frame_stride"], trained.data["clip_frames"]
    least = max(1, round(shortest * (length or 0)))
    modalities = trained.module.network.modalities
    for row in table.itertuples():
        if not row.crops:
            refusals[str(row.recording)] = str(row.reason) or "no crops"
            continue
        try:
            frames = -(-int(str(row.n_crops)) // step(stride, int(str(row.stride))))
            found = open_crops(str(row.crops))
            deaf = list(modalities) == ["audio"] and not found.has_sound
        except ValueError as error:
            refusals[str(row.recording)] = f"{error}; crop the video again, or give the video"
            continue
        if deaf:
            refusals[str(row.recording)] = "no audio, and this network reads audio only"
            continue
        if found.grid is not None and list(modalities) == ["face"]:
            refusals[str(row.recording)] = FACELESS
            continue
        if 0 < frames < least:  # of signals alone nobody knows yet
            what = "moments" if found.grid is not None else "frames with a face"
            refusals[str(row.recording)] = (
                f"too short: {frames} {what} at stride {stride}, a clip has {length}, at least "
                f"{least} are needed (shortest={shortest})"
            )
    return refusals


def unreadable(table: pd.DataFrame, trained: Trained, config: DictConfig) -> dict[str, str]:
    """Why each recording that came from elsewhere cannot be read to its end: its crops, sound or signals."""
    refusals: dict[str, str] = {}
    for place, row in table.iterrows():
        crops, n_crops = str(row["crops"]), int(row["n_crops"])
        modalities = trained.module.network.modalities
        why = why_unreadable(crops, n_crops, modalities, every_crop=True) if row["received"] else ""
        if why := why or bad_signal(table.loc[[place]], trained, config.signals):
            refusals[str(row["recording"])] = why
    return refusals


def bad_signal(row: pd.DataFrame, trained: Trained, folders: Mapping[str, Any]) -> str:
    """Why a file of one recording's signals cannot be read; empty where all can, or there is none."""
    for name in trained.signals:
        folder = folders.get(name)
        home = Path(folder or Path(row["crops_root"].iloc[0]) / "signals" / name)
        if not any(find(row, name, [home], "signals")):
            continue
        try:
            gather(row, name, folder, trained.columns[name], "signals")
        except InputError as error:
            return str(error)
    return ""


def tell(refusals: Mapping[str, str]) -> None:
    """A line for each recording that is not scored."""
    for name, reason in refusals.items():
        print(f"not scored: {printable(name)}: {printable(reason)}")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV whose text no spreadsheet takes for a formula."""
    write_whole(path, table.map(csv_cell).to_csv(index=False).encode())


def missing(data: CropDataModule, recording: str, crops: str) -> list[str]:
    """The modalities that are read and that a recording lacks."""
    return [
        one
        for one in data.hparams["modalities"]
        if (one == "face" and open_crops(crops).grid is not None)
        or (one == "audio" and not open_crops(crops).has_sound)
        or (one in data.signals and not data.signals[one].members[recording].path)
    ]


def tell_missing(data: CropDataModule) -> dict[str, str]:
    """Name the recordings that are judged without a modality; returns why those that lack all are not."""
    refusals: dict[str, str] = {}
    for row in data.tables[PARTITION].itertuples():
        lost = missing(data, str(row.recording), str(row.crops))
        left = [one for one in data.hparams["modalities"] if one not in lost]
        if not left:
            refusals[str(row.recording)] = f"no {' and no '.join(lost)}, and this network reads nothing else"
        for one in lost if left else []:
            said = {"audio": "sound", "face": "pictures"}.get(one, one)
            print(f"no {said}: {printable(row.recording)} is scored by its {' and '.join(left)} alone")
    return refusals


def as_data(table: pd.DataFrame, trained: Trained, config: DictConfig) -> CropDataModule:
    """The recordings as one partition, read as in training; signals lie beside them, or where it is said."""
    changed = {
        "num_workers": config.num_workers,
        "batch_size": config.batch_size,
        "crops_stride": None,
        "signals": dict(config.signals),
    }
    data = CropDataModule(**(dict(trained.data) | changed))
    data.columns = trained.columns
    data.serve(trained.module.network.parts)
    data.tables = {PARTITION: table.assign(label=float("nan"))}
    data.look_at(table, key="signals")
    return data


def say(predictions: pd.DataFrame, table: pd.DataFrame, score_range: Any) -> None:
    """One table, and what it is not."""
    low, high = score_range
    drawn = Table(
        title=f"score, of {low:g} to {high:g}", caption="sd: over windows of one video; no error bar"
    )
    for column in ("recording", "score", "sd", "windows", "faces found"):
        drawn.add_column(column)
    rates = dict(zip(table["recording"], table["detection_rate"], strict=True))
    for row in predictions.to_dict("records"):
        rate = str(rates[row["recording"]])
        sd = f"{row['sd_windows']:.1f}" if row["n_windows"] > 1 else "one window"
        found = f"{float(rate):.0%}" if rate else ""
        name = Text(printable(row["recording"]))
        drawn.add_row(name, f"{row['prediction']:.1f}", sd, str(row["n_windows"]), found)
    Console().print(drawn)
    print(f"{DISCLAIMER} A score is the network's output for a recording, not a statement about a person.")


if __name__ == "__main__":
    main()
