"""A vision model over the face crops of a recording."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from stan_boundary.errors import InputError
from stan_boundary.picture import MOST_SIDE
from stan_lightning.data.crops import Crops
from stan_lightning.data.resize import bicubic
from stan_lightning.embedding.pretrained import Pretrained, chosen_device, open_network, probe
from stan_lightning.embedding.signal_folder import Moments

POOLING = ("pooled", "mean")
_UNCHANGED = {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}
_RESAMPLING = {2: "bilinear", 3: "bicubic"}  # by Pillow's numbers, which preprocessors' settings hold


class FaceEncoder:
    """A picture of a face to one vector.

    Size, mean and deviation are those of the model's own preprocessor; the resize, antialiased and rounded
    to 8 bits as Pillow's, runs on the device.

    Differs: the whole crop is made the network's size. A preprocessor that resizes to a larger one and cuts
    out the middle would cut off chin and forehead, as crops have no margin to lose.

    What each argument means and its default stand in ``conf/encoder/face.yaml``.

    Attributes:
        reads: Which part of a recording.
        unit: What its amounts count.
        record: What ``signal.json`` says of it.
    """

    reads = "face"
    unit = "crops"

    def __init__(
        self, name: str, weights: str, seed: int, device: str, pooling: str, batch_size: int
    ) -> None:
        if pooling not in POOLING:
            raise InputError(f"encoder.pooling={pooling} is none of {', '.join(POOLING)}")
        if batch_size < 1:
            raise InputError(f"encoder.batch_size={batch_size}: at least 1")
        self._device = chosen_device(device)
        self._opened = open_network(name, weights, seed, self._device, "pixel_values")
        self._pooling, self._batch = pooling, batch_size
        self._input = _input(self._opened.settings, name)
        side = self._input["image_size"]
        grey = np.full((1, side, side, 3), 128, np.uint8)
        width = probe(self._opened, lambda: self._vectors(grey)).shape[1]
        self.record: dict[str, Any] = {
            "what": f"{pooling} output of {self._opened.record['encoder']} for each face crop",
            "resample": "linear",
            **self._opened.record,
            "reads": self.reads,
            "pooling": pooling,
            "width": width,
            "rate_hz": None,
            "input": self._input,
        }

    def amounts(self, table: pd.DataFrame) -> "pd.Series[float]":
        """Crops of each recording; 0 of those without pictures."""
        return table["n_crops"].where(table["pictures"], 0).astype(float)

    def fingerprint(self, crops: Crops) -> str:
        """What tells these pictures and their times from others."""
        return crops.pictures_fingerprint()

    def embed(self, crops: Crops, count: Callable[[float], None]) -> Moments:
        """One vector for each crop, at its time, or at its frame number where no signal tells times."""
        size = crops.image(0).shape[0]
        found = []
        for start in range(0, len(crops.frames), self._batch):
            positions = range(start, min(start + self._batch, len(crops.frames)))
            found.append(self._vectors(crops.read(positions, size)).cpu().numpy())
            count(len(positions))
        values = np.concatenate(found)
        if crops.times is None:
            return Moments("frame", crops.frames.astype(np.int64), values)
        return Moments("time_s", crops.times, values)

    @torch.inference_mode()
    def _vectors(self, pictures: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
        """Vectors of a batch of crops, shape ``(N, S, S, 3)``; returns ``(N, F)``."""
        frames = torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2).contiguous()
        said = self._opened.network(pixel_values=_as_input(frames, self._input))
        return pooled(said, self._pooling, self._opened, self._input["image_size"])


def pooled(said: Any, pooling: str, opened: Pretrained, side: int) -> Tensor:
    """One vector a picture.

    Args:
        said: The network's output: `pooler_output`, and `last_hidden_state` of shape ``(N, L, F)``, where
            tokens that stand for no patch come first, or ``(N, F, H, W)``.
        pooling: `pooled`, or `mean` over the patches.
        opened: The network.
        side: Of its input, in pixels.

    Returns:
        float32, shape ``(N, F)``.
    """
    if pooling == "pooled":
        vector: Tensor | None = getattr(said, "pooler_output", None)
        if vector is None:
            raise InputError(
                f"encoder.name={opened.name} has no pooled output of its own; take encoder.pooling=mean"
            )
        return vector.flatten(1)
    hidden: Tensor = said.last_hidden_state
    if hidden.ndim == 4:
        return hidden.mean((2, 3))
    patch = getattr(opened.config, "patch_size", None)
    patch = patch[0] if isinstance(patch, list | tuple) else patch
    if patch is None:
        return hidden.mean(1)
    # A network that merges patches has fewer tokens than these, and none besides.
    patches = min(hidden.shape[1], (side // patch) ** 2)
    return hidden[:, -patches:].mean(1)


def _input(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Size, resampling, scale, mean and deviation from a preprocessor's settings."""
    size = settings.get("crop_size") if settings.get("do_center_crop") else settings.get("size")
    size = settings.get("size") if size is None else size
    sides = set(map(str, size.values())) if isinstance(size, dict) else {str(size)}
    if len(sides) != 1 or not (text := sides.pop()).isdecimal() or len(text) > 9:
        raise InputError(f"encoder.name={name}: its preprocessor wants pictures of {size}, not squares")
    side = int(text)
    if not 1 <= side <= MOST_SIDE:
        raise InputError(f"encoder.name={name}: its preprocessor wants pictures of {side} pixels")
    resample = settings.get("resample", 2)
    if not isinstance(resample, int) or resample not in _RESAMPLING:
        raise InputError(
            f"encoder.name={name}: its preprocessor resamples by Pillow's rule {resample}, not 2 or 3"
        )
    normalised = settings.get("do_normalize", True)
    if normalised and not ("image_mean" in settings and "image_std" in settings):
        raise InputError(f"encoder.name={name}: its preprocessor's settings have no image_mean and image_std")
    mean, std = (settings[key] if normalised else plain for key, plain in _UNCHANGED.items())
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    if not all(_three(one) for one in (mean, std)) or not isinstance(scale, int | float):
        raise InputError(
            f"encoder.name={name}: its preprocessor's image_mean, image_std or rescale_factor is no number"
        )
    return {
        "image_size": side,
        "resample": _RESAMPLING[resample],
        "scale": float(scale),
        "mean": list(mean),
        "std": list(std),
    }


def _three(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
    )


def _as_input(frames: Tensor, wanted: Mapping[str, Any]) -> Tensor:
    """Pictures as the network reads them: uint8 ``(N, 3, S, S)`` to float32 of its size."""
    pixels = bicubic(frames, wanted["image_size"], wanted["resample"]).float()
    mean, std = (torch.tensor(wanted[key], device=frames.device).view(3, 1, 1) for key in ("mean", "std"))
    normalised: Tensor = (pixels * wanted["scale"] - mean) / std
    return normalised
