"""The three lines of Python give the scores of the command, and say what they could not score."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning import Model
from stan_lightning.evaluation.trained import Trained
from stan_lightning.predict import predict
from stan_lightning.sharing import folder
from stan_lightning.training.conformal import Conformal


@pytest.fixture
def crops(make_crops: Callable[..., Path]) -> Path:
    return make_crops(subjects={"test": ["1", "2", "3"]})


def test_the_scores_are_those_of_the_command(model: Path, crops: Path, tmp_path: Path) -> None:
    scores = Model.load(model).predict(crops)
    given = [f"model_folder={model}", f"video={crops}", f"output={tmp_path / 'out'}", "views=false"]
    with initialize_config_dir(CONF, version_base="1.3"):
        predict(compose("predict", ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", *given]))
    theirs = pd.read_csv(tmp_path / "out" / "predictions.csv")
    for column in ("recording", "prediction", "sd_windows", "n_windows"):
        assert scores[column].tolist() == theirs[column].tolist()
    assert scores.reason.eq("").all() and scores.prediction.between(0, 63).all()
    assert scores[["low_90", "high_90"]].isna().all(axis=None)
    assert "No interval for a new person" in (tmp_path / "out" / "predictions.html").read_text()


def test_an_interval_of_a_model_folder_stands_in_table_and_page(
    trained: Trained, crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = replace(trained, conformal=Conformal(12, 9.5))
    described = folder.described(known, {"frame_stride": 3, "crop_size": 32, "align": "none"}, {"torch": "2"})
    folder.finish(folder.write(known, described, "", tmp_path / "m"), tmp_path / "m")
    given = [f"model_folder={tmp_path / 'm'}", f"video={crops}", f"output={tmp_path / 'out'}", "views=false"]
    with initialize_config_dir(CONF, version_base="1.3"):
        predict(compose("predict", ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", *given]))
    found = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert found.low_90.to_numpy() == pytest.approx(np.maximum(found.prediction - 9.5, 0))
    assert found.high_90.to_numpy() == pytest.approx(np.minimum(found.prediction + 9.5, 63))
    said = f"{found.low_90[0]:.1f} to {found.high_90[0]:.1f} for 9 of 10 new people"
    page = (tmp_path / "out" / "predictions.html").read_text()
    assert (
        said in page
        and "± 9.5 points" in page
        and "± 9.5 points" in " ".join(capsys.readouterr().out.split())
    )


def test_what_is_not_scored_is_a_row_with_its_reason(model: Path, crops: Path) -> None:
    (crops / "1_3_Freeform.zip").write_bytes(b"cut off")
    with pytest.warns(UserWarning, match="not scored: 1_3_Freeform"):
        scores = Model.load(model).predict(crops).set_index("recording")
    lost = scores.loc["1_3_Freeform"]
    assert pd.isna(lost.prediction) and lost.n_windows == 0 and "zip" in lost.reason
    assert scores.prediction.notna().sum() == 2


def test_a_video_leaves_no_crops_but_those_that_are_asked_for(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av

    film = tmp_path / "films" / "a.mp4"
    film.parent.mkdir()
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(60):
            picture = np.full((48, 64, 3), shade, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    network = Model.load(model)
    scores = network.predict(film)
    assert scores.recording.tolist() == ["a"] and scores.reason.tolist() == [""]
    assert not list((tmp_path / "temporary").iterdir()) and list(film.parent.iterdir()) == [film]
    again = network.predict(film, keep_crops=tmp_path / "kept")
    assert (tmp_path / "kept" / "a.zip").is_file() and again.equals(scores)


def test_errors_are_one_line(model: Path, trained: Trained, crops: Path, tmp_path: Path) -> None:
    network = Model.load(model)
    for change, said in (
        ({"batch_size": 0}, "batch_size=0"),
        ({"runtime": "tensorrt"}, "runtime=tensorrt is none of"),
        ({"crops": {"size": 96}}, "crops: size is none of align, crop_size"),
    ):
        with pytest.raises(InputError, match=said):
            network.predict(crops, **change)
    with pytest.raises(InputError, match="no file or folder at"):
        network.predict(tmp_path / "nowhere.mp4")
    with pytest.raises(InputError, match="no folder is there"):
        Model.load(tmp_path / "nowhere")
    (tmp_path / "classes.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="cannot be read as a file of torch"):
        Model.load(tmp_path / "classes.ckpt")
    content = {"state_dict": trained.module.state_dict(), "hyper_parameters": dict(trained.module.hparams)}
    content |= {"datamodule_hyper_parameters": dict(trained.data)}
    content["training"] = dict(trained.record) | {"sessions": [["a", "a_1", 10.0]]}
    checkpoint = tmp_path / "run" / "checkpoints" / "best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    torch.save(content, checkpoint)
    for source in (checkpoint, tmp_path / "run"):
        assert Model.load(source).predict(crops).equals(network.predict(crops))


def test_the_package_is_imported_without_torch() -> None:
    code = "import sys, stan_lightning; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
