"""What a face encoder makes of crops is what the model and its own preprocessor make of them."""

import zipfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from stan_boundary.errors import InputError
from stan_lightning.data.crops import Crops
from stan_lightning.embedding.face import FaceEncoder, _as_input, _input, pooled

COUNTED: list[float] = []


@pytest.fixture
def pictures(tmp_path: Path) -> Crops:
    """Ten crops of 32 pixels with something on them, every third source frame, the clock beginning at 1 s."""
    random = np.random.default_rng(0)
    path = tmp_path / "1_1_Freeform.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for frame in range(0, 30, 3):
            small = random.integers(0, 256, (8, 8, 3), np.uint8)
            image = cv2.resize(small, (32, 32), interpolation=cv2.INTER_CUBIC)
            archive.writestr(f"{frame:06d}.jpg", cv2.imencode(".png", image)[1].tobytes())
        lines = [f"{frame},{1 + frame / 30:.6f}" for frame in range(0, 30, 3)]
        archive.writestr("track.csv", "\n".join(["frame,time_s", *lines]))
    return Crops(path)


def encoder(folder: Path, **changes: object) -> FaceEncoder:
    arguments = dict(weights="pretrained", seed=0, device="cpu", pooling="pooled", batch_size=4)
    return FaceEncoder(str(folder), **(arguments | changes))


def by_the_library(folder: Path, pictures: Crops) -> torch.Tensor:
    """The model's input as its own preprocessor makes it."""
    from transformers import BitImageProcessorPil

    processor = BitImageProcessorPil.from_pretrained(folder)
    images = list(pictures.read(range(10), 32))
    return processor(images=images, return_tensors="pt")["pixel_values"]


def test_the_input_is_the_preprocessor_s(dinov2, pictures):
    wanted = by_the_library(dinov2, pictures)
    found = _as_input(
        torch.from_numpy(pictures.read(range(10), 32)).permute(0, 3, 1, 2).contiguous(),
        encoder(dinov2)._input,
    )
    assert found.shape == wanted.shape == (10, 3, 56, 56)
    greys = (found - wanted).abs() * torch.tensor([0.2, 0.25, 0.3]).view(3, 1, 1) * 255
    assert greys.max() < 1.01 and (greys < 0.01).float().mean() > 0.98


@pytest.mark.parametrize(
    ("rule", "pillow_s", "greys", "equal"),
    # Of bilinear sums many fall on a half, which the two round apart.
    [("bilinear", Image.BILINEAR, 2, 0.9), ("bicubic", Image.BICUBIC, 1, 0.98)],
)
def test_the_resize_is_pillow_s(pictures, rule, pillow_s, greys, equal):
    crops = pictures.read(range(10), 32)
    wanted = np.stack([np.asarray(Image.fromarray(crop).resize((56, 56), pillow_s)) for crop in crops])
    plain = {"image_size": 56, "resample": rule, "scale": 1.0, "mean": [0.0] * 3, "std": [1.0] * 3}
    found = _as_input(torch.from_numpy(crops).permute(0, 3, 1, 2).contiguous(), plain)
    off = np.abs(found.permute(0, 2, 3, 1).numpy() - wanted)
    assert off.max() <= greys and (off == 0).mean() > equal


@pytest.mark.parametrize("pooling", ["pooled", "mean"])
def test_vectors_are_the_model_s_whatever_the_batch(dinov2, pictures, pooling):
    from transformers import AutoModel

    found = encoder(dinov2, pooling=pooling).embed(pictures, COUNTED.append)
    with torch.inference_mode():
        said = AutoModel.from_pretrained(dinov2)(pixel_values=by_the_library(dinov2, pictures))
    hidden = said.last_hidden_state
    wanted = hidden[:, 0] if pooling == "pooled" else hidden[:, 1:].mean(1)  # the class token stands first
    assert found.values.dtype == np.float32 and found.values.shape == (10, 16)
    assert np.abs(found.values - wanted.numpy()).max() < 0.05 < found.values.std(0).max()
    alone = encoder(dinov2, pooling=pooling, batch_size=1).embed(pictures, COUNTED.append)
    assert np.allclose(found.values, alone.values, atol=1e-5)


def test_times_are_those_of_the_signal_and_each_crop_is_counted(dinov2, pictures):
    COUNTED.clear()
    found = encoder(dinov2).embed(pictures, COUNTED.append)
    assert found.clock == "time_s" and np.allclose(found.when, 1 + np.arange(0, 30, 3) / 30)
    assert COUNTED == [4, 4, 2]


def test_folders_of_images_have_frames_for_times(dinov2, tmp_path):
    for frame in (2, 5, 8):
        cv2.imwrite(str(tmp_path / f"{frame:05d}.png"), np.full((24, 24, 3), 20 * frame, np.uint8))
    found = encoder(dinov2).embed(Crops(tmp_path), COUNTED.append)
    assert found.clock == "frame" and found.when.tolist() == [2, 5, 8] and found.when.dtype == np.int64


def test_mean_leaves_out_what_is_no_patch_and_takes_maps_and_merged_patches():
    opened = SimpleNamespace(name="x", config=SimpleNamespace(patch_size=14))
    tokens = torch.arange(21.0).view(1, 21, 1).repeat(2, 1, 3)  # 5 tokens before 4 x 4 patches
    said = SimpleNamespace(last_hidden_state=tokens)
    assert pooled(said, "mean", opened, 56).tolist() == [[12.5] * 3] * 2
    said = SimpleNamespace(last_hidden_state=tokens[:, :4])
    assert pooled(said, "mean", opened, 56).tolist() == [[1.5] * 3] * 2
    said = SimpleNamespace(last_hidden_state=torch.arange(8.0).view(1, 2, 2, 2))
    assert pooled(said, "mean", opened, 56).tolist() == [[1.5, 5.5]]
    with pytest.raises(InputError, match=r"no pooled output of its own; take encoder.pooling=mean"):
        pooled(said, "pooled", opened, 56)


GOOD = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}


@pytest.mark.parametrize(
    ("settings", "side"),
    [
        (GOOD, 32),
        (GOOD | {"size": 48}, 48),
        (GOOD | {"size": {"shortest_edge": 256}, "crop_size": 224, "do_center_crop": True}, 224),
        (GOOD | {"size": {"shortest_edge": 256}, "crop_size": 224, "do_center_crop": False}, 256),
    ],
)
def test_sizes_as_preprocessors_write_them(settings, side):
    assert _input(settings, "x")["image_size"] == side


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": {"height": 32, "width": 64}}, "not squares"),
        ({"resample": 1}, "Pillow's rule 1"),
        ({"image_mean": None}, "no image_mean and image_std"),
    ],
)
def test_settings_that_cannot_be_followed(change, words):
    settings = {key: value for key, value in (GOOD | change).items() if value is not None}
    with pytest.raises(InputError, match=words):
        _input(settings, "x")
