"""The folder of a model of others: what is hashed is what is loaded, and nothing of it chooses code."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.embedding.face import FaceEncoder
from stan_lightning.embedding.pretrained import open_network
from stan_lightning.embedding.received import INDEX, shape_alone

CPU = torch.device("cpu")


@pytest.fixture
def folder(dinov2: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(dinov2, tmp_path / "model"))


def changed(folder: Path, file: str = "config.json", **more: object) -> Path:
    content = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(content | more))
    return folder


def other_weights(folder: Path) -> bytes:
    from safetensors.torch import load_file, save

    weights = load_file(folder / "model.safetensors")
    return save({name: tensor + 1 for name, tensor in weights.items()})


def test_the_weights_that_are_loaded_are_those_that_are_hashed(folder: Path) -> None:
    honest = open_network(str(folder), "pretrained", 0, CPU, "pixel_values")
    (folder / "other.safetensors").write_bytes(other_weights(folder))
    changed(folder, transformers_weights="other.safetensors")
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "x/y"}')
    forged = open_network(str(folder), "pretrained", 0, CPU, "pixel_values")
    assert forged.record["weights_sha256"] == honest.record["weights_sha256"]
    for name, tensor in honest.network.state_dict().items():
        assert torch.equal(tensor, forged.network.state_dict()[name]), name


def test_an_index_names_files_beside_it_alone(folder: Path, tmp_path: Path) -> None:
    os.rename(folder / "model.safetensors", tmp_path / "elsewhere.safetensors")
    index = folder / "model.safetensors.index.json"
    for place in ("../elsewhere.safetensors", str(tmp_path / "elsewhere.safetensors"), "a.bin", 3):
        index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": place}}))
        with pytest.raises(InputError, match="names no safetensors files beside it"):
            open_network(str(folder), "pretrained", 0, CPU, "pixel_values")
    data = (tmp_path / "elsewhere.safetensors").read_bytes()
    (folder / "odd.safetensors").write_bytes(data)
    from safetensors import safe_open

    with safe_open(folder / "odd.safetensors", "pt") as file:
        places = dict.fromkeys(file.keys(), "odd.safetensors")
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (folder / "model-00001-of-00001.safetensors").write_bytes(b"decoy")
    opened = open_network(str(folder), "pretrained", 0, CPU, "pixel_values")
    assert opened.record["weights_sha256"] == hashlib.sha256(data).hexdigest()


def test_a_config_chooses_no_code(folder: Path) -> None:
    reaching = {
        "_attn_implementation": "kernels-community/mine",
        "attn_implementation": "paged|mine/kernel",
        "auto_map": {"AutoModel": "mine.Model"},
        "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True},
    }
    (folder / "mine.py").write_text("raise SystemExit('run')\n")
    opened = open_network(str(changed(folder, **reaching)), "pretrained", 0, CPU, "pixel_values")
    assert opened.config._attn_implementation in (None, "eager", "sdpa")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"num_hidden_layers": 10**6}, "num_hidden_layers is 1,000,000"),
        ({"hidden_size": 2**40}, "hidden_size is"),
        ({"hidden_size": 100_000, "num_attention_heads": 1}, "its config asks for"),
        ({"patch_size": 1, "image_size": 400}, "attention between 160,000 patches"),
        ({"out_features": ["a"] * 5000}, "out_features lists 5,000 values"),
    ],
)
@pytest.mark.parametrize("weights", ["pretrained", "random"])
def test_a_config_asks_for_no_more_than_there_is(folder: Path, more, said: str, weights: str) -> None:
    with pytest.raises(InputError, match=said):
        open_network(str(changed(folder, **more)), weights, 0, CPU, "pixel_values")


@pytest.mark.parametrize(
    "more",
    [
        {"crop_size": {"height": 10**6, "width": 10**6}},
        {"crop_size": {"height": "56", "width": [56]}},
        {"image_mean": ["a"] * 3},
        {"image_std": 4},
        {"rescale_factor": "much"},
        {"resample": [3]},
    ],
)
def test_a_preprocessor_asks_for_pictures_that_can_be_made(folder: Path, more) -> None:
    with pytest.raises(InputError, match=r"encoder\.name=.* preprocessor"):
        FaceEncoder(
            str(changed(folder, "preprocessor_config.json", **more)), "pretrained", 0, "cpu", "mean", 4
        )


def test_a_file_of_countless_empty_tensors_is_refused_by_its_header(folder: Path) -> None:
    entry = b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = b"{" + b",".join(entry % number for number in range(300_000)) + b"}"
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(InputError, match="more tensors than an encoder has"):
        open_network(str(folder), "pretrained", 0, CPU, "pixel_values")


def test_pipes_and_endless_files_are_not_read(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()
    with (folder / "preprocessor_config.json").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(InputError, match="more than the 4,000,000 expected"):
        open_network(str(folder), "pretrained", 0, CPU, "pixel_values")
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(InputError, match=r"no config\.json"):
        open_network(str(folder), "random", 0, CPU, "pixel_values")


@pytest.mark.parametrize("key", ["image_size", "num_labels", "num_frames"])
def test_numbers_of_which_the_library_makes_lists_are_bounded(tmp_path: Path, key: str) -> None:
    (file := tmp_path / "config.json").write_text(f'{{"model_type": "dinov2", "{key}": 20000}}')
    with pytest.raises(InputError, match=f"{key} is 20,000"):
        shape_alone(file)


def test_a_missing_shard_is_one_line(dinov2: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(dinov2, tmp_path / "model"))
    (folder / "model.safetensors").unlink()
    (folder / INDEX).write_text('{"weight_map": {"a": "model-1.safetensors"}}')
    with pytest.raises(InputError, match=r"model-1\.safetensors: cannot be opened"):
        open_network(str(folder), "pretrained", 0, torch.device("cpu"), "pixel_values")
