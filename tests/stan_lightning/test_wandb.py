"""The dashboard, read back from the file that an offline run leaves."""

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from stan_lightning.logging import dashboard

TINY = [
    *("data=folders", "data.clip_frames=16", "logger=wandb"),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=2"),
]
SIZE = ["model.network.encoder.features=2", "model.network.encoder.layers=[1,1,1,1]"]
FUSED = ["face.features=2", "face.layers=[1,1,1,1]", "audio.features=2", "audio.layers=[1,1,1,1]"]
STADRN_TAGS = {"STADRN", "attention=sta_af", "k=2", "features=2", "norm=batch", "memory_format=auto"}
Train = Callable[..., tuple[int, str]]
CURVES = {"train/loss", "val/mae", "val/rmse", "lr", "train/grad_norm", "time/clips_per_s", "time/data_wait"}


def records(file: Path) -> Iterator[Any]:
    """Records of a W&B file: protobuf messages in a LevelDB log, whose blocks hold 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, position, message = file.read_bytes(), 7, b""
    while position + 7 <= len(content):
        left = 2**15 - position % 2**15
        if left < 7:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        message += content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = Record()
            record.ParseFromString(message)
            yield record
            message = b""


def finished(file: Path) -> list[Any]:
    """All records of a run that has ended: W&B's own process still writes when `finish` is back."""
    deadline = time.monotonic() + 30
    while True:
        found = list(records(file))
        if any(record.HasField("exit") for record in found):
            return found
        assert time.monotonic() < deadline, f"{file} has no end"
        time.sleep(0.05)


class Read:
    """What one or several files of a run hold."""

    def __init__(self, run: Path) -> None:
        self.files = sorted(run.glob("wandb/offline-run-*/run-*.wandb"))
        everything = [record for file in self.files for record in finished(file)]
        self.runs = [record.run for record in everything if record.HasField("run")]
        self.history = [
            {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
            for record in everything
            if record.HasField("history")
        ]
        self.keys = {key for row in self.history for key in row}
        configs = [r.config.update for r in everything if r.HasField("config")] + [
            r.config.update for r in self.runs
        ]
        self.config = {item.key: json.loads(item.value_json) for update in configs for item in update}
        folder = self.files[0].parent
        self.bytes = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no_netrc"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.stdin", None)


def test_a_run_holds_every_curve_and_no_name(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    """Offline without a login: curves, config, tags and no recordings; a resumed run keeps its id."""
    run = tmp_path / "run"
    root = f"data.root={make_crops()}"
    code, said = train(*TINY, *SIZE, root, f"hydra.run.dir={run}", "trainer.max_epochs=1")
    assert code == 0, said
    read = Read(run)
    assert f"dashboard: {read.files[0].parent}; `wandb sync {read.files[0].parent}` sends it" in said
    assert CURVES | {"val/scatter"} <= read.keys
    assert not {"val/recordings", "faces"} & read.keys
    assert "6_2_Freeform" not in read.bytes.decode("latin1")
    assert read.config["model"]["network"]["encoder"]["features"] == 2
    own = {"Single", "face", "official", *STADRN_TAGS}
    assert set(read.runs[0].tags) == own
    assert read.runs[0].job_type == "train" and not read.runs[0].run_group
    assert read.runs[0].host == "unnamed" and not list(run.glob("wandb/*/files/wandb-metadata.json"))
    row = next(row for row in read.history if "time/data_wait" in row)
    assert row["time/clips_per_s"] > 0 and 0 <= row["time/data_wait"] <= 1
    assert not any(key.startswith("time/") for key in (run / "metrics.csv").read_text().split(","))
    code, said = train(f"resume={run}", "trainer.max_epochs=2")
    assert code == 0, said
    again = Read(run)
    assert len(again.files) == 2 and len({run.run_id for run in again.runs}) == 1
    maes = [row["val/mae"] for row in again.history if "val/mae" in row]
    assert len(maes) == 2


def _mood(folder: Path, model: list[str]) -> list[str]:
    """Measurements for a network that reads a signal called mood."""
    if not any("mood" in one for one in model):
        return []
    for file in (folder / "crops").glob("*.zip"):
        (folder / "mood").mkdir(exist_ok=True)
        rows = "".join(f"{moment / 10},{moment % 3}\n" for moment in range(40))
        (folder / "mood" / f"{file.stem}.csv").write_text(f"time_s,smile\n{rows}")
    return [f"data.signals.mood={folder / 'mood'}"]


@pytest.mark.parametrize(
    ("model", "tags"),
    [
        (["audio", *SIZE], {"Single", "audio", "official", *STADRN_TAGS}),
        (
            [
                "fusion",
                *(f"model.network.encoders.{one}" for one in FUSED),
                "model.network.encoders.face.k=1",
            ],
            {"Fusion", "fusion=gated", "face", "audio", "official", "face k=1", "audio k=2"}
            | STADRN_TAGS - {"k=2"},
        ),
        (
            [
                *("fusion", "~model.network.encoders.audio"),
                *(f"model.network.encoders.{one}" for one in FUSED[:2]),
                "+model/encoder@model.network.encoders.mood=signal",
            ],
            {"Fusion", "fusion=gated", "face", "mood", "official", "mood SignalNet", "mood width=32"}
            | {"mood layers=2", "mood kernel=5"}
            | {f"face {tag}" for tag in STADRN_TAGS},
        ),
    ],
)
def test_what_hears_has_its_own_tags_and_the_same_curves(
    tmp_path: Path, make_voiced: Callable[..., Path], train: Train, model: list[str], tags: set[str]
) -> None:
    arguments = [f"data.root={make_voiced()}", f"hydra.run.dir={tmp_path / 'run'}", "trainer.max_epochs=1"]
    code, said = train(*TINY, "model=" + model[0], *model[1:], *arguments, *_mood(tmp_path, model))
    assert code == 0, said
    read = Read(tmp_path / "run")
    assert set(read.runs[0].tags) == tags
    assert CURVES | {"val/scatter"} <= read.keys
    assert not {"val/recordings", "faces"} & read.keys
    assert "6_2_Freeform" not in read.bytes.decode("latin1")


def test_names_and_faces_only_when_asked_for_and_each_job_its_own_run(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train
) -> None:
    """Two jobs in one process are two runs of one group; the flags send what they say."""
    folder = tmp_path / "sweep"
    sweep = [f"hydra.sweep.dir={folder}", "seed=0,1", "trainer.max_epochs=1"]
    flags = ["logger.recordings=true", "logger.faces=true"]
    code, said = train("-m", *TINY[:-1], *SIZE, f"data.root={make_crops()}", *sweep, *flags)
    assert code == 0, said
    first, second = (Read(folder / str(job)) for job in (0, 1))
    assert {"val/recordings", "faces", "val/scatter"} <= first.keys
    assert "6_2_Freeform" in first.bytes.decode("latin1")
    assert first.runs[0].run_id != second.runs[0].run_id
    assert [read.config["seed"] for read in (first, second)] == [0, 1]
    assert {read.runs[0].run_group for read in (first, second)} == {"sweep_sweep"}
    assert {read.runs[0].job_type for read in (first, second)} == {"sweep"}


def test_online_needs_a_login(tmp_path: Path, make_crops: Callable[..., Path], train: Train) -> None:
    """Asked for online without one: an error, not a question."""
    arguments = [*TINY, *SIZE, f"data.root={make_crops()}", f"hydra.run.dir={tmp_path / 'run'}"]
    code, said = train(*arguments, "logger.wandb.offline=false")
    assert code == 2 and "run `wandb login` first" in said


@pytest.mark.slow
def test_where_a_run_is_sent_is_said_before_it_is(tmp_path: Path, monkeypatch, capfd) -> None:
    """A received run may name a project: with a login its user reads where to. The server is not there."""
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    made = dashboard.Dashboard(str(tmp_path / "run"), "theirs", None, None, (), False, False)
    said = capfd.readouterr().out
    assert "W&B: this run is sent to project theirs of your default entity; logger.wandb.offline=true" in said
    assert "W&B cannot be reached" in said and made._wandb_init["mode"] == "offline"


def test_login_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not dashboard.logged_in()
    (tmp_path / "no_netrc").write_text("machine api.wandb.ai login user password secret\n")
    assert dashboard.logged_in()
    monkeypatch.setenv("WANDB_BASE_URL", "http://localhost:1")
    assert not dashboard.logged_in()
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert dashboard.logged_in()


def test_gradient_norm_is_that_of_all_parameters(
    tmp_path: Path, make_crops: Callable[..., Path], train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the table holds is the mean over steps of the 2-norm that a naive sum gives."""
    from stan_lightning.training.module import StanModule

    norms: list[float] = []

    def note(self: StanModule, optimizer: torch.optim.Optimizer) -> None:
        squares = [parameter.grad.double().square().sum() for parameter in self.parameters()]
        norms.append(float(torch.stack(squares).sum().sqrt()))

    monkeypatch.setattr(StanModule, "on_before_optimizer_step", note)
    run = tmp_path / "run"
    arguments = [argument for argument in [*TINY, *SIZE] if argument != "logger=wandb"]
    code, said = train(*arguments, f"data.root={make_crops()}", f"hydra.run.dir={run}")
    assert code == 0, said
    header, *rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    logged = [float(row[header.index("train/grad_norm")]) for row in rows]
    assert logged == pytest.approx([sum(norms[:3]) / 3, sum(norms[3:]) / 3], rel=1e-4)
