"""Draws docs/batch.png: one batch of the demo's crops at each step of its way, by the code that trains.

``python docs/batch_picture.py <crops> <png>``; ``make batch-picture`` runs it. The network is not trained.
"""

import sys
from io import BytesIO
from pathlib import Path

import lightning as L
import matplotlib.pyplot as plt
import numpy as np
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from matplotlib.axes import Axes
from PIL import Image

from stan_boundary.configs import CONF
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.dataset import TrainingBatch
from stan_lightning.data.resize import bicubic
from stan_lightning.training.module import StanModule

SHOWN = 8
"""Frames in a row of the picture."""
Pictures = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def opened(crops: str) -> tuple[CropDataModule, StanModule]:
    """Data and network of the demo, as `train` makes them."""
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", ["experiment=demo", f"data.root={crops}", "data.num_workers=0"])
    L.seed_everything(config.seed, verbose=False)
    data = instantiate(config.data, _convert_="all")
    data.trainer = L.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    data.setup("fit")
    module = instantiate(config.model, data=data.facts(), _convert_="all")
    data.serve(module.network.parts)
    return data, module


def shape(tensor: torch.Tensor, letters: str) -> str:
    """Type and shape, as they are in this batch: `uint8 (B 8, T 16)`."""
    sizes = ", ".join(f"{letter} {size}" for letter, size in zip(letters, tensor.shape, strict=True))
    return f"{str(tensor.dtype).removeprefix('torch.')} ({sizes})"


def some(count: int) -> list[int]:
    """Positions of the frames that are shown."""
    return np.linspace(0, count - 1, SHOWN).astype(int).tolist()


def strip(axes: Axes, frames: Pictures, title: str) -> None:
    """Frames ``(N, H, W, 3)`` side by side, with white between them."""
    apart = np.pad(frames, ((0, 0), (0, 0), (0, 4), (0, 0)), constant_values=255)
    axes.imshow(np.concatenate(list(apart), axis=1))
    axes.set_title(title, loc="left", fontsize=9)
    axes.axis("off")


def points(axes: Axes, batch: TrainingBatch, scores: torch.Tensor, noise: float, title: str) -> None:
    """Scores, labels and labels with their noise, a clip of the batch a row."""
    rows = np.arange(len(scores))
    noisy = batch.target + noise * batch.noise
    axes.hlines(rows, scores, noisy, color="0.8")
    axes.plot(scores, rows, "o", label="score")
    axes.plot(batch.target, rows, "|", color="black", markersize=9, label="label")
    axes.plot(noisy, rows, "x", label="label with noise")
    axes.set(ylabel="clip", yticks=rows, xlabel="points", ylim=(len(rows) - 0.5, -0.5))
    axes.set_title(title, loc="left", fontsize=9)
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def main(crops: str, picture: str) -> None:
    """Take one batch from archive to loss and draw what each step made of its first clip."""
    data, module = opened(crops)
    loader = data.train_dataloader()
    order = next(iter(loader.batch_sampler))
    source = loader.dataset.sources[order[0][1]]
    read = loader.collate_fn([loader.dataset[key] for key in order])
    batch = data.on_after_batch_transfer(read, 0)
    with torch.no_grad():
        output = module(batch.inputs, batch.present).float()
        loss = module.objective.training_loss(output, batch.target, batch.noise)
    disk, face, objective = read.inputs["face"], batch.inputs["face"], module.objective
    low, high = objective.score_range
    frames = disk.permute(0, 1, 4, 2, 3)
    resized = bicubic(frames.flatten(0, 1).contiguous(), data.hparams["image_size"])
    pictures = data.augment.apply("face", resized.view(*frames.shape[:3], *resized.shape[2:]), read.draws)
    stored = source.read(some(source.n_frames), disk.shape[2]).numpy()
    grey = face[0].transpose(0, 1)[some(face.shape[2])].permute(0, 2, 3, 1)
    grey = (grey - grey.min()) / (grey.max() - grey.min()).clamp(min=1e-6)
    scores = low + (high - low) * output[:, 0]
    figure, (first, second, third, fourth, last) = plt.subplots(
        5, 1, figsize=(7.2, 7.4), height_ratios=[1, 1, 1, 1, 1.8], layout="constrained"
    )
    title = f"1  Archive: {Path(source.crops).name}, {SHOWN} of its {source.n_frames} JPEGs"
    strip(first, stored, title)
    title = f"2  Random clips, decoded by workers and collated: {shape(disk, 'BTHWC')}"
    strip(second, disk[0, some(disk.shape[1])].numpy(), title)
    title = f"3  On the device, resized and augmented: {shape(pictures, 'BTCHW')}"
    strip(third, pictures[0, some(pictures.shape[1])].permute(0, 2, 3, 1).numpy(), title)
    title = f"4  Network input, normalised (drawn from least to greatest): {shape(face, 'BCTHW')}"
    strip(fourth, (255 * grey).byte().numpy(), title)
    title = (
        f"5  Output {shape(output, 'BK')} in points, and loss: {float(loss):.0f} (the network is untrained)"
    )
    points(last, batch, scores, objective.label_noise, title)
    with BytesIO() as drawn:
        figure.savefig(drawn, dpi=110)
        Image.open(drawn).convert("RGB").quantize(160).save(picture, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
