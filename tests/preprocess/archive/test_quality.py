import html.parser
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from preprocess.archive.contact_sheet import FOLDER, contact_sheet
from preprocess.archive.manifest import write_manifest
from preprocess.archive.quality import measure, spread
from preprocess.archive.quality_page import render_page
from preprocess.archive.recording_zip import ROW, TRACK_COLUMNS, ArchiveWriter, read_record

SETTINGS = {"frame_stride": 3, "sampling": "frames"}


def archive(
    folder: Path, name: str, frames: list[int], source: int, grey: int = 100, interpolated=(), **row
) -> Path:
    """A recording at 30 frames/s whose crops are of one grey."""
    values = {
        "recording": name,
        "subject": name,
        "session": name,
        "task": "",
        "partition": "train",
        "label": None,
        "group": "",
        "video": f"{name}.mp4",
        "fps": 30.0,
        "n_source_frames": source,
        "frame_stride": 3,
        "n_frames": len(frames),
        "detection_rate": 1.0 if frames else 0.0,
        "status": "ok" if frames else "failed",
        "reason": "",
    }
    path = folder / f"{name}.zip"
    with ArchiveWriter(path) as zip_file:
        for frame in frames:
            crop = np.full((112, 112, 3), grey, np.uint8)
            zip_file.add_frame(frame, cv2.imencode(".jpg", crop)[1].tobytes())
        lines = [
            {
                **dict.fromkeys(TRACK_COLUMNS, 0),
                "frame": n,
                "time_s": n / 30,
                "interpolated": int(n in interpolated),
            }
            for n in frames
        ]
        if frames:
            zip_file.add_track(lines)
        zip_file.add_row({**values, **row}, SETTINGS)
    return path


def test_gaps_are_counted_inside_and_at_both_ends(tmp_path: Path) -> None:
    whole = measure(archive(tmp_path, "whole", list(range(0, 90, 3)), 90, interpolated=(3, 6)))
    assert (whole.n_gaps, whole.longest_gap_s, whole.n_interpolated) == (0, 0.0, 2)
    kept = [*range(30, 60, 3), *range(90, 120, 3)]  # 0-29, 60-89 and 120-299 are missing
    holes = measure(archive(tmp_path, "holes", kept, 300))
    assert holes.n_gaps == 3
    assert holes.longest_gap_s == pytest.approx((299 - 117) / 30)


def test_brightness_and_sharpness_are_those_of_the_crops(tmp_path: Path) -> None:
    flat = measure(archive(tmp_path, "flat", [0, 3], 6, grey=200))
    assert flat.brightness == pytest.approx(200, abs=1)
    assert flat.sharpness == pytest.approx(0, abs=0.5)
    strip = cv2.imdecode(np.frombuffer(flat.strip, np.uint8), cv2.IMREAD_COLOR)
    assert strip.shape == (72, 144, 3)


def test_a_failed_recording_has_no_pictures(tmp_path: Path) -> None:
    path = archive(tmp_path, "none", [], 30)
    assert measure(path).strip == b"" and contact_sheet(path) == b""


def test_spread_takes_both_ends() -> None:
    assert spread(range(100), 5) == [0, 25, 50, 74, 99]
    assert spread([1, 2], 5) == [1, 2]


def test_contact_sheet_shows_a_hundred_crops_in_order(tmp_path: Path) -> None:
    sheet = contact_sheet(archive(tmp_path, "a", list(range(0, 750, 3)), 750, grey=80))
    picture = cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (10 * 128, 10 * 112, 3)
    assert picture[50, 50].mean() == pytest.approx(80, abs=3)


class _Tags(html.parser.HTMLParser):
    """Checks that tags close, and collects addresses and headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.addresses, self.names = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes) -> None:
        self.addresses += [value for key, value in attributes if key in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if self.open and self.open[-1] == "h3" and data.strip():
            self.names.append(data.strip())


def page_of(folder: Path, synthetic: bool = False, notes=()) -> str:
    qualities = sorted((measure(path) for path in folder.glob("*.zip")), key=lambda quality: quality.badness)
    return render_page("corpus <1>", synthetic, notes, qualities, folder)


def test_page_is_self_contained_sorted_and_escaped(tmp_path: Path) -> None:
    archive(tmp_path, "good", [0, 3, 6], 9, label=5.0, subject="p")
    archive(tmp_path, "<b>été & co", [0, 3], 9, detection_rate=0.5, subject="p", partition="test", label=40.0)
    archive(tmp_path, "broken", [], 0, reason="no <video>")
    page = page_of(tmp_path, notes=["a & b"])
    tags = _Tags(page)
    assert tags.open == []
    assert tags.names == ["broken", "<b>été & co", "good"]
    assert all(address.startswith("data:image/jpeg;base64,") for address in tags.addresses)
    assert not re.search(r"<script|@import|url\(|https?:", page)
    assert "train and test: 1 (p)" in page and "no &lt;video&gt;" in page and "a &amp; b" in page
    assert "Synthetic corpus" not in page and "Synthetic corpus" in page_of(tmp_path, synthetic=True)


def test_notes_stand_on_the_page_and_in_the_manifest(tmp_path: Path) -> None:
    path = archive(tmp_path, "a", list(range(0, 90, 3)), 90)
    record = read_record(path)
    with ArchiveWriter(path) as new:
        new.add_all(path, but=(ROW,))
        new.add_row(record["row"] | {"note": "video stream 1 <was> taken"}, record["settings"])
    assert "Note: video stream 1 &lt;was&gt; taken." in page_of(tmp_path)
    write_manifest(tmp_path)
    assert "video stream 1 <was> taken" in (tmp_path / "manifest.csv").read_text()


def test_page_counts_sessions_by_label_and_partition(tmp_path: Path) -> None:
    for task in "ab":  # two tasks of a session count once
        archive(tmp_path, f"1_{task}", [0], 3, session="1", label=4.0)
    archive(tmp_path, "2", [0], 3, label=63.0)
    archive(tmp_path, "3", [0], 3, partition="dev", label=9.0)
    bars = re.findall(r"<div>(\d*)<i", page_of(tmp_path))
    bins = len(bars) // 3
    assert [sum(int(bar or 0) for bar in bars[part * bins :][:bins]) for part in range(3)] == [2, 1, 0]
    assert bins <= 13


def test_contact_sheets_are_linked_where_they_are(tmp_path: Path) -> None:
    archive(tmp_path, "a #1", [0], 3)
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "a #1.jpg").touch()
    assert 'href="contact_sheets/a%20%231.jpg"' in page_of(tmp_path)


def test_page_of_three_hundred_recordings_stays_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (112, 112, 3), np.uint8)
    crop = cv2.imencode(".jpg", cv2.GaussianBlur(noise, (5, 5), 0))[1].tobytes()
    archive(tmp_path, "0", list(range(0, 24, 3)), 24)
    with ArchiveWriter(tmp_path / "0.zip") as zip_file:
        for frame in range(0, 24, 3):
            zip_file.add_frame(frame, crop)
        track = [{"frame": frame, "time_s": frame / 30, "interpolated": 0} for frame in range(0, 24, 3)]
        zip_file.add_track(track)
        row = {
            "recording": "0",
            "subject": "s",
            "session": "s",
            "partition": "train",
            "label": 1.0,
            "video": "v",
        }
        counts = {"fps": 30.0, "n_source_frames": 24, "frame_stride": 3, "n_frames": 8, "detection_rate": 1.0}
        zip_file.add_row({**row, **counts, "status": "ok", "reason": ""}, SETTINGS)
    one = measure(tmp_path / "0.zip")
    assert len(render_page("c", False, (), [one] * 300, tmp_path)) < 12e6


# --- sound --------------------------------------------------------------------------------------------


def add_sound(
    path: Path, samples: np.ndarray | None, sound_s: float, damage: str = "", note: str = ""
) -> Path:
    record = read_record(path)
    rms = -20.0 if sound_s else None
    with ArchiveWriter(path) as new:
        new.add_all(path, but=(ROW,))
        if samples is not None:
            new.add_sound(samples)
        heard = {"source": "", "damage": damage, "note": note}
        new.add_row(record["row"] | {"sound_s": sound_s, "sound_rms": rms}, record["settings"], sound=heard)
    return path


def test_loudness_is_measured_and_what_is_missing_is_said(tmp_path: Path) -> None:
    frames = list(range(0, 90, 3))
    samples = np.zeros(48_000, np.int16)
    samples[12_000:24_000] = 8_000
    samples[24_000:24_480] = 32_767
    spoken = measure(add_sound(archive(tmp_path, "a", frames, 90), samples, 3.0)).sound
    assert spoken is not None and spoken.clipped == pytest.approx(0.01) and spoken.remark == ""
    assert len(spoken.waveform) == 240 and spoken.waveform[:60] == [0.0] * 60
    assert spoken.waveform[61] == pytest.approx(8_000 / 32_767) and max(spoken.waveform) == 1.0
    short = measure(add_sound(archive(tmp_path, "b", frames, 90), samples, 1.4)).sound
    assert short is not None and short.remark == "only 1.4 s of 3.0 s"
    none = measure(add_sound(archive(tmp_path, "c", frames, 90), None, 0.0, note="no sound track")).sound
    assert none is not None and (none.waveform, none.remark) == ((), "no sound track")
    assert measure(archive(tmp_path, "d", frames, 90)).sound is None


@pytest.mark.parametrize("width", [1280, 400])
def test_the_waveform_stands_under_the_faces_in_a_browser(tmp_path: Path, browser, width: int) -> None:
    frames = list(range(0, 90, 3))
    samples = np.random.default_rng(0).integers(-9_000, 9_000, 48_000).astype(np.int16)
    add_sound(archive(tmp_path, "spoken", frames, 90), samples, 3.0)
    add_sound(archive(tmp_path, "silent", frames, 90), None, 0.0, note="digital silence")
    archive(tmp_path, "unheard", frames, 90)
    (tmp_path / "quality.html").write_text(page_of(tmp_path))
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((tmp_path / "quality.html").as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    parts = {
        one.find_element("tag name", "h3").text: one for one in browser.find_elements("tag name", "article")
    }
    wave = parts["spoken"].find_element("css selector", "svg.wave")
    drawn = browser.execute_script(
        "return arguments[0].firstElementChild.getBoundingClientRect().height", wave
    )
    strip = parts["spoken"].find_element("css selector", ".strip img")
    assert drawn > 30 and wave.rect["y"] >= strip.rect["y"] + strip.rect["height"]
    assert (
        "sound 3.0 s, -20.0 dB" in " ".join(parts["spoken"].text.split())
        and "clipped" in parts["spoken"].text
    )
    assert "Sound: digital silence." in parts["silent"].text and "ound" not in parts["unheard"].text
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
