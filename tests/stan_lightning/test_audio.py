"""Networks that hear, through the commands: trained, resumed, evaluated, asked, and refused."""

import json
import shutil
import sys
from pathlib import Path

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_boundary.typed import typed_python
from stan_lightning import evaluate
from stan_lightning.data import augmentation, inputs, sound
from stan_lightning.data.crops import open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.scoring import score_windows
from stan_lightning.evaluation.trained import open_checkpoint
from stan_lightning.predict import predict

SIZE = ["features=2", "layers=[1,1,1,1]"]
ALONE = [f"model.network.encoder.{one}" for one in SIZE]
BOTH = [f"model.network.encoders.{name}.{one}" for name in ("face", "audio") for one in SIZE]
TINY = [
    *("data=manifest", "data.clip_frames=16"),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=4"),
]
FUSION = [*TINY, *BOTH, "model=fusion", "model.scheduler.T_0=2"]


@pytest.fixture
def voiced(make_voiced) -> Path:
    return make_voiced()


@pytest.fixture
def fused(once, make_voiced, train) -> Path:
    """A trained fusion for all who read it: its `crops`, its `run`, and what training `said`."""

    def make(home: Path) -> None:
        shutil.move(make_voiced(), home / "crops")
        code, said = train(*FUSION, f"data.root={home / 'crops'}", f"hydra.run.dir={home / 'run'}")
        assert code == 0, said
        (home / "said").write_text(said)

    return once("fusion", make)


@pytest.mark.parametrize("model", ["audio", "fusion_mean", "fusion", "fusion_attention"])
def test_two_epochs_and_two_are_four(model, voiced, train, tmp_path, assert_same_run):
    """Bit for bit, with hidden modalities and masks drawn anew, and with recordings that lack audio."""
    arguments = [*TINY, *(BOTH if "fusion" in model else ALONE), f"model={model}", f"data.root={voiced}"]
    code, said = train(*arguments, f"hydra.run.dir={tmp_path / 'whole'}")
    assert code == 0 and "3 of 11 recordings have no sound, such as" in said, said
    code, said = train(*arguments, f"hydra.run.dir={tmp_path / 'parts'}", "trainer.max_epochs=2")
    assert code == 0, said
    code, said = train(f"resume={tmp_path / 'parts'}", "trainer.max_epochs=4")
    assert code == 0, said
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    losses = pd.read_csv(tmp_path / "whole" / "metrics.csv")["train/loss"]
    assert np.isfinite(losses).all() and losses.nunique() == 4


def test_evaluation_says_what_each_modality_is_worth(fused, tmp_path, monkeypatch, capfd):
    output = tmp_path / "evaluation"
    checkpoint = fused / "run" / "checkpoints" / "best.ckpt"
    asked = ["partition=train", "robustness=true", "identity_audit=true"]
    asked += [f"checkpoint={checkpoint}", f"output={output}"]
    monkeypatch.setattr(sys, "argv", ["evaluate", *asked])
    monkeypatch.setenv("COLUMNS", "200")
    capfd.readouterr()
    evaluate.main()
    told = capfd.readouterr().out
    numbers = json.loads((output / "metrics.json").read_text())
    rows = {row["name"]: row for row in numbers["modalities"]["rows"]}
    assert list(rows) == [
        "face + audio",
        "face alone",
        "audio alone",
        "another person's face",
        "another person's audio",
    ]
    assert numbers["modalities"]["n_without"] == 1 and {row["n"] for row in rows.values()} == {4}
    assert numbers["video"]["n"] == 5  # the silent one is scored by its face
    parts = ("face + audio", "face alone", "audio alone")  # another person's may round to the same number
    assert len({rows[name]["mae"]["value"] for name in parts}) == 3
    kinds = {kind: [row["strength"] for row in numbers["robustness"][kind]] for kind in numbers["robustness"]}
    assert (kinds["sound_noise"], kinds["bandwidth"], kinds["gain"]) == ([20, 10, 0], [8], [-12, 12])
    assert "another person's audio" in " ".join(told.split())
    page = (output / "report.html").read_text()
    assert "Contribution of each modality" in page and "sound: 10 dB above noise" in page
    assert set(numbers["identity_audit"]) == {"face", "audio"}
    windows = pd.read_csv(output / "windows.csv")
    assert np.allclose(windows.gate_face + windows.gate_audio, 1, atol=1e-6)
    silent = windows[windows.recording == "3_1_Freeform"]
    assert len(silent) == 3 and (silent.gate_face == 1).all()
    gates = numbers["modalities"]["gates"]
    assert gates["face"]["n"] == len(windows) - 3 and gates["face"]["mean_by"]["audio"]["without"]["n"] == 3
    heard = windows[windows.recording != "3_1_Freeform"]
    assert gates["audio"]["mean"] == pytest.approx(heard.gate_audio.mean()) and 0 < gates["audio"]["mean"] < 1
    line = f"gates, mean (sd) over {len(heard)} windows that have all: face {gates['face']['mean']:.2f}"
    assert line in told and "<h2>Gates</h2>" in page


def test_what_is_silent_is_scored_as_by_the_face_alone(fused):
    assert "3 of 11 recordings have no sound" in (fused / "said").read_text()
    trained = open_checkpoint(fused / "run" / "checkpoints" / "best.ckpt")
    data = CropDataModule(**trained.data)
    data.setup("test")
    trainer = L.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    for part in ("train", "dev", "test"):
        table = data.tables[part]
        whole, face = (score_windows(trained.module, data, table, trainer, hidden=h) for h in ((), ["audio"]))
        silent = whole.recording.isin(data.tables[part].recording[data.tables[part].sound_s == 0])
        assert silent.sum() == 3  # one recording of each partition
        difference = (whole.output - face.output).abs()
        assert difference[silent].max() <= 1e-6 < 4e-6 < difference[~silent].max()


def test_a_network_that_only_sees_opens_and_computes_nothing_of_sound(
    make_crops, give_sound, train, tmp_path, monkeypatch, assert_same_run
):
    root = make_crops()
    arguments = [*TINY, *ALONE, "trainer.max_epochs=2", f"data.root={root}"]
    code, said = train(*arguments, f"hydra.run.dir={tmp_path / 'silent'}")
    assert code == 0, said
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    for name in table.recording:
        give_sound(root / f"{name}.zip", np.random.default_rng(0).normal(0, 999, 64_000).astype(np.int16))
    table.assign(sound_s="4.0").to_csv(root / "manifest.csv", index=False)
    open_crops.__globals__["_opened"].cache_clear()
    touched: list[str] = []

    def touch(name):
        return lambda *_, **__: touched.append(name)

    monkeypatch.setattr(sound.SoundReader, "__init__", touch("opened"))
    monkeypatch.setattr(inputs, "audio_input", touch("computed"))
    monkeypatch.setattr(augmentation, "draw_masks", touch("drawn"))
    code, said = train(*arguments, f"hydra.run.dir={tmp_path / 'sounding'}")
    assert code == 0 and touched == [], said
    assert_same_run(tmp_path / "silent", tmp_path / "sounding")
    train(*arguments, "model=audio", f"hydra.run.dir={tmp_path / 'hearing'}")
    assert "opened" in touched  # what would have been noticed


@pytest.mark.slow
def test_the_sweep_of_modalities_ends_in_its_table(voiced, train, tmp_path):
    arguments = [
        *TINY,
        "data.image_size=32",
        "trainer.max_epochs=1",
        f"data.root={voiced}",
        f"hydra.sweep.dir={tmp_path / 's'}",
    ]
    code, said = train("sweep=modalities", *arguments)
    assert code == 0, said
    table = pd.read_csv(tmp_path / "s" / "sweep.csv")
    assert table.model.tolist() == ["sta_drn", "audio", "fusion_mean", "fusion", "fusion_attention"]
    assert table.status.eq("finished").all() and np.isfinite(table.value).all()
    assert all(f"{value:.2f}" in said for value in table.value)


def test_encoders_start_from_runs_of_their_own_and_stay(voiced, train, tmp_path):
    for name, model in (("face", "sta_drn"), ("audio", "audio")):
        code, said = train(
            *TINY, *ALONE, f"model={model}", f"data.root={voiced}", f"hydra.run.dir={tmp_path / name}"
        )
        assert code == 0, said
    starts = [f"model.init_weights.{name}={tmp_path / name}" for name in ("face", "audio")]
    code, said = train(
        *FUSION,
        *starts,
        "model.network.frozen=[audio]",
        f"data.root={voiced}",
        f"hydra.run.dir={tmp_path / 'both'}",
    )
    assert code == 0 and "face: took" in said and "audio: took" in said, said
    alone = torch.load(tmp_path / "audio" / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    both = torch.load(tmp_path / "both" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    kept = {name: tensor for name, tensor in both.items() if name.startswith("network.encoders.audio.")}
    changed = [
        name
        for name in kept
        if not torch.equal(kept[name], alone[name.replace("encoders.audio.", "encoder.")])
    ]
    assert kept and changed == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["+model/encoder@model.network.encoders.smell=signal"], "no such folder of the signal smell"),
        (["model.network.frozen=[audio]"], "give model.init_weights.audio=<run>"),
        (["model.network.drop_modality=1.0"], "drop_modality is 1.0: it must be at least 0 and below 1"),
        (["model.network.fusion=sum"], "unknown fusion 'sum': choose one of mean, gated, attention"),
        (["model.init_weights=a.ckpt"], "give model.init_weights.face or another's"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments, words, voiced, train, tmp_path):
    code, said = train(*FUSION, *arguments, f"data.root={voiced}", f"hydra.run.dir={tmp_path / 'run'}")
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and words in errors[0] and "Traceback" not in said, said


@pytest.mark.parametrize(
    ("model", "override"),
    [("audio", "data.modalities=[face]"), ("fusion", "data.modalities=[face]")],
)
def test_a_modality_that_nobody_reads_is_refused(model, override, voiced, train, tmp_path):
    run = tmp_path / "run"
    code, said = train(*TINY, f"model={model}", override, f"data.root={voiced}", f"hydra.run.dir={run}")
    assert code == 2 and "nobody reads" in said and "Traceback" not in said, said
    assert not any(run.iterdir())  # Hydra makes the folder; nothing is left in it


def test_crops_without_sound_and_an_encoder_of_another_size(make_voiced, train, tmp_path):
    silent = make_voiced(silent=1)
    code, said = train(
        *TINY, *ALONE, "model=audio", f"data.root={silent}", f"hydra.run.dir={tmp_path / 'run'}"
    )
    assert (
        code == 2
        and f"no recording has sound; add it to the crops with `{typed_python()} -m preprocess" in said
    )
    code, said = train(
        *TINY,
        *ALONE,
        "model.network.encoder.features=4",
        f"data.root={silent}",
        f"hydra.run.dir={tmp_path / 'face'}",
    )
    assert code == 0, said
    start = f"model.init_weights.face={tmp_path / 'face'}"
    (silent / "manifest.csv").write_text((silent / "manifest.csv").read_text().replace("0.0", "4.0"))
    code, said = train(*FUSION, start, f"data.root={silent}", f"hydra.run.dir={tmp_path / 'both'}")
    assert code == 2 and "does not fit the network" in said and "Traceback" not in said, said


def test_prediction_hears_and_says_who_is_silent(fused, tmp_path, capfd):
    voiced = fused / "crops"
    given = tmp_path / "given"
    given.mkdir()
    table = pd.read_csv(voiced / "manifest.csv", dtype=str)
    chosen = [*table.recording[table.sound_s == "4.0"][:1], *table.recording[table.sound_s == "0.0"][:1]]
    rows = table.set_index("recording").loc[chosen]
    rows.reset_index().to_csv(given / "manifest.csv", index=False)
    for name in chosen:
        (given / f"{name}.zip").write_bytes((voiced / f"{name}.zip").read_bytes())
    with initialize_config_dir(CONF, version_base="1.3"):
        overrides = [f"checkpoint={fused / 'run' / 'checkpoints' / 'best.ckpt'}", f"video={given}"]
        overrides += [
            f"output={tmp_path / 'out'}",
            "trainer.accelerator=cpu",
            "+trainer.enable_progress_bar=false",
        ]
        assert predict(compose("predict", overrides)) == 0
    assert f"no sound: {chosen[1]} is scored by its face alone" in capfd.readouterr().out
    heard, silent = ((tmp_path / "out" / f"{name}_attention.png").stat().st_size for name in chosen)
    assert heard != silent
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 2
