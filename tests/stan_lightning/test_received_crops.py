"""Commands that read crops of others: one bad recording ends no run, and nothing is written elsewhere."""

import json
import os
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import stan_lightning.embed
import stan_lightning.evaluate

Command = Callable[..., tuple[int, str]]
SMALL = {"train": ["1", "2", "3"], "dev": ["4", "5"], "test": ["6", "7", "8", "9", "10", "11", "12"]}
TINY = ["data.clip_frames=16", "data.image_size=32", "data.batch_size=2"]
NETWORK = [
    "model.network.encoder.features=2",
    "model.network.encoder.layers=[1,1,1,1]",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str]]:
    """Runs a command in this process; returns its exit code and what it said."""
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(module, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        code = 0
        try:
            module.main()
        except SystemExit as end:
            code = int(end.code or 0)
        said, errors = capfd.readouterr()
        return code, said + errors

    return run


def rewritten(path: Path, **changed: bytes) -> None:
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | changed).items():
            archive.writestr(name, data)


def damaged(path: Path, member: int = 20) -> None:
    """A crop in the middle with a byte that its checksum does not know."""
    with zipfile.ZipFile(path) as archive:
        at = archive.infolist()[member].header_offset + 60
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


def encrypted(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)


def undecodable(path: Path, member: int = 11) -> None:
    """A crop that is a JPEG as far as its header goes, and whole by its checksum."""
    with zipfile.ZipFile(path) as archive:
        name = archive.namelist()[member]
        data = archive.read(name)
    rewritten(path, **{name: data[: data.index(b"\xff\xda")]})


def spoil(root: Path) -> list[str]:
    """Seven test recordings, of which two stay good; gives the names of the others."""
    names = [f"{subject}_3_Freeform" for subject in SMALL["test"]]
    damaged(root / f"{names[0]}.zip")
    encrypted(root / f"{names[1]}.zip")
    undecodable(root / f"{names[2]}.zip")
    (root / f"{names[3]}.zip").write_bytes(b"PK no zip")
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    table.loc[table.recording == names[4], "fps"] = "thirty"
    table.to_csv(root / "manifest.csv", index=False)
    return names[:5]


def test_embedding_goes_on_behind_bad_recordings(make_crops, dinov2: Path, command: Command) -> None:
    root = make_crops(SMALL)
    bad = spoil(root)
    asked = (f"encoder.name={dinov2}", f"data.root={root}", "signal=mine")
    code, said = command(stan_lightning.embed, *asked)
    assert code == 3 and "Traceback" not in said, said
    assert "7 recordings embedded" in said
    failed = [line for line in said.splitlines() if line.startswith("failed: ")]
    assert sorted(line.split(": ")[1] for line in failed) == sorted(bad)
    assert len(list((root / "signals" / "mine").glob("*.npz"))) == 7
    assert stat.S_IMODE((root / "signals" / "mine").stat().st_mode) == 0o700


def test_nothing_is_embedded_through_a_link_or_a_name(
    make_crops, dinov2: Path, command: Command, tmp_path: Path
) -> None:
    root, elsewhere = make_crops({"test": ["1", "2"]}), tmp_path / "elsewhere"
    elsewhere.mkdir()
    asked = (f"encoder.name={dinov2}", f"data.root={root}", "signal=mine")
    (root / "signals").symlink_to(elsewhere)
    code, said = command(stan_lightning.embed, *asked)
    assert code == 2 and "is a link" in said and not list(elsewhere.iterdir()), said
    (root / "signals").unlink()
    (root / "signals").mkdir()
    (root / "signals" / "mine").symlink_to(elsewhere)
    code, said = command(stan_lightning.embed, *asked)
    assert code == 2 and "is a link" in said and not list(elsewhere.iterdir()), said
    (root / "signals" / "mine").unlink()
    code, said = command(stan_lightning.embed, *asked)
    assert code == 0, said
    (root / "signals" / "mine" / "1_3_Freeform.npz").unlink()
    kept = elsewhere / "kept"
    for name in ("1_3_Freeform.npz", "1_3_Freeform.npz.part", "signal.json.part"):
        kept.write_text("as it was")
        (root / "signals" / "mine" / name).symlink_to(kept)
    code, said = command(stan_lightning.embed, *asked)
    assert code == 0 and kept.read_text() == "as it was", said
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    table.loc[0, "recording"] = "../../../x"
    table.to_csv(root / "manifest.csv", index=False)
    before = sorted(tmp_path.rglob("*"))
    code, said = command(stan_lightning.embed, *asked)
    assert code == 2 and "manifest.csv: row 2: recording '../../../x'" in said, said
    assert sorted(tmp_path.rglob("*")) == before


def test_names_do_not_steer_the_terminal(make_crops, dinov2: Path, command: Command) -> None:
    root = make_crops({"test": ["1", "2"]})
    os.rename(root / "1_3_Freeform.zip", root / "[red]x.zip")
    damaged(root / "[red]x.zip")
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    table.loc[0, "recording"] = "[red]x"
    table.to_csv(root / "manifest.csv", index=False)
    code, said = command(stan_lightning.embed, f"encoder.name={dinov2}", f"data.root={root}")
    assert code == 3 and "failed: [red]x: " in said and "\x1b]" not in said, said


def test_an_evaluation_counts_what_it_cannot_read_among_the_missing(
    make_crops, train: Command, command: Command, tmp_path: Path
) -> None:
    root, run = make_crops(SMALL), tmp_path / "run"
    code, said = train(f"data.root={root}", f"hydra.run.dir={run}", "data.num_workers=0", *TINY, *NETWORK)
    assert code == 0, said
    bad = spoil(root)
    damaged(root / "1_1_Freeform.zip", 39)  # of those that were trained on, which the ridges read
    checkpoint = f"checkpoint={run}/checkpoints/best.ckpt"
    asked = (checkpoint, "trainer.accelerator=cpu", "data.num_workers=0")
    code, said = command(stan_lightning.evaluate, *asked, f"output={tmp_path / 'out'}")
    assert code == 0 and "Traceback" not in said, said
    assert "5 of 7 recordings have no crops: " in said
    numbers = json.loads((tmp_path / "out" / "metrics.json").read_text())
    reasons = {row["recording"]: row["reason"] for row in numbers["missing"]}
    assert reasons.keys() == set(bad)
    assert "fps is 'thirty'" in reasons[bad[4]] and "encrypted" in reasons[bad[1]]
    scored = pd.read_csv(tmp_path / "out" / "predictions.csv").recording
    assert scored.tolist() == ["11_3_Freeform", "12_3_Freeform"]


def test_training_names_the_file_in_one_line_whoever_read_it(
    make_crops, train: Command, tmp_path: Path
) -> None:
    root = make_crops(SMALL)
    for member in range(40):
        undecodable(root / "1_1_Freeform.zip", member)
    code, said = train(
        f"data.root={root}", f"hydra.run.dir={tmp_path / 'run'}", "data.num_workers=1", *TINY, *NETWORK
    )
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and "1_1_Freeform.zip: " in errors[0], said
    assert "Traceback" not in said
