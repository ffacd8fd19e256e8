"""Pictures of where the network looks: a still, and a film."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from stan_lightning.data.notices import DISCLAIMER
from stan_lightning.pages.attention_maps import Maps
from stan_lightning.pages.figures import BLUE, ORANGE

SIDE = 224
VIEWS = ("video", "own attention", "Grad-CAM++")
Frames = NDArray[np.uint8]


def heated(frames: Frames, heat: Tensor) -> Frames:
    """Lay a map over frames, stretched between its lowest and highest value of the clip.

    Args:
        frames: (T, H, W, 3) RGB.
        heat: (T, h, w), any range; an even map stays dark.

    Returns:
        (T, H, W, 3) RGB.
    """
    low, high = float(heat.min()), float(heat.max())
    scaled = ((heat - low) / max(high - low, 1e-6)).numpy()
    height, width = frames.shape[1:3]
    sized = np.stack([cv2.resize(one, (width, height)) for one in scaled])
    colours = colormaps["inferno"](sized)[..., :3] * 255
    return np.asarray(0.5 * frames + 0.5 * colours, np.uint8)


def views(crops: Frames, maps: Maps) -> list[Frames]:
    """The crops (T, H, W, 3) enlarged, under the network's own attention, and under Grad-CAM++."""
    large = np.stack([enlarged(crop) for crop in crops])
    return [large, heated(large, maps.attention), heated(large, maps.gradcam)]


def enlarged(crop: Frames) -> Frames:
    """One crop (H, W, 3) at the size of the views."""
    return np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


@dataclass(frozen=True)
class Heard:
    """A window's spectrogram and what the network makes of it.

    Attributes:
        spectrogram: As the network reads it, (T, bands).
        maps: Of it, with T times, `bands` rows and one column.
        start, end: Seconds on the recording's clock.
    """

    spectrogram: Tensor
    maps: Maps
    start: float
    end: float


def still(
    rows: Sequence[Frames],
    maps: Maps | None,
    times: Sequence[float],
    unit: str,
    heard: Heard | None = None,
    columns: int = 6,
) -> Figure:
    """Evenly spaced frames in their views, what is heard meanwhile, and the network's attention to time.

    Args:
        rows: The frames in each of `VIEWS`, or as they are alone.
        maps: Of the frames; None where the network does not see.
        times: Of the frames.
        unit: Of the times.
        heard: None where the network does not hear.
        columns: Frames that are shown.
    """
    shown = np.linspace(0, len(times) - 1, columns).round().astype(int)
    n_sounds = 3 if heard else 0
    n_lines = len(rows) + n_sounds + (maps is not None)
    figure = Figure(figsize=(1.3 * columns, 1.35 * n_lines), layout="constrained")
    grid = figure.add_gridspec(n_lines, columns)
    for line, (frames, name) in enumerate(zip(rows, VIEWS, strict=False)):
        for column, frame in enumerate(shown):
            axes = figure.add_subplot(grid[line, column])
            axes.imshow(frames[frame])
            axes.set_xticks([])
            axes.set_yticks([])
            if column == 0:
                axes.set_ylabel(name)
            if line == 0:
                axes.set_title(f"{times[frame]:.1f} {unit}", fontsize=8)
    limits = (heard.start, heard.end) if heard else (times[0], times[-1])
    if heard:
        pictures = (heard.spectrogram, heard.maps.attention[..., 0], heard.maps.gradcam[..., 0])
        for line, (picture, name) in enumerate(zip(pictures, ("sound", *VIEWS[1:]), strict=True)):
            axes = figure.add_subplot(grid[len(rows) + line, :])
            axes.imshow(
                picture.T.cpu(),
                aspect="auto",
                origin="lower",
                extent=(*limits, 0, picture.shape[1]),
                cmap="magma" if line == 0 else "inferno",
                interpolation="nearest",
            )
            axes.set_ylabel(name)
            axes.set_yticks([])
    if maps is None:
        figure.axes[-1].set_xlabel("time (s)")
    else:
        axes = figure.add_subplot(grid[n_lines - 1, :])
        axes.plot(times, maps.gradcam.mean(dim=(1, 2)), color=ORANGE)
        axes.set_xlim(limits if limits[1] > limits[0] else None)
        axes.set_xlabel("time (s)" if unit == "s" else "source frame")
        axes.set_ylabel("Grad-CAM++", color=ORANGE)
        if maps.temporal is not None:
            own = axes.twinx()
            own.plot(times, maps.temporal, color=BLUE, linestyle="--")
            own.set_ylabel("own attention", color=BLUE)
    figure.suptitle(DISCLAIMER, fontsize=8)
    return figure


def film(pictures: Iterable[Sequence[Frames]], path: Path, fps: float) -> None:
    """Write the views side by side as an mp4 (H.264) with their names above them.

    Args:
        pictures: For each moment one frame (SIDE, SIDE, 3) of each of the first few `VIEWS`.
        path: Of the film; there is none until it is whole.
        fps: Moments a second.
    """
    height = SIDE + 24
    part = path.with_name(f"{path.name}.part")
    with av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        for number, frames in enumerate(pictures):
            if number == 0:
                stream.width, stream.height, stream.pix_fmt = SIDE * len(frames), height, "yuv420p"
            picture = np.zeros((height, SIDE * len(frames), 3), np.uint8)
            for column, (frame, name) in enumerate(zip(frames, VIEWS, strict=False)):
                left = column * SIDE
                picture[24:, left : left + SIDE] = frame
                cv2.putText(picture, name, (left + 6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    part.replace(path)
