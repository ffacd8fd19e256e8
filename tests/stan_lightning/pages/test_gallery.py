"""The gallery in a real browser: sorted, filtered, films and sounds played, nothing asked of a network."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.notices import SYNTHETIC
from stan_lightning.evaluate import evaluate
from stan_lightning.evaluation.results import Evaluation
from stan_lightning.pages import gallery

NAMES = ["a_1_Freeform", "b_1_Northwind", "c_1_Freeform", "d_1_Northwind"]
LABELS = [10.0, 30.0, float("nan"), 5.0]
PREDICTIONS = [12.0, 10.0, 20.0, 15.0]
"""Errors +2, -20, unknown and +10."""


def found(synthetic: bool = False, end_s: float = 3.9) -> Evaluation:
    table = pd.DataFrame({"recording": NAMES, "label": LABELS, "prediction": PREDICTIONS})
    table["subject"] = [name[0] for name in NAMES]
    table["task"] = ["Freeform", "Northwind"] * 2
    table = table.assign(partition="test", group=["x", "", "x", "y"], session="1")
    rows = [
        (name, n, 0, 60, n * end_s / 2, (n + 1) * end_s / 2, score / 63 + 0.05 * (n - 0.5))
        for name, score in zip(NAMES, PREDICTIONS, strict=True)
        for n in range(2)
    ]
    columns = ["recording", "window", "first_frame", "last_frame", "start_s", "end_s", "output"]
    exposure = ["trained on", "new", "new", "new"]
    baselines = pd.DataFrame({"recording": NAMES, "exposure": exposure})
    numbers = {"partition": "test", "score_range": [0, 63], "synthetic": synthetic}
    return Evaluation(numbers, table, pd.DataFrame(rows, columns=columns), baselines)


@pytest.fixture
def data(make_crops: Callable[..., Path], give_sound: Callable[..., None]) -> CropDataModule:
    """Films with sound, without, and with a signal; the last has sound alone."""
    root = make_crops(subjects={"test": ["1", "2", "3", "4"]})
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    for old, new in zip(table.recording, NAMES, strict=True):
        (root / f"{old}.zip").rename(root / f"{new}.zip")
    times = np.arange(64_000) / 16_000
    tone = (20_000 * np.sin(2000 * times) * (times > 2)).astype(np.int16)
    give_sound(root / f"{NAMES[0]}.zip", tone)
    with zipfile.ZipFile(root / f"{NAMES[0]}.zip") as archive:
        sound = archive.read("sound.flac")
    (root / f"{NAMES[3]}.zip").unlink()
    with zipfile.ZipFile(root / f"{NAMES[3]}.zip", "w") as archive:
        archive.writestr("sound.flac", sound)
        archive.writestr(
            "recording.json", '{"row": {"n_moments": 40, "frame_stride": 3, "fps": null}, "settings": {}}'
        )
    table = table.assign(recording=NAMES, session=["a_1", "b_1", "c_1", "d_1"], subject=list("abcd"))
    table["sound_s"] = ["4.0", "", "", "4.0"]
    table["n_moments"] = ["", "", "", "40"]
    table.loc[3, ["fps", "n_frames", "detection_rate"]] = ["", "0", ""]
    table.to_csv(root / "manifest.csv", index=False)
    folder = root / "signals" / "pulse"
    folder.mkdir(parents=True)
    for name in NAMES[:2]:
        rows = pd.DataFrame({"time_s": times[::1600]}).assign(beat=np.arange(40.0), width=1.0)
        rows.to_csv(folder / f"{name}.csv", index=False)
    small = ["data.clip_frames=16", "data.image_size=32", "data.num_workers=0"]
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", ["data=manifest", f"data.root={root}", *small])
    modalities = ["face", "audio", "pulse"]
    data: CropDataModule = instantiate(config.data, modalities=modalities, _convert_="all")
    data.lenient = True
    data.setup("test")
    return data


def cards(browser: Chrome) -> list[str]:
    shown = [one for one in browser.find_elements(By.TAG_NAME, "article") if one.is_displayed()]
    return [one.find_element(By.TAG_NAME, "h2").text for one in shown]


@pytest.mark.parametrize("width", [1280, 400])
def test_it_is_sorted_and_filtered(data: CropDataModule, tmp_path: Path, browser: Chrome, width: int) -> None:
    page = gallery.write(found(), data, tmp_path / "out")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get(page.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    errors = [card.split()[0] for card in cards(browser)]
    assert errors == ["-20.0", "+10.0", "+2.0", "no"]
    sort = Select(browser.find_element(By.ID, "sort"))
    for choice, first in (("over", "+10.0"), ("under", "-20.0"), ("label", "-20.0"), ("prediction", "no")):
        sort.select_by_value(choice)
        assert cards(browser)[0].split()[0] == first
    sort.select_by_value("name")
    assert [card.split(" predicted")[0].rpartition(" ")[2] for card in cards(browser)] == list("1234")
    assert "recording 1" in cards(browser)[0] and not any(name in browser.page_source for name in NAMES)
    chosen = {
        one.get_dom_attribute("data-place"): Select(one)
        for one in browser.find_elements(By.CLASS_NAME, "filter")
    }
    assert sorted(chosen) == ["1", "2", "3"]  # all are of one partition
    chosen["1"].select_by_value("=Freeform")
    assert len(cards(browser)) == 2
    chosen["3"].select_by_value("=trained on")
    assert len(cards(browser)) == 1
    assert browser.find_element(By.TAG_NAME, "output").text == (
        "1 of 4 recordings, MAE of these 2.00, mean error 2.00"
    )
    chosen["1"].select_by_value("")
    chosen["3"].select_by_value("=new")
    assert len(cards(browser)) == 3
    chosen["2"].select_by_value("=")  # those of no group
    assert [card.split()[0] for card in cards(browser)] == ["-20.0"]
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_films_and_sounds_play_and_nothing_is_asked_of_a_network(
    data: CropDataModule, tmp_path: Path, browser: Chrome
) -> None:
    page = gallery.write(found(), data, tmp_path / "out", names=True)
    browser.set_window_size(1280, 1400)
    browser.get(page.as_uri())
    wait = WebDriverWait(browser, 20)
    by_name = {
        one.get_dom_attribute("data-name"): one for one in browser.find_elements(By.TAG_NAME, "article")
    }
    for name, tag in ((NAMES[0], "video"), (NAMES[1], "video"), (NAMES[3], "audio")):
        card = by_name[name]
        media = card.find_element(By.TAG_NAME, tag)
        clock = card.find_element(By.CLASS_NAME, "time")
        scores = card.find_element(By.CSS_SELECTOR, "svg.scores")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", card)
        ActionChains(browser).move_to_element_with_offset(
            scores, scores.rect["width"] / 4, 10
        ).click().perform()
        duration = 4.0 if tag == "audio" or name == NAMES[0] else 3.9
        wait.until(lambda _, m=media, d=duration: abs(m.get_property("currentTime") - 0.75 * d) < 0.1)
        assert media.get_property("error") is None
        browser.execute_script("arguments[0].muted = true; arguments[0].play()", media)
        wait.until(lambda _, m=media, d=duration: m.get_property("currentTime") > 0.78 * d)
        browser.execute_script("arguments[0].pause()", media)
        head = float(scores.find_element(By.CLASS_NAME, "head").get_dom_attribute("x1"))
        assert head > 760
        before = media.get_property("currentTime")
        clock.send_keys(Keys.ARROW_LEFT)
        wait.until(lambda _, m=media, b=before: m.get_property("currentTime") < b - 0.9)
    assert not by_name[NAMES[3]].find_elements(By.TAG_NAME, "img")
    asked = browser.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert all(one.startswith(page.parent.as_uri()) for one in asked)
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []
    browser.execute_script(
        "document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))"
    )
    wait.until(
        lambda _: any("Content Security Policy" in one["message"] for one in browser.get_log("browser"))
    )


def test_what_is_drawn_is_what_was_measured(data: CropDataModule, tmp_path: Path) -> None:
    """Silence and then a tone; a signal that rises; a label's line; the film on the recording's clock."""
    page = gallery.write(found(synthetic=True), data, tmp_path / "out").read_text()
    assert SYNTHETIC in page and page.count('class="label"') == 3 and page.count('class="strip"') == 3
    assert page.count('class="filled"') == 2 and page.count('class="curve"') == 4
    drawn = page.split('aria-label="sound of recording 1 ')[1].split('d="M')[1].split(' Z"')[0]
    points = np.array([[float(one) for one in point.split(",")] for point in drawn.split(" L")])
    upper = points[: len(points) // 2]
    assert (upper[upper[:, 0] < 480, 1] > 49).all() and (upper[upper[:, 0] > 520, 1] < 1).all()
    beat = page.split('aria-label="pulse beat of recording 1 ')[1].split('d="M')[1].split('"')[0]
    heights = [float(point.split(",")[1]) for point in beat.split(" L")]
    assert heights == sorted(heights, reverse=True) and heights[0] == 95 and "no pulse" in page
    with av.open(str(tmp_path / "out" / "gallery" / "0001.mp4")) as film:
        shades = [(one.time, one.to_ndarray(format="gray").mean()) for one in film.decode(video=0)]
    assert len(shades) == 40 and shades[-1][0] == pytest.approx(3.9, abs=0.01)
    with av.open(str(tmp_path / "out" / "gallery" / "0001.mp4")) as film:
        heard = np.concatenate([one.to_ndarray()[0] for one in film.decode(audio=0)])
    quarter = len(heard) // 4
    assert np.abs(heard[:quarter]).max() < 0.01 < 0.3 < np.abs(heard[-quarter:]).max()


def test_a_recording_that_cannot_be_read_costs_itself_alone(
    data: CropDataModule, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = Path(data.hparams["root"])
    whole = (root / f"{NAMES[1]}.zip").read_bytes()
    at = whole.index(b"\xff\xd8", len(whole) // 2)
    (root / f"{NAMES[1]}.zip").write_bytes(whole[:at] + bytes(200) + whole[at + 200 :])
    (tmp_path / "out" / "gallery").mkdir(parents=True)
    (tmp_path / "out" / "gallery" / "0009.mp4").write_bytes(b"of an evaluation before")
    (tmp_path / "out" / "gallery" / "mine.txt").write_text("mine")
    page = gallery.write(found(), data, tmp_path / "out")
    said = capfd.readouterr().out
    assert f"gallery: {root / NAMES[1]}.zip" in said
    assert "not all of its crops can be read" in page.read_text()
    files = sorted(one.name for one in page.parent.iterdir())
    assert (
        "0009.mp4" not in files and "mine.txt" in files and not [one for one in files if one.startswith(".")]
    )


def test_evaluate_makes_it_and_takes_an_old_one_away(
    model: Path, make_crops: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, output = make_crops(), tmp_path / "out"
    given = [f"model_folder={model}", "data=manifest", f"data.root={root}", f"output={output}"]
    quiet = ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false"]
    for more in (["gallery=true"], []):
        with initialize_config_dir(CONF, version_base="1.3"):
            evaluate(compose("evaluate", [*quiet, *given, *more]), given)
        page, report = output / "gallery" / "index.html", (output / "report.html").read_text()
        assert page.exists() == bool(more) == ('href="gallery/index.html"' in report)
        assert (str(page) in capfd.readouterr().out) == bool(more)
        if more:
            assert "recording 3" in page.read_text() and "Freeform" in page.read_text()
            assert "1_3_Freeform" not in page.read_text()
            shutil.copytree(output, tmp_path / "moved")  # whole as it is


def test_a_gallery_that_cannot_be_written_leaves_verdict_and_report_without_a_dead_link(
    model: Path, make_crops: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, output = make_crops(), tmp_path / "out"
    output.mkdir()
    (output / "gallery").write_text("a file in the folder's place")
    given = [f"model_folder={model}", "data=manifest", f"data.root={root}", f"output={output}"]
    quiet = ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", "gallery=true"]
    with (
        initialize_config_dir(CONF, version_base="1.3"),
        pytest.raises(InputError, match="gallery"),
    ):
        evaluate(compose("evaluate", [*quiet, *given]), given)
    assert "partition test" in capfd.readouterr().out
    assert 'href="gallery' not in (output / "report.html").read_text()
