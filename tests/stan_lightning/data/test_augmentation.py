import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from torch.utils.data import default_collate

from stan_lightning.data.augmentation import (
    Augmentation,
    Draw,
    JitterAndFlip,
    Pipeline,
    SoundMasks,
    augment,
    draw,
)

ORDER = torch.arange(4)


def apply(
    frames: np.ndarray, factors: tuple[float, ...], flip: bool = False, order: torch.Tensor = ORDER
) -> np.ndarray:
    """One clip through the batch form; frames and result are (T, H, W, 3)."""
    clips = torch.from_numpy(frames).permute(0, 3, 1, 2)[None]
    draws = Draw(torch.tensor([factors]), order[None], torch.tensor([flip]))
    return augment(clips, draws)[0].permute(0, 2, 3, 1).numpy()


@pytest.fixture
def frames() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(noise).resize((12, 10)).resize((50, 40)))
    return np.stack([noise, smooth])


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.13, 1.2])
@pytest.mark.parametrize(
    ("position", "enhance"),
    [(0, ImageEnhance.Brightness), (1, ImageEnhance.Contrast), (2, ImageEnhance.Color)],
)
def test_blends_equal_pillows(frames: np.ndarray, factor: float, position: int, enhance: type) -> None:
    factors = [1.0, 1.0, 1.0, 0.0]
    factors[position] = factor
    expected = np.stack([np.asarray(enhance(Image.fromarray(frame)).enhance(factor)) for frame in frames])
    assert np.array_equal(apply(frames, tuple(factors)), expected)


@pytest.mark.parametrize("shift", [-0.2, -0.05, 0.1, 0.2])
def test_hue_is_pillows_but_for_a_few_rounded_values(frames: np.ndarray, shift: float) -> None:
    def turned(frame: np.ndarray) -> np.ndarray:
        hue, saturation, value = Image.fromarray(frame).convert("HSV").split()
        moved = (np.asarray(hue).astype(int) + int(shift * 255)) % 256
        bands = (Image.fromarray(moved.astype(np.uint8)), saturation, value)
        return np.asarray(Image.merge("HSV", bands).convert("RGB"))

    expected = np.stack([turned(frame) for frame in frames]).astype(int)
    difference = np.abs(apply(frames, (1.0, 1.0, 1.0, shift)).astype(int) - expected)
    assert difference.max() <= 8
    assert (difference > 0).mean() < 0.01


def test_the_order_of_the_steps_is_the_draws(frames: np.ndarray) -> None:
    factors = (1.2, 0.8, 1.0, 0.0)
    first = apply(frames, factors)
    second = apply(frames, factors, order=torch.tensor([1, 0, 2, 3]))
    assert not np.array_equal(first, second)
    contrast_then = np.stack(
        [
            np.asarray(
                ImageEnhance.Brightness(ImageEnhance.Contrast(Image.fromarray(f)).enhance(0.8)).enhance(1.2)
            )
            for f in frames
        ]
    )
    assert np.array_equal(second, contrast_then)


def test_flip_mirrors_and_neutral_factors_change_nothing(frames: np.ndarray) -> None:
    neutral = (1.0, 1.0, 1.0, 0.0)
    assert np.array_equal(apply(frames, neutral), frames)
    assert np.array_equal(apply(frames, neutral, flip=True), frames[:, :, ::-1])


def test_draws_stay_in_their_range_and_repeat_with_their_seed() -> None:
    draws = [draw(np.random.default_rng(seed), 0.2, 0.5) for seed in range(300)]
    factors = torch.stack([d.factors for d in draws])
    assert factors[:, :3].min() >= 0.8 and factors[:, :3].max() <= 1.2
    assert factors[:, 3].abs().max() <= 0.2
    assert {tuple(sorted(d.order.tolist())) for d in draws} == {(0, 1, 2, 3)}
    assert 0.4 < torch.stack([d.flip for d in draws]).float().mean() < 0.6
    again = draw(np.random.default_rng(7), 0.2, 0.5)
    assert torch.equal(again.factors, draws[7].factors)


class Dim(Augmentation):
    """A step of somebody's own."""

    def draw(self, random: np.random.Generator) -> torch.Tensor:
        return torch.tensor(random.uniform(0.1, 0.9), dtype=torch.float32)

    def apply(self, clips: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        return (clips * draws.view(-1, 1, 1, 1, 1)).to(torch.uint8)


def test_a_pipeline_changes_each_modality_by_its_own_steps_in_their_order() -> None:
    pipeline = Pipeline({"picture": JitterAndFlip(0.0, 1.0), "mine": Dim(), "sound": SoundMasks(1)})
    drawn = [pipeline.draw(np.random.default_rng(seed), ["face", "audio"]) for seed in (0, 1)]
    seen = pipeline.draw(np.random.default_rng(0), ["face"])
    assert list(seen) == ["picture", "mine"] and seen["mine"] == drawn[0]["mine"], "whatever else is read"
    draws = default_collate(drawn)
    clips = torch.arange(200, dtype=torch.uint8).view(1, 1, 1, 1, 200).expand(2, 4, 3, 1, 200)
    found = pipeline.apply("face", clips, draws)
    for clip, share in zip(found, (one["mine"] for one in drawn), strict=True):
        assert torch.equal(clip[0, 0, 0], (torch.arange(199, -1, -1) * share).to(torch.uint8))
    assert set(pipeline.on_host(draws)) == {"picture", "mine"}
    assert pipeline.apply("mood", clips, draws) is clips and pipeline.apply("face", clips, {}) is clips
    assert not torch.equal(pipeline.apply("audio", torch.ones(2, 50, 64), draws), torch.ones(2, 50, 64))
