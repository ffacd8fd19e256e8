"""Pictures of where the network looks: a still, and a film."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from stan_boundary.writing import whole_path
from stan_lightning.data.log_mel import band_of
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
    """Frames in their views, what is heard meanwhile, and the network's attention to time, on one clock.

    Args:
        rows: The frames in each of `VIEWS`, or as they are alone.
        maps: Of the frames; None where the network does not see.
        times: Of the frames.
        unit: Of the times.
        heard: None where the network does not hear.
        columns: Frames that are shown: those nearest to as many moments evenly spaced.
    """
    moments = [*times, *((heard.start, heard.end) if heard else ())]
    start, end = min(moments), max(max(moments), min(moments) + 1e-3)
    middles = start + (np.arange(columns) + 0.5) / columns * (end - start)
    shown = np.abs(np.asarray(times)[None] - middles[:, None]).argmin(1)
    heights = [1.35] * len(rows) + [1.0] * 3 * (heard is not None) + [1.1] * (maps is not None)
    figure = Figure(figsize=(1.4 * columns, sum(heights) + 0.5), layout="constrained")
    panels = list(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
    panels[-1].set_xlim(start, end)
    panels[-1].set_xlabel("time (s)" if unit == "s" else "source frame")
    of = ("\n(video)", "\n(sound)") if maps and heard else ("", "")
    titles = [f"{times[frame]:.1f} {unit}" for frame in shown]
    for line, (axes, frames) in enumerate(zip(panels, rows, strict=False)):
        _draw_frames(axes, frames[shown], titles if line == 0 else [""] * columns)
        axes.set_ylabel(VIEWS[line] + of[0] if line else VIEWS[0], fontsize=9)
    if heard:
        _draw_sound(panels[len(rows) : len(rows) + 3], heard, of[1])
    if maps:
        _draw_time(panels[-1], maps, times, of[0])
    figure.align_ylabels(panels)
    figure.suptitle(DISCLAIMER, fontsize=8)
    return figure


def _draw_frames(axes: Axes, frames: Frames, titles: Sequence[str]) -> None:
    """A row of frames, each about its moment of the axis below."""
    axes.tick_params(bottom=False, left=False, labelleft=False)
    axes.spines[:].set_visible(False)
    width = 1 / len(frames)
    for column, (frame, title) in enumerate(zip(frames, titles, strict=True)):
        inset = axes.inset_axes((column * width + 0.02 * width, 0, 0.96 * width, 1))
        inset.imshow(frame)
        inset.set_xticks([])
        inset.set_yticks([])
        inset.set_title(title, fontsize=8, pad=3)


def _draw_sound(panels: Sequence[Axes], heard: Heard, of: str) -> None:
    """The spectrogram, and both views of it."""
    pictures = (heard.spectrogram, heard.maps.attention[..., 0], heard.maps.gradcam[..., 0])
    names = ("sound", *(name + of for name in VIEWS[1:]))
    for axes, picture, name in zip(panels, pictures, names, strict=True):
        extent = (heard.start, heard.end, 0, picture.shape[1])
        colours = "magma" if name == "sound" else "inferno"
        axes.imshow(
            picture.T.cpu(),
            aspect="auto",
            origin="lower",
            extent=extent,
            cmap=colours,
            interpolation="nearest",
        )
        axes.set_ylabel(name, fontsize=9)
        axes.set_yticks(
            [band_of(hertz) for hertz in (250, 1000, 4000)], ["250 Hz", "1 kHz", "4 kHz"], fontsize=8
        )


def _draw_time(axes: Axes, maps: Maps, times: Sequence[float], of: str) -> None:
    """How much each moment of the frames counts, mean over the picture."""
    axes.plot(times, maps.gradcam.mean(dim=(1, 2)), color=ORANGE)
    axes.set_ylabel(f"Grad-CAM++{of}", color=ORANGE, fontsize=9)
    if maps.temporal is not None:
        own = axes.twinx()
        own.plot(times, maps.temporal, color=BLUE, linestyle="--")
        own.set_ylabel(f"own attention{of}", color=BLUE, fontsize=9)


def film(pictures: Iterable[Sequence[Frames]], path: Path, fps: float) -> None:
    """Write the views side by side as an mp4 (H.264) with their names above them.

    Args:
        pictures: For each moment one frame (SIDE, SIDE, 3) of each of the first few `VIEWS`.
        path: Of the film; there is none until it is whole.
        fps: Moments a second.
    """
    height = SIDE + 24
    # Its index is moved to the front at the end, for which FFmpeg opens it again by name.
    with (
        whole_path(path) as part,
        av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as container,
    ):
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
