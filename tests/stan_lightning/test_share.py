"""A run handed on: nothing of its corpus is in the folder, which gives its scores without the run."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from huggingface_hub import ModelCard
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.evaluate import evaluate
from stan_lightning.predict import predict
from stan_lightning.share import share

Train = Callable[..., tuple[int, str]]
QUIET = ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false"]
TINY = [
    "data=manifest",
    "data.clip_frames=16",
    "data.image_size=32",
    "data.batch_size=2",
    "data.num_workers=0",
]
TINY += ["trainer.max_epochs=1", "model.objective.start_at_mean=true", "model.optimizer.lr=1e-4"]
SMALL = ["features=2", "layers=[1,1,1,1]"]
PEOPLE = {
    "train": ["471111", "471112", "471113", "471114", "471115"],
    "dev": ["471116", "471117"],
    "test": ["471111", "471118"],
}
KINDS = {
    "face": [f"model.network.encoder.{one}" for one in SMALL],
    "fusion": [
        "model=fusion",
        *(f"model.network.encoders.{m}.{one}" for m in ("face", "audio") for one in SMALL),
    ],
    "probe": [
        *("model=probe", "model.network.recentre=false", "~model.network.encoders.behaviour"),
        "+model/encoder@model.network.encoders.pulse=statistics",
    ],
    "signal": ["model=signal", "model.network.encoder.modality=pulse"],
}
NAMES = ("recording", "subject", "session", "video")


def pulses(root: Path) -> None:
    folder = root / "signals" / "pulse"
    folder.mkdir(parents=True)
    for row in pd.read_csv(root / "manifest.csv", dtype=str).to_dict("records"):
        table = pd.DataFrame({"time_s": [0.1 * n for n in range(39)]})
        table.assign(beat=float(row["label"]), width=1.0).to_csv(
            folder / f"{row['recording']}.csv", index=False
        )


@pytest.fixture
def corpus(make_crops: Callable[..., Path]) -> Path:
    root = make_crops(subjects=PEOPLE)
    pulses(root)
    return root


@pytest.fixture
def voiced(corpus: Path, give_sound: Callable[..., None]) -> Path:
    import numpy as np

    table = pd.read_csv(corpus / "manifest.csv", dtype=str)
    noise = np.random.default_rng(0).normal(0, 1500, 64_000).astype(np.int16)
    for name in table.recording:
        give_sound(corpus / f"{name}.zip", noise)
    table.assign(sound_s="4.0").to_csv(corpus / "manifest.csv", index=False)
    return corpus


def config(name: str, *given: str):
    with initialize_config_dir(CONF, version_base="1.3"):
        return compose(name, list(given))


def told(root: Path) -> set[bytes]:
    """What the corpus calls its people and recordings, and where it lies."""
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    names = {value for column in NAMES for value in table[column].dropna()}
    names |= {Path(name).stem for name in table.video} | {str(root), str(root.parent)}
    labels = pd.to_numeric(table[table.partition == "train"].label)
    joined = {
        sep.join(map(form, labels)) for sep in (", ", ",", "\n", " ") for form in (str, lambda n: f"{n:.1f}")
    }
    return {name.encode() for name in names | joined}


def block(card: str, language: str) -> str:
    """The card's first lines of a language."""
    found = re.search(rf"```{language}\n(.*?)```", card, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("kind", ["face", pytest.param("fusion", marks=pytest.mark.slow), "probe", "signal"])
def test_nothing_of_the_corpus_is_in_it_and_it_scores_as_the_run(
    kind: str,
    voiced: Path,
    train: Train,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, folder = tmp_path / "run", tmp_path / "elsewhere" / "model"
    code, said = train(*TINY, *KINDS[kind], f"data.root={voiced}", f"hydra.run.dir={run}")
    assert code == 0, said
    checkpoint = f"checkpoint={run / 'checkpoints' / 'best.ckpt'}"
    evaluate(config("evaluate", *QUIET, checkpoint), [checkpoint])
    film = f"video={voiced}"
    predict(config("predict", *QUIET, checkpoint, film, f"output={tmp_path / 'a'}", "views=false"))
    capfd.readouterr()
    share(config("share", f"run={run}", f"output={folder}"))
    said = capfd.readouterr().out
    assert "left out: 5 training sessions with the names and scores of 5 people" in said
    assert re.search(r"next: .* -m stan_lightning\.predict model=\S+ video=<video>", said)
    assert sorted(one.name for one in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    content = {one.name: one.read_bytes() for one in folder.iterdir()}
    for name, data in content.items():
        present = [one for one in told(voiced) if one in data]
        assert not present, (name, present)
    card = ModelCard.load(folder / "README.md")
    mae = json.loads((run / "evaluation" / "test" / "metrics.json").read_text())["video"]["mae"]["value"]
    results = {one.metric_type: one.metric_value for one in card.data.eval_results}
    assert results["mae"] == pytest.approx(mae, abs=1e-3) and "own data: 5 sessions of 5 people" in card.text
    shutil.rmtree(run)
    given = [f"model_folder={folder}", f"data.root={voiced}", f"output={tmp_path / 'evaluation'}"]
    evaluate(config("evaluate", *QUIET, *given), given)
    again = json.loads((tmp_path / "evaluation" / "metrics.json").read_text())
    assert again["video"]["mae"]["value"] == mae and again["n_train_subjects"] is None
    predict(config("predict", *QUIET, given[0], film, f"output={tmp_path / 'b'}", "views=false"))
    for name in ("predictions.csv", "windows.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    monkeypatch.chdir(folder.parent)
    capfd.readouterr()
    exec(block(card.text, "python").replace("my.mp4", str(voiced)), {})
    scored = [line.split() for line in capfd.readouterr().out.splitlines() if "_Freeform" in line]
    known = pd.read_csv(tmp_path / "a" / "predictions.csv").prediction
    assert [float(line[2]) for line in scored] == pytest.approx(known.tolist(), abs=1e-4)
    start = "model.init_weights" + (".face" if kind == "fusion" else "")
    code, said = train(
        *TINY, *KINDS[kind], f"data.root={voiced}", f"{start}={folder}", f"hydra.run.dir={run}"
    )
    if kind == "probe":
        assert code == 2 and "a probe is fitted anew" in said and "train" not in block(card.text, "bash"), (
            said
        )
    elif kind == "fusion":  # its parts are no encoders by themselves
        assert code == 2 and "does not fit the network" in said, said
    else:
        assert code == 0 and re.search(rf"took \d+ of \d+ tensors from {folder}", said), said


@pytest.fixture
def run(corpus: Path, train: Train, tmp_path: Path) -> Path:
    code, said = train(*TINY, *KINDS["face"], f"data.root={corpus}", f"hydra.run.dir={tmp_path / 'run'}")
    assert code == 0, said
    return tmp_path / "run"


@pytest.mark.slow
def test_the_commands_of_the_card_run(run: Path, corpus: Path, tmp_path: Path) -> None:
    share(config("share", f"run={run}", f"output={tmp_path / 'net'}"))
    shutil.rmtree(run)
    card = (tmp_path / "net" / "README.md").read_text()
    commands = [shlex.split(line) for line in block(card, "bash").splitlines()]
    assert [words[1] for words in commands] == ["predict", "evaluate", "train"]
    for program, *words in commands:
        typed = [word.replace("my.mp4", str(corpus)).replace("<crops>", str(corpus)) for word in words]
        typed += [*TINY[1:], *KINDS["face"]] if typed[0] == "train" else []
        installed = Path(sys.executable).with_name(program)
        done = subprocess.run([installed, *typed], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, (typed, done.stdout[-2000:], done.stderr[-2000:])
    assert len(pd.read_csv(tmp_path / "predictions" / "predictions.csv")) == 9


def test_what_would_be_told_is_refused_and_nothing_is_left(run: Path, corpus: Path, tmp_path: Path) -> None:
    """A name in the card, by the words of whoever shares; another's files in the folder; no run."""
    with pytest.raises(InputError, match=r"README\.md would hold the name 471112_1_Freeform"):
        share(
            config(
                "share",
                f"run={run}",
                f"output={tmp_path / 'm'}",
                "data_name='crops of 471112_1_Freeform'",
            )
        )
    with pytest.raises(InputError, match=r"README\.md would hold the path"):
        share(config("share", f"run={run}", f"output={tmp_path / 'm'}", f"data_name='{corpus}'"))
    assert not (tmp_path / "m").exists() and not list(tmp_path.glob(".*"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "me.jpg").touch()
    with pytest.raises(InputError, match=r"me\.jpg is no file of a model folder"):
        share(config("share", f"run={run}", f"output={tmp_path / 'full'}"))
    with pytest.raises(InputError, match=r"no checkpoint at .*nowhere"):
        share(config("share", "run=nowhere", f"output={tmp_path / 'm'}"))


def test_a_corpus_under_an_agreement_asks_first(run: Path, tmp_path: Path) -> None:
    checkpoint = run / "checkpoints" / "best.ckpt"
    content = torch.load(checkpoint, weights_only=True)
    content["datamodule_hyper_parameters"]["make_crops"] = "make preprocess AVEC2014=<folder>"
    torch.save(content, checkpoint)
    given = [f"run={checkpoint}", f"output={tmp_path / 'm'}"]
    with pytest.raises(InputError, match=r"trained on AVEC2014, whose agreement .* i_may_share=true"):
        share(config("share", *given))
    share(config("share", *given, "i_may_share=true", "license=cc-by-nc-4.0"))
    card = ModelCard.load(tmp_path / "m" / "README.md")
    assert card.data.license == "cc-by-nc-4.0" and "end-user agreement of AVEC2014" in card.text
    assert "Nobody has evaluated it" in card.text and card.data.eval_results is None
