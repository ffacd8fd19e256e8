from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from stan_lightning.network.precision import single_precision
from stan_lightning.training.module import StanModule


def flags() -> tuple[bool, bool]:
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


@pytest.fixture
def restored() -> Iterator[None]:
    before = flags()
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("allowed", [(True, False), (False, True)])
def test_no_tf32_and_no_autocast_within_and_all_as_before_after_it(allowed: tuple[bool, bool]) -> None:
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = allowed
    with pytest.raises(KeyError), torch.autocast("cpu", torch.bfloat16):  # an error puts them back, too
        with single_precision("cpu"):
            assert flags() == (False, False)
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
            raise KeyError
    assert flags() == allowed


def test_development_is_scored_in_it(
    make_crops: Callable[..., Path],
    train: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    seen: dict[str, set[tuple[bool, bool]]] = {"train": set(), "score": set()}
    forward = StanModule.forward

    def watched(self: StanModule, *arguments: object) -> torch.Tensor:
        seen["train" if self.training else "score"].add(flags())
        return forward(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(StanModule, "forward", watched)
    tiny = [
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
        "data.image_size=32",
    ]
    crops = make_crops({"train": ["1", "2"], "dev": ["6"], "test": ["9"]}, n_frames=16)
    code, said = train(
        *("data=folders", f"data.root={crops}", *tiny, "data.batch_size=2", "data.num_workers=0"),
        *("trainer.max_epochs=1", "trainer.accelerator=cpu", f"hydra.run.dir={tmp_path / 'run'}"),
    )
    assert code == 0, said
    assert seen["score"] == {(False, False)} and seen["train"] == {flags()} != seen["score"]
