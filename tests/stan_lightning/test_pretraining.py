"""From classes to severity by the two commands of the README."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch

TINY = "data.clip_frames=16 data.image_size=32 data.batch_size=2 data.num_workers=0 trainer.max_epochs=1 "
TINY += "model.network.encoder.features=2 model.network.encoder.layers=[1,1,1,1]"


def train(*arguments: str) -> str:
    command = [sys.executable, "-m", "stan_lightning.train", *TINY.split(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_network_that_told_five_classes_apart_goes_on_with_severity(make_crops, tmp_path: Path) -> None:
    crops = make_crops()
    severity = pd.read_csv(crops / "manifest.csv")
    names = ["walk", "run", "sit", "stand", "jump"]
    classes = severity.assign(label=[names[i % 5] for i in range(len(severity))])
    classes.to_csv(crops / "manifest.csv", index=False)
    pretrained = tmp_path / "pretrained"
    said = train("experiment=pretrain", f"data.root={crops}", f"hydra.run.dir={pretrained}")
    assert "val/accuracy" in said
    checkpoint = pretrained / "checkpoints" / "best.ckpt"
    assert torch.load(checkpoint, weights_only=True)["hyper_parameters"]["data"]["classes"] == sorted(names)

    severity.to_csv(crops / "manifest.csv", index=False)
    fresh = f"hydra.run.dir={tmp_path / 'severity'}"
    said = train(f"data.root={crops}", f"model.init_weights={checkpoint}", fresh)
    assert "best.ckpt" in said and "val/mae" in said
