"""What a training needs: whether it can begin, its memory beside what is free, its time."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stan_lightning.machine import hardware, needs
from stan_lightning.machine.fact import BAD, GOOD
from stan_lightning.machine.training import facts

TINY = ["data=folders", "model.network.encoder.features=2", "model.network.encoder.layers=[1,1,1,1]"]
TINY += ["data.clip_frames=16", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
TINY += ["trainer.accelerator=cpu", "trainer.max_epochs=10"]


def test_a_training_that_can_begin(make_crops: Callable[..., Path]) -> None:
    found = list(facts([*TINY, f"data.root={make_crops()}"]))
    assert [fact.mark for fact in found] == [GOOD] * 5
    crops, network, memory, disk, seconds = (fact.said for fact in found)
    assert crops == "crops: 5 train, 3 dev, 3 test recordings" and "on cpu, 32-true" in network
    assert "predicted for batches of 2" in memory and "checkpoints" in disk
    assert "an epoch of 5 clips and 9 windows" in seconds and "for 10;" in seconds
    assert "steps on face 2 x 3 x " in seconds and "ms to read a clip" in seconds  # smaller where it is slow


def test_without_crops_it_is_said_and_the_needs_are_those_of_avec() -> None:
    first, *rest = facts([*TINY, "data.root=nowhere"])
    assert first.mark == BAD and "nowhere" in first.said
    assert "100 clips and 900 windows (as many as AVEC2014 has)" in rest[-1].said
    small = [f"model.network.encoders.{name}.layers=[1,1,1,1]" for name in ("face", "audio")]
    small += [f"model.network.encoders.{name}.features=2" for name in ("face", "audio")]
    audio = list(facts(["experiment=face_audio", *TINY[3:], *small, "data=avec2014", "data.root=nowhere"]))
    assert "audio 2 x 1 x " in audio[-1].said, audio


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=nothing"], "Could not find 'model/nothing'"),
        (["data.rot=a"], "Could not override 'data.rot'"),
        (["data.batch_size=0"], "it must be a whole number of at least 1"),
        (["data.root"], "missing EQUAL"),
    ],
)
def test_what_is_mistyped_is_one_fact(words: list[str], said: str) -> None:
    (found,) = facts([*TINY, *words])
    assert found.mark == BAD and said in found.said and "\n" not in found.said


def test_too_little_memory_names_the_batch_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*TINY[:-2], "data.root=nowhere", "trainer.accelerator=cpu", "data.batch_size=64"]
    monkeypatch.setattr(hardware, "memory", lambda: (10**9, 25 * 10**6))
    memory = next(fact for fact in facts(words) if fact.said.startswith("memory"))
    assert memory.mark == BAD and memory.mend.startswith("data.batch_size=")
    fits = int(memory.mend.split("=")[1])
    assert 1 < fits < 64
    module, data = made(words)
    asked = [
        needs.memory_bytes(module, needs.example(module, data, n), "32-true", "cpu") for n in (fits, fits + 1)
    ]
    assert asked[0] <= 25 * 10**6 < asked[1] * 1.1


def made(words: list[str]):
    from hydra.utils import instantiate

    from stan_lightning.data.facts import facts as data_facts
    from stan_lightning.machine import training

    config = training._composed(words)
    data = training._data(config)
    known = data_facts(training.NOBODY, None, {}, data.hparams)
    return instantiate(config.model, data=known, _convert_="all"), data


def test_a_trial_takes_its_seconds_and_no_more() -> None:
    """Where a whole batch would take longer, a part is tried and scaled."""
    module, data = made([*TINY, "data.root=nowhere", "data.batch_size=8"])
    inputs = needs.example(module, data, 8)
    whole = needs.try_out(module, inputs, "cpu", 60.0)
    assert whole.said == "steps on face 8 x 3 x 16 x 32 x 32"
    part = needs.try_out(module, inputs, "cpu", 0.0)
    assert part.said == "steps on face 2 x 3 x 4 x 16 x 16" and part.step_s > 0
    single = needs.try_out(module, needs.example(module, data, 1), "cpu", 0.0)
    assert (
        single.said == "steps on face 1 x 3 x 16 x 32 x 32"
    )  # a quarter has too few values to be normalised
    assert needs.epoch_s(whole, {"train": 16, "dev": 0}, 8, None, 0) == pytest.approx(2 * whole.step_s)
    slow = needs.epoch_s(whole, {"train": 16, "dev": 4}, 8, 10.0, 2)
    assert slow == pytest.approx(100)  # 20 clips by two processes
    assert not torch.is_inference_mode_enabled()
