"""Crops and videos of others, many of them hostile, handed to `predict`."""

import csv
import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import instantiate

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.predict import predict
from stan_lightning.prediction import intake

FACTS = {"score_range": [0, 63], "classes": None, "training_mean": 15.75}
FACTS |= {"columns": {}, "spans": {}, "moment_s": 0.1}
TINY = [
    "data.clip_frames=8",
    "data.image_size=32",
    "data.num_workers=0",
    "model.network.encoder.layers=[1,1,1,1]",
]
TINY += ["model.network.encoder.features=2"]
SETTINGS = {"frame_stride": 3, "sampling": "frames", "crop_size": 32, "align": "none", "max_gap_s": 1.0}
SETTINGS |= {"jpeg_quality": 95, "model_path": None}


def members(name: str, frames: int = 12) -> dict[str, bytes]:
    """What a zip of crops holds."""
    jpeg = cv2.imencode(".jpg", np.full((32, 32, 3), 90, np.uint8))[1].tobytes()
    row: dict[str, Any] = dict.fromkeys(("session", "task", "partition", "group", "reason"), "")
    row |= {"recording": name, "subject": name, "label": None, "video": f"{name}.mp4", "fps": 30.0}
    row |= {"n_source_frames": 3 * frames, "frame_stride": 3, "n_frames": frames, "detection_rate": 1.0}
    row |= {"status": "ok", "sound_s": None, "sound_rms": None}
    times = "".join(f"{3 * frame},{frame / 10:.3f},0\n" for frame in range(frames))
    found = {f"{3 * frame:06d}.jpg": jpeg for frame in range(frames)}
    found["track.csv"] = f"frame,time_s,interpolated\n{times}".encode()
    return found | {"recording.json": json.dumps({"row": row, "settings": SETTINGS}).encode()}


def write(path: Path, content: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def changed(part: str, **values: Any) -> Callable[[Path], None]:
    """Writes a zip whose `recording.json` says something else."""

    def make(path: Path) -> None:
        content = members(path.stem)
        record = json.loads(content["recording.json"])
        for name, value in values.items():
            record[part][name.replace("__", ".").replace("PLUS", "+")] = value
        write(path, content | {"recording.json": json.dumps(record).encode()})

    return make


def holding(**content: bytes) -> Callable[[Path], None]:
    """Writes a zip with other members; `__` stands for a dot."""
    return lambda path: write(
        path, members(path.stem) | {name.replace("__", "."): data for name, data in content.items()}
    ).touch()


def without(name: str) -> Callable[[Path], None]:
    return lambda path: write(
        path, {own: data for own, data in members(path.stem).items() if own != name}
    ).touch()


def patched(offset: int, value: int) -> Callable[[Path], None]:
    """Changes a field of the first entry in a zip's directory."""

    def make(path: Path) -> None:
        data = bytearray(write(path, members(path.stem)).read_bytes())
        struct.pack_into("<H", data, data.index(b"PK\1\2") + offset, value)
        path.write_bytes(data)

    return make


def cut(path: Path) -> None:
    data = write(path, members(path.stem)).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flipped(path: Path) -> None:
    data = bytearray(write(path, members(path.stem)).read_bytes())
    data[200] ^= 0xFF  # in the first picture
    path.write_bytes(data)


def twice(path: Path) -> None:
    write(path, members(path.stem))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("track.csv", b"frame\n")


def picture(width: int, height: int) -> bytes:
    """The head of a PNG."""
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">2I", width, height) + b"\x08\x02\0\0\0" + bytes(99)
    )


DEEP = b'{"row": ' + b"[" * 50_000 + b"]" * 50_000 + b', "settings": {}}'
ZIPS: dict[str, Callable[[Path], object]] = {
    "encrypted": patched(8, 1),
    "method": patched(10, 99),
    "damaged": flipped,
    "cut": cut,
    "twice": twice,
    "text": lambda path: path.write_bytes(b"no zip"),
    "empty": lambda path: path.write_bytes(b""),
    "nothing": lambda path: write(path, {}),
    "deflated": lambda path: write(path, members("deflated"), zipfile.ZIP_DEFLATED),
    "bomb": lambda path: write(path, members("bomb") | {"a": bytes(50_000_000)}, zipfile.ZIP_DEFLATED),
    "no_row": without("recording.json"),
    "no_json": holding(recording__json=b"{"),
    "list": holding(recording__json=b"[]"),
    "deep": holding(recording__json=DEEP),
    "digits": holding(recording__json=b'{"row": ' + b"9" * 9_999 + b"}"),
    "long_json": holding(recording__json=b" " * 2_000_000 + b"{}"),
    "extra": changed("row", password="x"),
    "fps_0": changed("row", fps=0),
    "fps_text": changed("row", fps="25"),
    "no_name": changed("row", recording=None),
    "elsewhere": changed("row", recording="../../../elsewhere"),
    "escape": changed("row", recording="\x1b]0;mine\x07\x1b[2J"),
    "long_name": changed("row", recording="x" * 201),
    "status": changed("row", status="fine"),
    "many": changed("row", n_frames=10**9),
    "more": changed("row", n_frames=13),
    "stride_0": changed("row", frame_stride=0),
    "subject": changed("row", subject={"a": 1}),
    "setting": changed("settings", PLUShydra__callbacks__x={"_target_": "os.system", "command": "true"}),
    "output": changed("settings", output="/tmp/elsewhere"),
    "align": changed("settings", align="eyes output=/tmp/elsewhere"),
    "no_signal_times": holding(track__csv=b"frame,time_s,interpolated\n0,days,0\n"),
    "no_picture": holding(**{"000000__jpg": b"no picture"}),
    "large": holding(**{"000000__jpg": picture(30_000, 30_000)}),
    "pipe": os.mkfifo,
    "zero": lambda path: path.symlink_to("/dev/zero"),
    "gone": lambda path: path.symlink_to("nowhere"),
    "folder": lambda path: path.mkdir(),
    "good_1_too": changed("row", recording="good_1"),
    "[red]": lambda path: path.write_bytes(b"no zip"),
}
VIDEOS: dict[str, Callable[[Path], object]] = {
    "pipe.mp4": os.mkfifo,
    "zero.mp4": lambda path: path.symlink_to("/dev/zero"),
    "loop.mp4": lambda path: path.symlink_to(path.name),
    "folder.mkv": lambda path: path.mkdir(),
    "text.mp4": lambda path: path.write_bytes(b"no video"),
    "nothing.mov": lambda path: path.write_bytes(b""),
    "list.avi": lambda path: path.write_text("ffconcat version 1.0\nfile good_5.mp4\n"),
    "\x1b[2J.mp4": lambda path: path.write_bytes(b"no video"),
    f"{'x' * 240}.mp4": lambda path: path.write_bytes(b"no video"),
    "session.ts": lambda path: path.write_text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5 RTP/AVP 96\n"),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network as it is drawn, in a checkpoint as training writes it."""
    folder = tmp_path_factory.mktemp("run")
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", ["data=manifest", f"data.root={folder / 'crops'}", *TINY])
    data = instantiate(config.data, _convert_="all")
    module = instantiate(config.model, data=FACTS, _convert_="all")
    content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    content["datamodule_hyper_parameters"] = dict(data.hparams)
    division = {"protocol": "official", "fold": 0, "n_folds": 5, "split_seed": 0, "seed": 0}
    content["training"] = division | {"score_range": [0, 63], "sessions": [["a", "a_1", 10.0]]}
    torch.save(content, folder / "best.ckpt")
    return folder / "best.ckpt"


def scored(checkpoint: Path, video: Path, output: Path, *overrides: str) -> int:
    given = [f"checkpoint={checkpoint}", f"video={intake._quoted(video)}", f"output={output}"]
    given += ["views=false", *overrides]
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("predict", ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", *given])
    return predict(config)


def make(folder: Path, kinds: dict[str, Callable[[Path], object]], suffix: str = "") -> None:
    for name, hostile in kinds.items():
        hostile(folder / f"{name}{suffix}")


def test_forty_hostile_zips_are_named_and_the_good_ones_are_scored(
    checkpoint: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder := tmp_path / "given").mkdir()
    for number in range(5):
        write(folder / f"good_{number}.zip", members(f"good_{number}"))
    make(folder, ZIPS, ".zip")
    assert len(ZIPS) == 40
    assert scored(checkpoint, folder, tmp_path / "out") == 40
    said, wrong = capfd.readouterr()
    assert said.count("not scored: ") == 40 and "Traceback" not in said + wrong and "\x1b" not in said
    table = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert table.recording.tolist() == [f"good_{number}" for number in range(5)]
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"predictions.csv", "windows.csv", "predictions.html", "crops"} - {"crops"} | {
        f"good_{number}_timeline.png" for number in range(5)
    }


def film(path: Path, frames: int = 40) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for value in range(frames):
            picture = np.full((48, 64, 3), value, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.slow  # two commands start
def test_zips_and_videos_of_one_folder_on_the_command_line(checkpoint: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "given").mkdir()
    for number in range(4):
        write(folder / f"good_{number}.zip", members(f"good_{number}"))
    film(folder / "good_5.mp4")
    make(folder, VIDEOS)
    make(folder, dict(list(ZIPS.items())[:30]), ".zip")
    assert len(list(folder.iterdir())) == 45
    command = [sys.executable, "-m", "stan_lightning.predict", f"checkpoint={checkpoint}", f"video={folder}"]
    command += [f"output={tmp_path / 'out'}", "views=false", "crops.align=none", "crops.crop_size=32"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stdout + done.stderr and "\x1b" not in done.stdout + done.stderr
    assert done.stdout.count("not scored: ") == 40
    table = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert sorted(table.recording) == ["good_0", "good_1", "good_2", "good_3", "good_5"]


@pytest.mark.parametrize("name", ["setting", "output", "align"])
def test_settings_of_a_zip_are_data_and_no_other_than_ours(name: str, tmp_path: Path) -> None:
    ZIPS[name](tmp_path / "a.zip")
    with pytest.raises(InputError, match=r"a\.zip: .*setting"):
        intake.crop_settings({"root": str(tmp_path), "frame_stride": 3}, {})


def test_of_a_zips_settings_no_path_is_taken(tmp_path: Path) -> None:
    changed("settings", model_path="/elsewhere/model.tflite")(tmp_path / "a.zip")
    found = intake.crop_settings({"root": str(tmp_path), "frame_stride": 3}, {})
    assert set(found) == {*SETTINGS, "sound", "behaviour"} - {"model_path"}


def test_crops_that_name_callbacks_and_an_output_run_nothing(checkpoint: Path, tmp_path: Path) -> None:
    root = checkpoint.parent / "crops"  # of which the checkpoint says that it was trained on them
    root.mkdir()
    mark, away = tmp_path / "mark", tmp_path / "away"
    call = {"_target_": "pathlib.Path.touch", "self": {"_target_": "pathlib.Path", "_args_": [str(mark)]}}
    hostile = {"PLUShydra__callbacks__x": call, "output": str(away)}
    changed("settings", **hostile)(root / "a.zip")
    try:
        with pytest.raises(InputError, match="is no setting of preprocessing"):
            scored(checkpoint, film(tmp_path / "a.mp4"), tmp_path / "out", "crops.align=none")
    finally:
        (root / "a.zip").unlink()
        root.rmdir()
    assert not mark.exists() and not away.exists()


def test_formulas_are_quoted_in_the_tables(checkpoint: Path, tmp_path: Path) -> None:
    write(tmp_path / "=1+1.zip", members("=1+1"))
    assert scored(checkpoint, tmp_path / "=1+1.zip", tmp_path / "out") == 0
    for name in ("predictions.csv", "windows.csv"):
        rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / name).read_text())))
        assert {row["recording"] for row in rows} == {"'=1+1"}


def test_an_output_that_is_a_link_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to("elsewhere")
    write(tmp_path / "a.zip", members("a"))
    with pytest.raises(InputError, match="is a link"):
        scored(checkpoint, tmp_path / "a.zip", tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("path", ["a\\b", "a\\", 'a"b', 'a\\"b', "a'b, c=d", "a\\\\b"])
def test_paths_reach_preprocessing_as_they_are(path: str) -> None:
    override = OverridesParser.create().parse_override(f"output={intake._quoted(path)}")
    assert override.value() == path
