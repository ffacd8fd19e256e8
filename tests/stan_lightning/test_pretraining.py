"""From classes to severity by the two commands of the README."""

from pathlib import Path

import pandas as pd
import torch

TINY = "data.clip_frames=16 data.image_size=32 data.batch_size=2 data.num_workers=0 trainer.max_epochs=1 "
TINY += "model.network.encoder.features=2 model.network.encoder.layers=[1,1,1,1]"


def test_a_network_that_told_five_classes_apart_goes_on_with_severity(
    make_crops, train, tmp_path: Path
) -> None:
    crops = make_crops()
    severity = pd.read_csv(crops / "manifest.csv")
    names = ["walk", "run", "sit", "stand", "jump"]
    classes = severity.assign(label=[names[i % 5] for i in range(len(severity))])
    classes.to_csv(crops / "manifest.csv", index=False)
    pretrained = tmp_path / "pretrained"
    code, said = train(
        *TINY.split(), "experiment=pretrain", f"data.root={crops}", f"hydra.run.dir={pretrained}"
    )
    assert code == 0 and "val/accuracy" in said, said
    checkpoint = pretrained / "checkpoints" / "best.ckpt"
    assert torch.load(checkpoint, weights_only=True)["hyper_parameters"]["data"]["classes"] == sorted(names)

    severity.to_csv(crops / "manifest.csv", index=False)
    fresh = f"hydra.run.dir={tmp_path / 'severity'}"
    code, said = train(*TINY.split(), f"data.root={crops}", f"model.init_weights={checkpoint}", fresh)
    assert code == 0 and "best.ckpt" in said and "val/mae" in said, said
