"""A user's mistake ends a command in one line that names the thing and the way out."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

import stan_lightning.evaluate
import stan_lightning.train

TINY = ["data.clip_frames=16", "data.image_size=32", "data.num_workers=0", "data.batch_size=2"]
NETWORK = [
    "model.network.encoder.features=2",
    "model.network.encoder.layers=[1,1,1,1]",
    "trainer.max_epochs=1",
]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command as its user would; returns the one line that it ended with."""

    def run(command, *arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["command", *arguments])
        with pytest.raises(SystemExit) as ended:
            command.main()
        assert ended.value.code == 2
        said = capsys.readouterr().err.strip()
        assert said.startswith("error: ") and "\n" not in said
        return said

    return run


def rewrite(root: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    file = root / "manifest.csv"
    change(pd.read_csv(file, dtype=str)).to_csv(file, index=False)
    return root


def spoil_crop(root: Path) -> Path:
    path = root / "1_1_Freeform.zip"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"not an image")
    return root


CASES: list[tuple[Callable[[Path], Path], str]] = [
    (lambda root: root / "absent", "no crops at .*make preprocess.*make demo"),
    (lambda root: rewrite(root, lambda t: t[:0]), "manifest.csv: lists no recording"),
    (lambda root: rewrite(root, lambda t: t.assign(label="")), "no recording of partition train has a label"),
    (
        lambda root: rewrite(root, lambda t: t.assign(label="64")),
        "1_1_Freeform: label 64 is no score in 0..63",
    ),
    (lambda root: rewrite(root, lambda t: t.assign(label="ill")), "label ill is no score"),
    (lambda root: rewrite(root, lambda t: pd.concat([t, t])), "1_1_Freeform is listed twice"),
    (lambda root: rewrite(root, lambda t: t[t.partition != "dev"]), "partition dev holds no recording"),
    (lambda root: rewrite(root, lambda t: t.assign(status="failed")), "no recording has crops"),
    (lambda root: (root / "1_1_Freeform.zip").unlink() or root, r"1_1_Freeform.zip: not there"),
    (spoil_crop, r"1_1_Freeform.zip: 000000.jpg is not an image"),
]


@pytest.mark.parametrize(("spoil", "said"), CASES)
def test_training_on_what_cannot_be_used(make_crops, tmp_path: Path, ends, spoil, said: str) -> None:
    root = spoil(make_crops())
    run = tmp_path / "run"
    line = ends(stan_lightning.train, f"data.root={root}", f"hydra.run.dir={run}", *TINY, *NETWORK)
    assert pd.Series([line]).str.contains(said).all(), line
    assert not list(run.glob("**/*.ckpt"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.frame_stride=1", "cannot be read from crops of every 3 frames"),
        ("data.protocol=random", "official, subject_disjoint, group_kfold"),
        ("model.network.encoder.layers=2", "layers is 2: give four numbers"),
        ("model.network.encoder.attention=wrong", "choose one of ta, sa, sta, sta_af"),
        ("trainer=t4", "needs a GPU"),
        ("trainer.callbacks.best.monitor=test/mae", "monitor a metric of development"),
    ],
)
def test_training_with_a_value_that_cannot_be(
    make_crops, tmp_path: Path, ends, override: str, said: str
) -> None:
    if override == "trainer=t4" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU, so trainer=t4 can run")
    arguments = (f"data.root={make_crops()}", f"hydra.run.dir={tmp_path / 'run'}", *TINY, *NETWORK)
    assert said in ends(stan_lightning.train, *arguments, override)


def test_evaluating_what_is_no_checkpoint_of_ours(make_crops, tmp_path: Path, ends) -> None:
    root = make_crops()
    broken, foreign = tmp_path / "broken.ckpt", tmp_path / "foreign.ckpt"
    broken.write_bytes(b"no checkpoint")
    torch.save({"weights": torch.zeros(3)}, foreign)
    for path in (tmp_path / "absent.ckpt", broken, foreign):
        line = ends(stan_lightning.evaluate, f"checkpoint={path}", f"data.root={root}")
        assert path.name in line
