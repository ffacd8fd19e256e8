"""From a set of crops to batches on the device."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from stan_boundary.composition import make
from stan_boundary.errors import InputError
from stan_boundary.typed import typed
from stan_lightning.data import clips
from stan_lightning.data.augmentation import Pipeline
from stan_lightning.data.crops import open_crops
from stan_lightning.data.dataset import (
    ClipDataset,
    Reading,
    Source,
    TrainingBatch,
    TrainingClip,
    Window,
    WindowBatch,
    WindowDataset,
)
from stan_lightning.data.facts import NOMINAL_FPS, facts, formats
from stan_lightning.data.grids import count_moments
from stan_lightning.data.inputs import ready
from stan_lightning.data.labels import check_classes, class_names, severity
from stan_lightning.data.loaders import loader, window_loader
from stan_lightning.data.manifest import read_manifest
from stan_lightning.data.presence import check_faces, check_sound, tell_empty_windows
from stan_lightning.data.protocol import of_fewer_people, split
from stan_lightning.data.readable import why_unreadable
from stan_lightning.data.sampler import EpochBatches
from stan_lightning.data.settings import check_settings
from stan_lightning.data.signals import OF_CROPS, Signals, gather

NO_SIDE = 8
"""Pixels a side of the black pictures that stand where nobody has any."""


class CropDataModule(L.LightningDataModule):
    """Crops on disk as clips for training and windows for validation and test.

    What each argument means and its default stand in ``conf/data/avec2014.yaml``.

    Attributes:
        tables: Recordings that can be used, by partition; `label` is a score in points (NaN where
            unknown) or a class name.
        missing: Recordings without crops, by partition.
        classes: Class names where labels are classes (`score_range` is null).
        formats: How the network reads clips of faces: `mean`, `deviation` and `layout`; see `serve`.
        signals: Those that are read, by name.
        columns: What is read of each signal; of a trained network put here before `setup`.
        lenient: Recordings that cannot be read are `missing`, with a reason, where training would end; put
            here before `setup`.
    """

    def __init__(
        self,
        root: str | Sequence[str],
        make_crops: str,
        synthetic: bool,
        protocol: str,
        fold: int,
        n_folds: int,
        split_seed: int,
        score_range: Sequence[float] | None,
        clip_frames: int | None,
        frame_stride: int,
        crops_stride: int | None,
        image_size: int,
        batch_size: int,
        drop_last: bool,
        num_workers: int,
        seed: int,
        augment: Mapping[str, Any] | None = None,
        sampler: Mapping[str, Any] | None = None,
        modalities: Sequence[str] | None = None,
        sound_s: float | None = None,
        eval_batch_size: int | None = None,
        signals: Mapping[str, str | None] | None = None,
        train_people: int | None = None,
        scale: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        modalities = ["face"] if modalities is None else modalities
        self.save_hyperparameters(logger=False)
        check_settings(self.hparams)
        self.formats: dict[str, Any] = {}
        self.signals: dict[str, Signals] = {}
        self.columns: dict[str, list[str]] = {}
        self.tables: dict[str, pd.DataFrame] = {}
        self.missing: dict[str, pd.DataFrame] = {}
        self.classes: list[str] | None = None
        self.lenient = False
        self.every_face = True
        self._told: set[str] = set()

    def setup(self, stage: str | None = None) -> None:
        """Read the manifest and divide it; raises `InputError` for anything that cannot be used."""
        if self.tables:
            return
        table = self._labelled(read_manifest(self.hparams["root"], self.lenient))
        parts = split(
            table,
            self.hparams["protocol"],
            self.hparams["fold"],
            self.hparams["n_folds"],
            self.hparams["split_seed"],
        )
        if (people := self.hparams["train_people"]) is not None:
            parts["train"] = of_fewer_people(parts["train"], people, self.hparams["split_seed"])
        for name, part in parts.items():
            self.missing[name] = part[part.crops == ""]
            self.tables[name] = part[part.crops != ""].reset_index(drop=True)
        if self.lenient:
            self.set_aside_unreadable(every_crop=False)
        if table.crops.eq("").all() or all(one.empty for one in self.tables.values()):
            raise InputError(
                f"{self.hparams['root']}: no recording has crops; see the reasons in its manifest.csv"
            )
        used = pd.concat(self.tables.values())
        if not self.lenient:
            check_faces(used, self.hparams["modalities"])
        self.look_at(used)
        if "audio" in self.hparams["modalities"]:
            check_sound(used, self.hparams["root"], self.hparams["make_crops"])

    def set_aside_unreadable(self, every_crop: bool = True) -> int:
        """Move recordings whose crops cannot be read to `missing`, with the reason; returns how many.

        Args:
            every_crop: Decode all of them, which takes as long as reading them; else one of each recording.
        """
        moved = 0
        for name, table in self.tables.items():
            whys = [
                why_unreadable(crops, int(n), self.hparams["modalities"], every_crop)
                for crops, n in zip(table.crops, table.n_crops, strict=True)
            ]
            bad = pd.Series([bool(why) for why in whys], index=table.index, dtype=bool)
            failed = table[bad].assign(crops="", status="unreadable", reason=[why for why in whys if why])
            if len(failed):
                self.missing[name] = pd.concat([self.missing[name], failed])
                self.tables[name] = table[~bad].reset_index(drop=True)
                moved += len(failed)
        return moved

    def look_at(self, used: pd.DataFrame, key: str = "data.signals") -> None:
        """Find out what reading these recordings takes; `key` is how their user names folders of signals."""
        modalities, folders = self.hparams["modalities"], self.hparams["signals"] or {}
        seen = used[used.pictures] if "face" in modalities else used[:0]
        blind = NO_SIDE if "face" in modalities else 0
        self.crop_size = open_crops(seen.crops.iloc[0]).image(0).shape[0] if len(seen) else blind
        self.every_face = bool(used.pictures.all())
        for name in [one for one in folders if one not in modalities]:
            print(f"{key}.{name}: no network here reads the signal {name}")
        read = [one for one in modalities if one not in OF_CROPS]
        counts = count_moments(used, {name: folders.get(name) for name in read}, key)
        for table in (used, *self.tables.values()) if counts else ():
            table["n_crops"] = table.recording.map(counts).fillna(table.n_crops)
        for name in read:
            self.signals[name] = gather(used, name, folders.get(name), self.columns.get(name), key)
            self.columns[name] = list(self.signals[name].columns)
            own = [self.hparams["crops_stride"] or int(stride) for stride in used.stride]
            steps = [self._step(*one) for one in zip(used.recording, own, strict=True)]
            tell_empty_windows(name, self.signals[name], used, steps, self.hparams["clip_frames"])

    def signal_statistics(self, name: str) -> tuple[Tensor, Tensor]:
        """Mean and deviation of a signal's columns over the labelled training recordings, ``(F,)`` each."""
        table = self.tables["train"]
        known = table.label.notna() & (table.label.astype(str) != "")
        return self.signals[name].statistics(table.recording[known])

    def reading(self) -> Reading:
        """What is read of each clip."""
        hparams = self.hparams
        own_s = (hparams["clip_frames"] or 0) * hparams["frame_stride"] / NOMINAL_FPS
        return Reading(hparams["modalities"], self.crop_size, hparams["sound_s"] or own_s, self.every_face)

    def _labelled(self, table: pd.DataFrame) -> pd.DataFrame:
        if self.hparams["score_range"] is None:
            if self.classes is None:
                self.classes = class_names(table)
            check_classes(table, self.classes)
            return table
        return table.assign(label=severity(table, self.hparams["score_range"]))

    def recordings(self, partition: str) -> pd.DataFrame:
        """The table of a partition; raises `InputError` where it is empty."""
        table = self.tables[partition]
        if table.empty:
            raise InputError(
                f"{self.hparams['root']}: partition {partition} holds no recording with crops; "
                "check the manifest's partition column, or take data.protocol=group_kfold"
            )
        return table

    def sources(self, recordings: pd.DataFrame) -> list[Source]:
        """Recordings as sources of clips, in the order of their table."""
        sources = []
        columns = (recordings[name] for name in ("recording", "crops", "stride", "n_crops", "label"))
        for recording, crops, stride, n_crops, label in zip(*columns, strict=True):
            step = self._step(recording, self.hparams["crops_stride"] or int(stride))
            signals = {name: one.members[recording] for name, one in self.signals.items()}
            frames = -(-int(n_crops) // step)
            sources.append(Source(crops, frames, step, self._target(label), signals=signals))
        return sources

    def _step(self, recording: str, crops_stride: int) -> int:
        try:
            return clips.step(self.hparams["frame_stride"], crops_stride)
        except ValueError as error:
            raise InputError(
                f"{recording}: data.frame_stride: {error}; ask for a multiple, or make other crops with "
                f"`{typed(self.hparams['make_crops'])}`"
            ) from None

    def _target(self, label: Any) -> float:
        if self.classes is None:
            return float(label)
        return float(self.classes.index(label)) if label else float("nan")

    def _learnable(self, partition: str) -> list[Source]:
        """Sources with a label; training and selection can do nothing with the others."""
        sources = self.sources(self.recordings(partition))
        unknown = [source for source in sources if source.target != source.target]
        if len(unknown) == len(sources):
            raise InputError(
                f"{self.hparams['root']}: no recording of partition {partition} has a label; "
                "add the label files to the corpus and run preprocessing again"
            )
        if unknown and partition not in self._told:
            print(f"{len(unknown)} of {len(sources)} {partition} recordings have no label and are left out")
            self._told.add(partition)
        return [source for source in sources if source.target == source.target]

    def facts(self) -> dict[str, Any]:
        """What a network and its objective take from the data; see `stan_lightning.data.facts.facts`."""
        return facts(self.tables["train"], self.classes, self.columns, self.hparams)

    def serve(self, parts: Mapping[str, Any]) -> None:
        """Make clips as a network's encoders read them, or raise that they are not read so."""
        self.formats = formats(parts, self.hparams)

    def training_record(self) -> dict[str, Any]:
        """How the data was divided and who was trained on, for the checkpoint."""
        kept = ("protocol", "fold", "n_folds", "split_seed", "seed", "score_range", "scale")
        columns = ["subject", "session", "label"]
        sessions = self.tables["train"][columns].dropna().drop_duplicates()
        rows = [list(row) for row in sessions.itertuples(index=False)]
        return {name: self.hparams[name] for name in kept} | {"sessions": rows}

    def labelled_subjects(self, partition: str) -> list[str]:
        """Whom each recording with a label shows, in the order of the loaders."""
        table = self.tables[partition]
        known = table.label.notna() & (table.label.astype(str) != "")
        return [str(one) for one in table.subject[known]]

    @cached_property
    def augment(self) -> Pipeline:
        """What is changed in training clips; made where clips are trained on, and nowhere else."""
        steps = (self.hparams["augment"] or {}).items()
        return Pipeline({name: make(one, f"data.augment.{name}") for name, one in steps if one is not None})

    def _order(self, sources: Sequence[Source]) -> Any:
        """How an epoch's recordings are drawn, of a source of randomness; None: each once."""
        if self.hparams["sampler"] is None:
            return None
        targets = np.array([source.target for source in sources])
        return partial(make(self.hparams["sampler"], "data.sampler"), targets)

    # --- loaders ----------------------------------------------------------------------------------

    def train_dataloader(self) -> DataLoader[TrainingClip]:
        """Random clips in an order that depends on seed and epoch alone."""
        hparams, trainer = self.hparams, self.trainer
        assert trainer is not None
        dataset = ClipDataset(
            self._learnable("train"),
            hparams["clip_frames"],
            self.reading(),
            hparams["seed"],
            self.augment,
        )
        progress = trainer.fit_loop.epoch_progress
        batches = EpochBatches(
            len(dataset),
            hparams["batch_size"],
            hparams["seed"],
            epoch=lambda: progress.current.processed,  # type: ignore[attr-defined] # typed as its base
            drop_last=hparams["drop_last"],
            rank=trainer.global_rank,
            world_size=trainer.world_size,
            order=self._order(dataset.sources),
        )
        if not len(batches):
            raise InputError(
                f"{len(dataset)} training recordings make no batch of {hparams['batch_size']}; "
                "set data.batch_size lower or data.drop_last=false"
            )
        return loader(dataset, hparams["num_workers"], batch_sampler=batches)

    def val_dataloader(self) -> DataLoader[Window]:
        """Windows of the labelled development recordings."""
        rank, processes = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return self._windows(self._learnable("dev"), rank, processes)

    def windows(
        self,
        recordings: pd.DataFrame,
        swapped: Mapping[str, Sequence[int]] | None = None,
        rank: int = 0,
        processes: int = 1,
    ) -> DataLoader[Window]:
        """Windows of recordings, labelled or not.

        Args:
            recordings: Rows of `tables`.
            swapped: By modality, for each recording the number of the one that lends it this modality.
            rank: Which of several processes reads its share.
            processes: How many there are.
        """
        sources = self.sources(recordings)
        lent = [
            {name: sources[numbers[index]] for name, numbers in (swapped or {}).items()}
            for index in range(len(sources))
        ]
        whole = [replace(one, lent=other) for one, other in zip(sources, lent, strict=True)]
        return self._windows(whole, rank, processes)

    def _windows(self, sources: list[Source], rank: int, processes: int) -> DataLoader[Window]:
        hparams = self.hparams
        dataset = WindowDataset(sources, hparams["clip_frames"], self.reading())
        batch_size = hparams["eval_batch_size"] or hparams["batch_size"]
        return window_loader(dataset, batch_size, hparams["num_workers"], rank, processes)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Bring a batch to the device, but for the face's draws: reading them there would wait for it."""
        if not isinstance(batch, TrainingClip):
            return super().transfer_batch_to_device(batch, device, dataloader_idx)
        here = self.augment.on_host(batch.draws)
        present = {name: draws for name, draws in batch.draws.items() if name not in here}
        moved = super().transfer_batch_to_device(batch._replace(draws=present), device, dataloader_idx)
        return moved._replace(draws=here | moved.draws)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Note when the batch was there: until then its step waited for data."""
        self.fetched_at = time.perf_counter()
        return batch

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Make the network's inputs on the device: workers hand over what lies on disk."""
        if not isinstance(batch, TrainingClip):
            return self.window_batch(batch)
        augment = partial(self.augment.apply, draws=batch.draws)
        inputs = ready(batch.inputs, self.hparams["image_size"], self.formats, augment=augment, corrupt={})
        return TrainingBatch(inputs, batch.present, batch.target, batch.noise)

    def window_batch(self, batch: Window, corrupt: Mapping[str, Any] | None = None) -> WindowBatch:
        """Inputs of the network from a batch of windows, on its device.

        Args:
            batch: As `windows` gives it.
            corrupt: By modality, what is done to frames (`inputs.network_input`) or samples
                (`log_mel.audio_input`).
        """
        inputs = ready(
            batch.inputs, self.hparams["image_size"], self.formats, augment=None, corrupt=corrupt or {}
        )
        return WindowBatch(inputs, batch.present, batch.target, batch.recording, batch.window)
