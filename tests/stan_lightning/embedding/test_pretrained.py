"""Models that cannot be opened are refused in one line; those that can are told apart."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.embedding.face import FaceEncoder
from stan_lightning.embedding.pretrained import chosen_device, open_network

CPU = torch.device("cpu")


def copied(model: Path, to: Path, *without: str) -> Path:
    shutil.copytree(model, to)
    for name in without:
        (to / name).unlink()
    return to


def refused(folder: Path | str, reads: str = "pixel_values", weights: str = "pretrained") -> str:
    with pytest.raises(InputError) as error:
        open_network(str(folder), weights, 0, CPU, reads)
    said = str(error.value)
    assert "\n" not in said and str(folder) in said
    return said


def test_the_hash_is_that_of_the_file(dinov2):
    record = open_network(str(dinov2), "pretrained", 0, CPU, "pixel_values").record
    content = (dinov2 / "model.safetensors").read_bytes()
    assert record["weights_sha256"] == hashlib.sha256(content).hexdigest()
    assert record["encoder"] == "tiny-dinov2" and record["revision"] is None


def test_sharded_weights_are_hashed_in_their_order(dinov2, tmp_path):
    from transformers import AutoModel

    folder = copied(dinov2, tmp_path / "shards", "model.safetensors")
    AutoModel.from_pretrained(dinov2).save_pretrained(folder, max_shard_size="8KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    wanted = hashlib.sha256(b"".join(shard.read_bytes() for shard in shards)).hexdigest()
    assert open_network(str(folder), "pretrained", 0, CPU, "pixel_values").record["weights_sha256"] == wanted


def test_random_weights_follow_their_seed_and_leave_the_process_s_alone(dinov2, tmp_path):
    shape = copied(dinov2, tmp_path / "shape", "model.safetensors")
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, again, other = (
        open_network(str(shape), "random", seed, CPU, "pixel_values").record["weights_sha256"]
        for seed in (0, 0, 1)
    )
    assert one == again != other
    assert torch.equal(before, torch.get_rng_state())


def test_weights_that_the_file_lacks_are_never_used(tmp_path):
    """A classifier's file has no pooler: transformers would draw one at random."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    shape = ViTConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    ViTForImageClassification(shape).save_pretrained(tmp_path)
    ViTImageProcessorPil(size={"height": 28, "width": 28}).save_pretrained(tmp_path)
    arguments = (str(tmp_path), "pretrained", 0, "cpu")
    with pytest.raises(InputError, match=r"no weights pooler.dense.bias; .*encoder.pooling=mean"):
        FaceEncoder(*arguments, pooling="pooled", batch_size=4)
    assert FaceEncoder(*arguments, pooling="mean", batch_size=4).record["width"] == 16


def test_of_pictures_and_words_the_half_that_sees_is_taken(tmp_path):
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    seen = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    read = seen | dict(vocab_size=20, bos_token_id=0, eos_token_id=1, pad_token_id=1)
    CLIPModel(
        CLIPConfig(vision_config=seen | dict(image_size=28, patch_size=14), text_config=read)
    ).save_pretrained(tmp_path)
    CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=28).save_pretrained(tmp_path)
    made = FaceEncoder(str(tmp_path), "pretrained", 0, "cpu", pooling="pooled", batch_size=4)
    assert made.record["model_type"] == "clip_vision_model" and made.record["width"] == 16


def test_pickled_weights_are_not_read(dinov2, tmp_path):
    folder = copied(dinov2, tmp_path / "pickled", "model.safetensors")
    torch.save({}, folder / "pytorch_model.bin")
    said = refused(folder)
    assert "only pickled weights (pytorch_model.bin)" in said and "save_pretrained(<folder>)" in said


def test_folders_that_hold_no_model(dinov2, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no config.json" in refused(tmp_path / "empty")
    assert "no such folder" in refused(tmp_path / "absent")
    assert "no weights as model.safetensors" in refused(
        copied(dinov2, tmp_path / "bare", "model.safetensors")
    )
    assert "no preprocessor_config.json" in refused(
        copied(dinov2, tmp_path / "mute", "preprocessor_config.json")
    )
    damaged = copied(dinov2, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"nothing")
    assert "cannot be used" in refused(damaged)
    (damaged / "preprocessor_config.json").write_text("{")
    assert "cannot be read as JSON" in refused(damaged)


def test_code_of_a_model_s_own_is_not_run(dinov2, tmp_path):
    folder = copied(dinov2, tmp_path / "own")
    (folder / "config.json").write_text(
        json.dumps(
            {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModel": "mine.Model"}}
        )
    )
    (folder / "mine.py").write_text("raise SystemExit('run')\n")
    assert "code of its own, which is not run here" in refused(folder)


def test_settings_within_a_processor_s_file(dinov2, tmp_path):
    folder = copied(dinov2, tmp_path / "nested")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": settings}))
    assert open_network(str(folder), "pretrained", 0, CPU, "pixel_values").settings == settings


def test_a_network_that_reads_something_else(dinov2, wavlm):
    assert "a wavlm model reads input_values, not pixel_values" in refused(wavlm)
    assert "a dinov2 model reads pixel_values, not input_values" in refused(dinov2, "input_values")
    with pytest.raises(InputError, match=r"encoder.weights=none is none of pretrained, random"):
        open_network(str(dinov2), "none", 0, CPU, "pixel_values")


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
def test_a_device_that_is_not_there():
    assert chosen_device("auto") == chosen_device("cpu") == CPU
    with pytest.raises(InputError, match=r"encoder.device=cuda: this machine has no accelerator"):
        chosen_device("cuda")
