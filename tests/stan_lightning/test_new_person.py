"""The interval for a new person from training to prediction, recomputed from evaluation's own table."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_lightning.evaluation.trained import open_checkpoint
from stan_lightning.predict import predict
from stan_lightning.training.conformal import half_width

TINY = ["data=folders", "data.clip_frames=8", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
TINY += ["model.network.encoder.layers=[1,1,1,1]", "model.network.encoder.features=2"]


def test_a_checkpoint_keeps_what_its_own_weights_miss_new_people_by(
    make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """Subject 1 is trained on as well, and so counts for nothing."""
    dev = ["1", *map(str, range(20, 31))]
    root = make_crops(subjects={"train": ["1", "2", "3", "4"], "dev": dev, "test": ["40"]})
    run, said = tmp_path / "run", tmp_path / "said"
    code, text = train(*TINY, f"data.root={root}", "trainer.max_epochs=3", f"hydra.run.dir={run}")
    assert code == 0, text
    for name in ("best", "last"):
        checkpoint = run / "checkpoints" / f"{name}.ckpt"
        found = open_checkpoint(checkpoint).conformal
        given = [f"checkpoint={checkpoint}", f"video={root}", f"output={said}", "views=false"]
        with initialize_config_dir(CONF, version_base="1.3"):
            predict(
                compose("predict", ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", *given])
            )
        table = pd.read_csv(said / "predictions.csv", dtype={"subject": str})
        new = table[(table.partition == "dev") & (table.subject != "1")]
        assert found is not None and found.people == len(new) == 11, name
        miss = (new.prediction - new.subject.astype(int) * 17 % 60).abs().to_numpy()
        assert found.half_width == pytest.approx(half_width(miss, new.subject.to_numpy(str)), abs=1e-3), name
        assert table.high_90.to_numpy() == pytest.approx((table.prediction + found.half_width).clip(upper=63))
