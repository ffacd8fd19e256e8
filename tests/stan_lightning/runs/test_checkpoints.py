"""Checkpoints are whole or absent, and know the folder that they lie in."""

from pathlib import Path

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.runs.checkpoints import WholeCheckpointIO, holds_run, newest


def save(run: Path, *values: int) -> Path:
    """Write `last` once for each value."""
    folder = run / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    for value in values:
        content = {"value": torch.full((1000,), value)}
        WholeCheckpointIO().save_checkpoint(content, folder / "last.ckpt")
    return folder


def value(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["value"][0])


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    folder = save(tmp_path, 1, 2, 3)
    assert value(folder / "last.ckpt") == 3
    assert value(folder / "last.previous.ckpt") == 2
    assert sorted(file.name for file in folder.iterdir()) == ["last.ckpt", "last.previous.ckpt"]


def test_a_kill_while_writing_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step of a save is the last one that happens, a whole checkpoint can be found."""
    import os

    for step in range(4):
        run = tmp_path / str(step)
        save(run, 1, 2)
        calls = 0

        def killed(*arguments: object, original=os.replace, limit=step) -> None:  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls > limit:
                raise KeyboardInterrupt
            original(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", killed)
            if step < 2:
                with pytest.raises(KeyboardInterrupt):
                    save(run, 3)
            else:
                save(run, 3)
        found, said = newest(run)
        assert value(found) == (2 if step < 2 else 3)
        assert bool(said) == (step == 1)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_last_falls_back(tmp_path: Path, damage: str) -> None:
    """The one before is taken, that is said, and the next save does not overwrite it with the damaged one."""
    folder = save(tmp_path, 1, 2)
    last = folder / "last.ckpt"
    content = bytearray(last.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    last.write_bytes({"cut": content[: len(content) // 2], "flipped": content, "empty": b""}[damage])
    found, said = newest(tmp_path)
    assert found.name == "last.previous.ckpt" and value(found) == 1
    assert "going on from" in said and str(found) in said
    save(tmp_path, 5)
    assert value(folder / "last.ckpt") == 5 and value(folder / "last.previous.ckpt") == 1


def test_nothing_to_resume(tmp_path: Path) -> None:
    assert not holds_run(tmp_path)
    with pytest.raises(InputError, match="nothing to resume"):
        newest(tmp_path)
    folder = save(tmp_path, 1)
    assert holds_run(tmp_path)
    (folder / "last.ckpt").write_bytes(b"")
    with pytest.raises(InputError, match="nothing to resume"):
        newest(tmp_path)


def test_a_moved_run_keeps_its_best(tmp_path: Path) -> None:
    """Paths in the state are those of the folder that the checkpoint is read from."""
    old = "/content/run/checkpoints"
    state = {"dirpath": old, "best_model_path": f"{old}/best.ckpt", "last_model_path": ""}
    state |= {"best_k_models": {f"{old}/best.ckpt": torch.tensor(8.5)}, "best_model_score": torch.tensor(8.5)}
    path = tmp_path / "last.ckpt"
    WholeCheckpointIO().save_checkpoint({"callbacks": {"ModelCheckpoint": state, "Other": {"best": 1}}}, path)
    read = WholeCheckpointIO().load_checkpoint(path, weights_only=True)["callbacks"]
    assert read["ModelCheckpoint"]["dirpath"] == str(tmp_path)
    assert read["ModelCheckpoint"]["best_model_path"] == str(tmp_path / "best.ckpt")
    assert read["ModelCheckpoint"]["last_model_path"] == ""
    assert list(read["ModelCheckpoint"]["best_k_models"]) == [str(tmp_path / "best.ckpt")]
    assert read["Other"] == {"best": 1}
