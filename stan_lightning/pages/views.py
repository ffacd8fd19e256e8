"""Where a network looks in one recording: a picture of its highest window, and a film of the whole."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from stan_boundary.writing import write_whole
from stan_lightning.data.clips import windows
from stan_lightning.data.crops import open_crops
from stan_lightning.data.dataset import Source
from stan_lightning.data.facts import NOMINAL_FPS
from stan_lightning.data.inputs import network_input
from stan_lightning.data.log_mel import audio_input
from stan_lightning.evaluation.timeline import frame_times
from stan_lightning.evaluation.trained import Trained
from stan_lightning.network.encoder import Network
from stan_lightning.pages import overlay
from stan_lightning.pages.attention_maps import maps_of
from stan_lightning.pages.predictions_page import Film

_CHUNK = 64  # frames that are read at once
_UNTIMED_RATE = 10.0  # frames a second of the film where nobody knows the video's


def look(
    trained: Trained,
    source: Source,
    scored: pd.DataFrame,
    fps: float,
    stage: int,
    stem: Path,
    output: int = 0,
) -> Film:
    """Write ``<stem>_attention.png`` and ``<stem>_overlay.mp4``.

    Args:
        trained: The network.
        source: The recording's crops.
        scored: Its windows, as `stan_lightning.evaluation.tables.WINDOWS`; the highest is explained.
        fps: Of its video; NaN or 0 where unknown.
        stage: Of the network that is looked at, 1 to 4.
        stem: Path of both files without their ends.
        output: Number of the network's output that is explained.
    """
    found = open_crops(source.crops)
    side = found.image(0).shape[0]
    positions = windows(source.n_frames, trained.data["clip_frames"])[
        int(scored["output"].to_numpy().argmax())
    ]
    crops = source.read(positions, side)
    network, inputs, present = _inputs(trained, source, positions, crops)
    shown = "face" in inputs and hasattr(network.parts["face"], "stage")
    seen = maps_of(network, inputs, present, "face", stage, output) if shown else None
    rows = overlay.views(crops.numpy(), seen) if seen else [np.stack([*map(overlay.enlarged, crops.numpy())])]
    heard = _heard(network, inputs, present, source, positions, stage, _sound_s(trained), output)
    frames = [int(found.frames[position * source.step]) for position in range(source.n_frames)]
    clock = frame_times(source.crops)
    timed = all(frame in clock for frame in frames)
    known = fps > 0
    moments = [clock[frame] if timed else frame / fps if known else float(frame) for frame in frames]
    unit = "s" if timed or known else "frame"
    picture = overlay.still(rows, seen, [moments[position] for position in positions], unit, heard)
    large = stem.with_name(f"{stem.name}_attention.png")
    still = io.BytesIO()
    picture.savefig(still, dpi=150)
    write_whole(large, still.getvalue())
    small = io.BytesIO()
    picture.savefig(small, format="jpeg", dpi=100)
    film = stem.with_name(f"{stem.name}_overlay.mp4")
    rate = fps / trained.data["frame_stride"] if known else _UNTIMED_RATE
    overlay.film(_pictures(source, side, positions, rows), film, rate)
    explained = moments[min(positions)], moments[max(positions)]
    return Film(
        film.name, rate, moments, explained, small.getvalue(), large.name, len(rows), heard is not None
    )


def _sound_s(trained: Trained) -> float:
    data = trained.data
    return float(data.get("sound_s") or data["clip_frames"] * data["frame_stride"] / NOMINAL_FPS)


def _inputs(
    trained: Trained, source: Source, positions: Sequence[int], crops: Tensor
) -> tuple[Network, dict[str, Tensor], dict[str, Tensor]]:
    """The network with what it reads of one window."""
    network, device = trained.module.network.eval(), trained.module.device
    inputs, present = {}, {}
    if "face" in network.modalities:
        inputs["face"] = network_input(crops[None], trained.data["image_size"], **_format(network)).to(device)
    if "audio" in network.modalities:
        inputs["audio"] = audio_input(source.hear(positions, _sound_s(trained))[None]).to(device)
        present["audio"] = torch.tensor([open_crops(source.crops).has_sound], device=device)
    for name in source.signals:
        inputs[name] = source.measured(name, positions)[None].to(device)
        present[name] = ~inputs[name].isnan().flatten(1).all(1)
    return network, inputs, present


def _format(network: Network) -> dict[str, Any]:
    """How clips of faces come to a network."""
    given = network.parts["face"].input
    return {name: given[name] for name in ("mean", "deviation", "layout")}


def _heard(
    network: Network,
    inputs: dict[str, Tensor],
    present: dict[str, Tensor],
    source: Source,
    positions: Sequence[int],
    stage: int,
    seconds: float,
    output: int,
) -> overlay.Heard | None:
    """What the network makes of a window's sound; None where it hears nothing."""
    times = open_crops(source.crops).times
    if times is None or not present.get("audio", torch.zeros(1)).any():
        return None
    if not hasattr(network.parts["audio"], "stage"):
        return None
    middle = (times[positions[0] * source.step] + times[positions[-1] * source.step]) / 2
    seen = maps_of(network, inputs, present, "audio", stage, output)
    return overlay.Heard(inputs["audio"][0, 0, ..., 0], seen, middle - seconds / 2, middle + seconds / 2)


def _pictures(
    source: Source, side: int, positions: Sequence[int], rows: Sequence[overlay.Frames]
) -> Iterator[Sequence[overlay.Frames]]:
    """Every frame of the recording in the three views; beyond the explained window a face darkened."""
    explained = {position: number for number, position in enumerate(positions)}
    for start in range(0, source.n_frames, _CHUNK):
        chunk = range(start, min(start + _CHUNK, source.n_frames))
        for position, crop in zip(chunk, source.read(chunk, side).numpy(), strict=True):
            if position in explained:
                yield [view[explained[position]] for view in rows]
            else:
                plain = overlay.enlarged(crop)
                dark = np.asarray(0.3 * plain, np.uint8)
                yield [plain, dark, dark][: len(rows)]
