"""bfloat16 on a CPU is tried before it is trained in."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stan_lightning.training import bfloat16, refusals

TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=1"),
]


def test_one_gradient_that_is_no_number_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def thirtieth(volume: tuple[int, int, int]) -> bool:
        tried.append(volume)
        return len(tried) != 30

    monkeypatch.setattr(bfloat16, "_finite", thirtieth)
    assert not bfloat16.gradients_are_numbers() and tried[-1] == (2, 3, 3)
    assert bfloat16.gradients_are_numbers()


def test_trying_draws_nothing_from_training_s_random_numbers() -> None:
    torch.manual_seed(0)
    bfloat16.gradients_are_numbers()
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))


def test_memory_that_was_used_before_holds_no_numbers() -> None:
    """A kernel that reads what it never wrote meets them."""
    bfloat16._fill_freed_memory()
    assert any(bool(torch.empty(2**size).isnan().any()) for size in range(4, 18))


@pytest.mark.usefixtures("without_onednn")  # what trains is torch's own
@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_what_fails_is_refused_in_one_line_and_the_rest_trains(
    precision: str,
    tmp_path: Path,
    make_crops: Callable[..., Path],
    train: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    arguments = [*TINY, f"data.root={make_crops()}", f"hydra.run.dir={run}", f"trainer.precision={precision}"]
    monkeypatch.setattr(refusals, "gradients_are_numbers", lambda: False)
    code, said = train(*arguments)
    line = said.strip().splitlines()[-1]
    assert (
        code == 2
        and line.startswith(f"error: trainer.precision={precision}: ")
        and not (run / "checkpoints").exists()
    )
    assert "trainer.precision=32-true" in line
    monkeypatch.setattr(refusals, "gradients_are_numbers", lambda: True)
    code, said = train(*arguments)
    assert code == 0, said
