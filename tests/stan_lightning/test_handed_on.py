"""What each artefact holds is what the table in docs/data.md says of it."""

import platform
import re
import socket
import struct
import sys
from pathlib import Path

import pandas as pd
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs" / "data.md"
HOST = "hst-of-this-machine"
LABELS = {"train": 41.375, "dev": 17.625, "test": 23.875}
TRAINING_MEDIAN = 38.25  # of most training subjects: a statistic that cards and settings may state
TINY = ["data.clip_frames=16", "data.image_size=32", "data.num_workers=0", "data.batch_size=2"]
NETWORK = [
    "model.network.encoder.features=2",
    "model.network.encoder.layers=[1,1,1,1]",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
]


def table() -> dict[str, list[str]]:
    """What the documentation says, by artefact."""
    text = DOCS.read_text().split("## What is handed on")[1]
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines() if "|" in line
    ]
    return {row[0]: row[1:] for row in rows[2:]}


def marked(root: Path) -> None:
    """Give the crops names and labels that stand nowhere by chance."""
    manifest = pd.read_csv(root / "manifest.csv", dtype=str)
    for row in manifest.to_dict("records"):
        (root / f"{row['recording']}.zip").rename(root / f"Rcrd{row['recording']}.zip")
    for name, mark in (("recording", "Rcrd"), ("subject", "Sbjct"), ("session", "Sssn")):
        manifest[name] = mark + manifest[name]
    manifest["video"] = manifest["recording"] + ".mp4"
    manifest["label"] = manifest["partition"].map(LABELS)
    most = (manifest["partition"] == "train") & ~manifest["subject"].isin(("Sbjct1", "Sbjct2"))
    manifest.loc[most, "label"] = TRAINING_MEDIAN
    manifest.to_csv(root / "manifest.csv", index=False)


def held(files: list[Path], here: Path) -> list[str]:
    """Which columns of the table hold of some files, but for the last."""
    data = b"".join(file.name.encode() + file.read_bytes() for file in files)
    values = list(LABELS.values())
    labels = [part for one in values for part in (f"{one:g}".encode(), struct.pack(">d", one))]
    marks = ([b"Rcrd"], [b"Sbjct"], labels, [str(here).encode()], [HOST.encode()])
    return ["yes" if any(mark in data for mark in them) else "no" for them in marks]


@pytest.mark.slow
def test_artefacts_hold_what_is_said(make_crops, train, dinov2, tmp_path, monkeypatch, capfd) -> None:
    import stan_lightning.embed
    import stan_lightning.evaluate
    import stan_lightning.predict
    import stan_lightning.share
    from stan_lightning.network import STADRN
    from stan_lightning.network.export import save_onnx

    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "gethostname", lambda: HOST)
    monkeypatch.setattr(platform, "node", lambda: HOST)
    monkeypatch.setenv("NETRC", str(tmp_path / "no_netrc"))
    monkeypatch.chdir(tmp_path)
    root, run = make_crops(), tmp_path / "run"
    marked(root)
    code, said = train(f"data.root={root}", f"hydra.run.dir={run}", "logger=wandb", *TINY, *NETWORK)
    assert code == 0, said
    checkpoint = f"checkpoint={run}/checkpoints/best.ckpt"
    scored = [checkpoint, "trainer.accelerator=cpu"]
    for module, arguments in (
        (stan_lightning.evaluate, [*scored, f"output={tmp_path / 'out'}", "gallery=true"]),
        (stan_lightning.predict, [*scored, f"video={root}", f"output={tmp_path / 'scores'}", "views=false"]),
        (stan_lightning.embed, [f"encoder.name={dinov2}", f"data.root={root}", "signal=mine"]),
        (stan_lightning.share, [f"run={run}", f"output={tmp_path / 'model'}", "i_may_share=true"]),
    ):
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        try:
            module.main()
        except SystemExit as end:
            assert not end.code, capfd.readouterr()
    save_onnx(STADRN(layers=(1, 1, 1, 1), features=2, k=1), tmp_path / "a.onnx", frames=8, size=32)
    files = {
        "crops, `manifest.csv`": [root / "manifest.csv"],
        "`signals/<name>/` of `embed`": sorted((root / "signals" / "mine").iterdir()),
        "`checkpoints/*.ckpt`": sorted((run / "checkpoints").glob("*.ckpt")),
        "`config.yaml` of a run": [run / "config.yaml"],
        "a W&B run": [
            file for file in (run / "wandb").rglob("*") if file.is_file() and not file.is_symlink()
        ],
        "an ONNX file": [tmp_path / "a.onnx"],
        "`predictions.csv`": [tmp_path / "out" / "predictions.csv"],
        "`metrics.json`": [tmp_path / "out" / "metrics.json"],
        "`report.html`": [tmp_path / "out" / "report.html"],
        "a model folder of `share`": [file for file in (tmp_path / "model").rglob("*") if file.is_file()],
        "`gallery/` of `evaluate`": sorted((tmp_path / "out" / "gallery").iterdir()),
        "`predictions.html`": [tmp_path / "scores" / "predictions.html"],
    }
    assert all(files.values())
    found = {name: held(them, tmp_path) for name, them in files.items()}
    said = {name: row[:5] for name, row in table().items()}
    assert not {name: (found[name], said.get(name)) for name in found if found[name] != said.get(name)}
    assert found.keys() == said.keys()
    page = (tmp_path / "scores" / "predictions.html").read_text()
    assert "shows faces and names of recordings" in page
    model = (tmp_path / "a.onnx").read_bytes()
    assert not re.search(rb"\.py\b|stack_trace", model)
