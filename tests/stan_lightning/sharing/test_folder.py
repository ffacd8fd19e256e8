"""A model folder is read as it was written, and one that somebody changed is refused in one line."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from stan_boundary.errors import InputError
from stan_lightning.evaluation.trained import Trained
from stan_lightning.network import STADRN, model_folder
from stan_lightning.network.weights import load_weights
from stan_lightning.prediction import intake
from stan_lightning.sharing.folder import open_model


def change(folder: Path, *keys: str, value: Any) -> None:
    """Another value at a place of its config; None takes the key out."""
    file = folder / "config.json"
    content = json.loads(file.read_text())
    node = content
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    if value is None:
        del node[keys[-1]]
    file.write_text(json.dumps(content))


def sign(folder: Path) -> None:
    """Let the config state the weights as they are now."""
    data = (folder / "model.safetensors").read_bytes()
    change(folder, "weights_sha256", value=hashlib.sha256(data).hexdigest())


def line(folder: Path, *trust: str) -> str:
    with pytest.raises(InputError) as error:
        open_model(folder, trust)
    said = str(error.value)
    assert "\n" not in said and str(folder) in said and len(said) < 600
    return said


def test_a_folder_is_read_as_it_was_written(trained: Trained, model: Path) -> None:
    again = open_model(model)
    state = trained.module.state_dict()
    for name, tensor in again.module.state_dict().items():
        assert torch.equal(tensor, state[name]) and tensor.dtype == state[name].dtype, name
    assert not again.module.training and again.record == trained.record and not again.sessions.sessions
    for name in ("clip_frames", "frame_stride", "image_size", "modalities", "sound_s", "score_range"):
        assert again.data[name] == trained.data[name]
    text = (model / "config.json").read_text()
    assert "anna" not in text and "avec-like" not in text and '"training_median": 11.0' in text
    assert intake.crop_settings(again.data, {}, again.crops) == {
        **{"frame_stride": 3, "crop_size": 32, "align": "none"},
        **{"sound": False, "behaviour": False},
    }


def test_weights_that_are_not_those_that_were_sent(model: Path) -> None:
    file = model / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-3] + b"abc")
    assert "is not the file that config.json states" in line(model)
    file.write_bytes(whole[: len(whole) // 2])
    assert "is not the file that config.json states" in line(model)
    sign(model)
    assert "cannot be read as safetensors" in line(model)
    file.write_bytes((10**9).to_bytes(8, "little") + whole[8:])
    sign(model)
    assert "its header is longer" in line(model)
    file.unlink()
    assert "No such file" in line(model)


def test_weights_that_do_not_fit(model: Path) -> None:
    state = load_file(model / "model.safetensors")
    for name, tensor, said in (
        ("network.head.weight", torch.zeros(3, 3), "network.head.weight is [3, 3], not"),
        ("network.other", torch.zeros(1), "network.other is not part of the network"),
    ):
        save_file({**state, name: tensor}, model / "model.safetensors")
        sign(model)
        assert said in line(model)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("format",), "stan-lightning model 2", "no config of a model folder of this version"),
        (("network",), None, "its config lacks network"),
        (("notes",), "x", "its config holds notes"),
        (("reading",), [], "reading of its config is no mapping"),
        (("reading", "image_size"), None, "its config lacks image_size"),
        (("reading", "image_size"), 10**9, "from 1 to 2000"),
        (("reading", "modalities"), ["face", "../x"], "no name of letters"),
        (("record", "protocol"), "mine", "what cannot be"),
        (("network", "encoder", "_target_"), "os.system", "asks for os.system"),
        (("network", "encoder", "_target_"), "torch.optim.optimizer.torch.hub.load", "torch.hub.load"),
        (("network", "encoder", "_target_"), "stan_lightning.runs.callbacks.Pace", "no part of a network"),
        (("objective", "loss", "_target_"), "their_package.Loss", "trust=[their_package]"),
        (("network", "encoder", "layers"), [1, 1, 1, 10**6], "bottlenecks"),
        (("network", "encoder", "features"), "${oc.env:HOME}", "environment"),
        (("record", "score_range"), "x", "data.score_range"),
    ],
)
def test_a_config_that_somebody_changed(model: Path, keys: tuple[str, ...], value: Any, said: str) -> None:
    change(model, *keys, value=value)
    assert said in line(model)


def test_foreign_code_is_not_run_and_is_trusted_by_name(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "site"
    home.mkdir()
    (home / "their_package.py").write_text(
        "from pathlib import Path\nimport torch\nPath(__file__).with_name('ran').touch()\n"
        "class Loss(torch.nn.MSELoss): ...\n"
    )
    monkeypatch.syspath_prepend(home)
    monkeypatch.delitem(sys.modules, "their_package", raising=False)
    change(model, "objective", "loss", "_target_", value="their_package.Loss")
    assert "trust=[their_package]" in line(model)
    assert not (home / "ran").exists()
    open_model(model, ["their_package"])
    assert (home / "ran").exists()


def test_a_config_that_is_cut_off_or_no_config(model: Path) -> None:
    file = model / "config.json"
    whole = file.read_text()
    for text, said in ((whole[:100], "cannot be read as JSON"), ("[]", "no config of a model"), ("", "JSON")):
        file.write_text(text)
        assert said in line(model)
    file.unlink()
    assert "no config.json in it" in line(model)
    with pytest.raises(InputError, match="no folder is there"):
        open_model(model / "nowhere")


@pytest.mark.parametrize(
    "crops", [{"output": "/tmp/x"}, {"align": "eyes hydra.run.dir=x"}, {"crop_size": 1e9}]
)
def test_how_crops_are_made_is_no_way_to_type_something(model: Path, crops: dict[str, Any]) -> None:
    change(model, "crops", value=crops)
    opened = open_model(model)
    with pytest.raises(InputError, match="the model folder's crops"):
        intake.crop_settings(opened.data, {}, opened.crops)


def test_an_encoder_starts_from_a_folder(trained: Trained, model: Path) -> None:
    encoder = STADRN(layers=(1, 1, 1, 1), features=2, num_classes=4)
    said = load_weights(encoder, model)
    assert said.startswith("took 254 of 256 tensors") and f"from {model} (checkpoint)" in said
    assert "1 outputs there, 4" in said
    source = trained.module.network.encoder.state_dict()
    own = encoder.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in source.items())
    (model / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"cut off")
    with pytest.raises(InputError, match=r"config\.json states"):
        load_weights(encoder, model)
    assert model_folder.is_model_folder(model)
    change(model, "format", value="another library's")
    assert not model_folder.is_model_folder(model) and not model_folder.is_model_folder(model / "nowhere")
