"""Prediction from videos and crops, and everything it has to refuse aloud."""

import json
import os
import unicodedata
import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.network import Single
from stan_lightning.pages import overlay
from stan_lightning.pages.attention_maps import Maps
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


def write_zip(path: Path, value: int, frames: int = 20) -> None:
    """Crops of every third frame, all of one grey, as preprocessing leaves them."""
    row = {"recording": path.stem, "subject": path.stem, "session": path.stem, "fps": 30.0, "status": "ok"}
    row |= {"reason": "", "detection_rate": 1.0, "frame_stride": 3, "n_frames": frames}
    row["n_source_frames"] = 3 * frames
    with zipfile.ZipFile(path, "w") as archive:
        jpeg = cv2.imencode(".jpg", np.full((32, 32, 3), value, np.uint8))[1].tobytes()
        for frame in range(frames):
            archive.writestr(f"{3 * frame:06d}.jpg", jpeg)
        times = "".join(f"{3 * frame},{frame / 10:.3f},0\n" for frame in range(frames))
        archive.writestr("track.csv", "frame,time_s,interpolated\n" + times)
        archive.writestr(
            "recording.json", json.dumps({"row": row, "settings": {"frame_stride": 3, "sampling": "frames"}})
        )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A network as it is drawn, in a checkpoint as training writes it."""
    folder = tmp_path_factory.mktemp("run")
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", ["data=manifest", f"data.root={folder / 'gone'}", *TINY])
    data = instantiate(config.data, _convert_="all")
    torch.manual_seed(0)
    module = instantiate(config.model, data=FACTS, _convert_="all")
    torch.nn.init.constant_(module.network.head.bias, 0.3)
    content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    content["datamodule_hyper_parameters"] = dict(data.hparams)
    division = {
        "protocol": "official",
        "fold": 0,
        "n_folds": 5,
        "split_seed": 0,
        "seed": 0,
        "score_range": [0, 63],
    }
    content["training"] = division | {"sessions": [["a", "a_1", 10.0]]}
    torch.save(content, folder / "best.ckpt")
    return folder / "best.ckpt"


def run(checkpoint, video, output, *overrides):
    given = [f"checkpoint={checkpoint}", f"video={intake._quoted(video)}", f"output={output}", *overrides]
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("predict", ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", *given])
    return predict(config)


def write_video(path: Path, frames: int, grey: int = 128) -> Path:
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(frames):
            picture = rng.normal(grey, 5, (48, 64, 3)).clip(0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_windows_are_scored_so_many_at_once(checkpoint, tmp_path, monkeypatch):
    video, sizes = write_video(tmp_path / "a.mp4", 75), []
    score = Single.score

    def counting(self, inputs, present):
        sizes.append(len(inputs["face"]))
        return score(self, inputs, present)

    monkeypatch.setattr(Single, "score", counting)
    crops = ("crops.align=none", "crops.crop_size=32", "views=false")
    with pytest.raises(InputError, match="batch_size=0: windows scored at once"):
        run(checkpoint, video, tmp_path / "none", *crops, "batch_size=0")
    assert run(checkpoint, video, tmp_path / "out", *crops, "batch_size=3") == 0
    assert sizes == [3, 1]


def test_a_video_gives_scores_timeline_picture_and_film(checkpoint, tmp_path, capfd):
    video = write_video(tmp_path / "my [clip], a=b é.mp4", 75)
    assert run(checkpoint, video, tmp_path / "out", "crops.align=none", "crops.crop_size=32") == 0
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    windows = pd.read_csv(tmp_path / "out" / "windows.csv")
    assert predictions.recording.tolist() == [video.stem] and predictions.label.isna().all()
    assert predictions.n_windows.item() == len(windows) == 4  # 25 frames at stride 3, in clips of 8
    assert predictions.prediction.item() == pytest.approx((windows.output.clip(lower=0) * 63).mean())
    assert windows.start_s.iloc[0] == pytest.approx(0, abs=0.01)
    assert windows.end_s.iloc[-1] == pytest.approx(72 / 30, abs=0.01)
    said = capfd.readouterr().out
    assert "not a diagnostic device" in said
    assert said.rstrip().endswith(str(tmp_path / "out" / "predictions.html"))
    assert "label" not in said and "partition" not in said  # of a corpus, which nobody has here
    for end in ("timeline.png", "attention.png", "overlay.mp4"):
        assert (tmp_path / "out" / f"{video.stem}_{end}").stat().st_size > 1000
    with av.open(str(tmp_path / "out" / f"{video.stem}_overlay.mp4")) as film:
        assert film.streams.video[0].codec_context.pix_fmt == "yuv420p"  # what browsers play
        assert sum(1 for _ in film.decode(video=0)) == 25 and float(film.streams.video[0].average_rate) == 10


@pytest.fixture(scope="module")
def answered(checkpoint, tmp_path_factory):
    """The page of two videos, one of them no video."""
    folder = tmp_path_factory.mktemp("answered")
    write_video(folder / "me & <you>.mp4", 75)
    (folder / "broken.mp4").write_bytes(b"no video")
    assert run(checkpoint, folder, folder / "out", "crops.align=none", "crops.crop_size=32") == 1
    return folder / "out" / "predictions.html"


def moment(browser):
    return browser.execute_script("return document.querySelector('video').currentTime")


def test_a_click_on_the_timeline_moves_the_film(answered, browser):
    browser.set_window_size(1280, 900)
    browser.get(answered.as_uri())
    video = browser.find_element(By.TAG_NAME, "video")
    wait = WebDriverWait(browser, 20)
    wait.until(lambda _: video.get_property("readyState") >= 2)
    assert video.get_property("error") is None and video.get_property("videoWidth") == 3 * overlay.SIDE
    timeline = browser.find_element(By.CSS_SELECTOR, "svg.moves")
    for share in (0.75, 0.25):
        offset = (share - 0.5) * timeline.rect["width"]
        ActionChains(browser).move_to_element_with_offset(timeline, offset, 0).click().perform()
        aim = share * 2.4  # 25 frames at 10 a second: the last begins at 2.4 s
        wait.until(
            lambda _, aim=aim: abs(moment(browser) - aim) <= 0.11 and not video.get_property("seeking")
        )
        head = float(browser.find_element(By.CSS_SELECTOR, ".head").get_attribute("x1"))
        assert abs(head - 1000 * share) <= 25  # a frame is 1000 / 24 wide
    before = moment(browser)
    timeline.send_keys(Keys.ARROW_RIGHT)
    wait.until(lambda _: moment(browser) == pytest.approx(before + 0.1, abs=1e-3))


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_fits_any_screen_and_says_everything(answered, browser, width):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get(answered.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    text = browser.find_element(By.TAG_NAME, "body").text
    score = pd.read_csv(answered.with_name("predictions.csv")).prediction.item()
    for words in ("me & <you>", f"{score:.1f} sd ", "over 4 windows", "not a diagnostic device"):
        assert words in text
    assert "broken: cannot be opened as a video" in text and "25 of 75 frames, every 3" in text
    severe = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert severe == []
    for link in browser.find_elements(By.CSS_SELECTOR, "a[href$=csv]"):
        assert (answered.parent / link.get_dom_attribute("href")).is_file()
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_folder_scores_what_it_can_and_names_the_rest(checkpoint, tmp_path, capfd):
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "good.mp4", 60)
    write_video(folder / "short.mp4", 3)
    (folder / "broken.mp4").write_bytes(b"no video")
    (folder / "notes.txt").write_text("not one either")
    refused = run(
        checkpoint, folder, tmp_path / "out", "crops.align=none", "crops.crop_size=32", "views=false"
    )
    said = capfd.readouterr().out
    assert refused == 2
    assert "not scored: short: too short: 1 frames" in said
    assert "not scored: broken: cannot be opened as a video" in said
    assert pd.read_csv(tmp_path / "out" / "predictions.csv").recording.tolist() == ["good"]
    assert not list((tmp_path / "out").glob("*overlay*"))
    page = (tmp_path / "out" / "predictions.html").read_text()
    assert "<video" not in page and "a click moves" not in page and "too short: 1 frames" in page


def test_a_video_without_a_face_is_refused(checkpoint, tmp_path):
    video = write_video(tmp_path / "wall.mp4", 30)
    with pytest.raises(InputError, match=r"wall\.mp4: nothing in it can be scored \(no face found\)"):
        run(checkpoint, video, tmp_path / "out", "crops.align=eyes", "crops.crop_size=32")


@pytest.mark.slow
def test_a_real_face_through_the_whole_road(shared, checkpoint, tmp_path):
    video = shared / "media" / "o05_grid_speech_glasses.mpg"
    assert run(checkpoint, video, tmp_path / "out", "crops.crop_size=48") == 0
    crops = tmp_path / "out" / "crops" / "o05_grid_speech_glasses.zip"
    assert zipfile.ZipFile(crops).namelist()[1] == "000003.jpg"  # every third, as the checkpoint was trained
    assert pd.read_csv(tmp_path / "out" / "predictions.csv").n_windows.item() >= 3


def test_crops_are_taken_in_every_form(checkpoint, tmp_path):
    zips, images = tmp_path / "zips", tmp_path / "face_aligned"
    zips.mkdir()
    write_zip(zips / "dark.zip", 40)
    write_zip(zips / "light.zip", 200)
    with zipfile.ZipFile(zips / "light.zip") as archive:
        archive.extractall(images, [name for name in archive.namelist() if name.endswith(".jpg")])
    scores = {}
    for name, given in (("zips", zips), ("zip", zips / "light.zip"), ("images", images)):
        assert run(checkpoint, given, tmp_path / f"{name}_out", "views=false") == 0
        found = pd.read_csv(tmp_path / f"{name}_out" / "predictions.csv").set_index("recording").prediction
        scores[name] = found.to_dict()
    assert set(scores["zips"]) == {"dark", "light"} and scores["zips"]["dark"] != scores["zips"]["light"]
    assert (
        scores["zip"]["light"] == scores["images"]["face_aligned"] == pytest.approx(scores["zips"]["light"])
    )
    with zipfile.ZipFile(zips / "other.zip", "w") as archive:
        archive.writestr("recording.json", '{"row": {}, "settings": {}}')
    assert run(checkpoint, zips, tmp_path / "two_of_three") == 1  # a bad one costs itself alone
    with pytest.raises(InputError, match="no zip of crops as preprocessing writes them"):
        run(checkpoint, zips / "other.zip", tmp_path / "never")


def test_crops_of_another_stride_are_refused(checkpoint, tmp_path):
    images = tmp_path / "every_second"
    images.mkdir()
    for frame in range(0, 60, 2):
        cv2.imwrite(str(images / f"{frame:05d}.png"), np.full((32, 32, 3), 100, np.uint8))
    with pytest.raises(InputError, match="a stride of 3 cannot be read from crops of every 2 frames"):
        run(checkpoint, images, tmp_path / "out")


@pytest.mark.parametrize(("name", "said"), [("nowhere", "no file or folder at"), ("empty", "holds no video")])
def test_nothing_to_predict_is_said(checkpoint, tmp_path, name, said):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=said):
        run(checkpoint, tmp_path / name, tmp_path / "out")


def test_videos_are_cropped_as_the_training_crops_were(tmp_path):
    data = {"root": str(tmp_path), "frame_stride": 3}
    silent = {"frame_stride": 3, "sound": False, "behaviour": False}
    assert intake.crop_settings(data, {"align": None}) == silent
    asked = intake.crop_settings(data | {"modalities": ["face", "audio"]}, {})
    assert (asked["sound"], asked["behaviour"]) == (True, False)
    asked = intake.crop_settings(data | {"modalities": ["behaviour"]}, {})
    assert (asked["sound"], asked["behaviour"]) == (False, True)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        stored = {"frame_stride": 1, "align": "box", "crop_size": 48, "model_path": None}
        archive.writestr("recording.json", json.dumps({"row": {}, "settings": stored}))
    found = intake.crop_settings(data, {"align": None, "crop_size": 64})
    assert found == {**silent, "frame_stride": 1, "align": "box", "crop_size": 64}


def test_heat_is_stretched_over_the_clip_and_even_heat_stays_dark():
    frames = np.full((2, 8, 8, 3), 100, np.uint8)
    heat = torch.zeros(2, 8, 8)
    even = overlay.heated(frames, heat + 0.3)
    assert (even == even[0, 0, 0]).all() and even.max() <= 60
    heat[1, 2, 3] = 0.2
    hot = overlay.heated(frames, heat)
    assert hot[1, 2, 3].sum() > 2 * hot[0, 2, 3].sum()
    assert overlay.still([frames] * 3, Maps(heat, None, heat), [0.0, 1.0], "s").axes


@pytest.mark.parametrize("part", ["hyper_parameters", "datamodule_hyper_parameters"])
def test_a_checkpoint_of_another_version_is_refused_by_name(tmp_path, checkpoint, part):
    content = torch.load(checkpoint, weights_only=True)
    del content[part]["seed"]
    torch.save(content, tmp_path / "older.ckpt")
    with pytest.raises(InputError, match=r"older\.ckpt was made by another version of this project"):
        run(tmp_path / "older.ckpt", tmp_path, tmp_path / "out")


NAMES = ["x" * 243, "😀" * 62, ".hidden", unicodedata.normalize("NFD", "Müller"), "a#b?c&d 100%"]
NAMES.append(os.fsdecode(b"M\xfcller"))


def test_films_of_any_name_are_scored_and_play_on_the_page(checkpoint, tmp_path, browser, capfd):
    videos = tmp_path / unicodedata.normalize("NFD", "vidéos")
    film = write_video(tmp_path / "film.mp4", 30)
    videos.mkdir()
    for name in NAMES:
        (videos / f"{name}.mp4").write_bytes(film.read_bytes())
    asked = tmp_path / "vidéos"  # composed, as it was typed
    assert run(checkpoint, asked, tmp_path / "out", "crops.align=none", "crops.crop_size=32") == 0
    found = pd.read_csv(tmp_path / "out" / "predictions.csv").recording.tolist()
    assert len(found) == len(NAMES)
    assert {"Müller", "%2Ehidden", "a#b?c&d 100%", "M%FCller"} <= set(found)
    assert max(len(name.encode()) for name in found) == 200
    browser.get((tmp_path / "out" / "predictions.html").as_uri())
    assert [heading.text for heading in browser.find_elements(By.TAG_NAME, "h2")][-len(found) :] == found
    films = browser.find_elements(By.TAG_NAME, "video")
    assert len(films) == len(found)
    for one in films:
        WebDriverWait(browser, 20).until(lambda _, one=one: one.get_property("readyState") >= 1)
        assert one.get_property("error") is None and one.get_property("videoWidth") > 0
