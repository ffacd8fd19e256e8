"""Zips, listings and videos of others, handed to preprocessing's own readers."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from rich.console import Console

from preprocess.archive.contact_sheet import contact_sheet
from preprocess.archive.flac import encode
from preprocess.archive.manifest import misnamed, write_manifest
from preprocess.archive.quality import measure
from preprocess.archive.record import FIELDS
from preprocess.archive.recording_zip import read_record, read_track
from preprocess.archive.settings import Settings, taken_settings
from preprocess.behaviour.listing import read_listing
from preprocess.behaviour.measure import _decoded, _file
from preprocess.behaviour.signal_file import signal_of
from preprocess.corpora.labels import read_label_file
from preprocess.corpora.manifest import read_manifest
from preprocess.corpora.recording import Recording
from preprocess.faces.decode import Video
from preprocess.media.container import UnreadableVideoError, open_media
from preprocess.media.estimate import estimate_frames
from preprocess.media.survey import survey
from preprocess.run.plan import read_all
from preprocess.sound.decode import read_sound
from preprocess.sound.hear import hear
from preprocess.workers.progress import FrameProgress
from stan_boundary.errors import InputError
from stan_boundary.writing import discard_parts

SETTINGS = Settings(3, "frames", 32, "eyes", 1.0, 95, None)


def record(name: str, **row: Any) -> bytes:
    known: dict[str, Any] = dict.fromkeys(FIELDS, "") | {"recording": name, "label": None, "status": "ok"}
    known |= {"fps": 30.0, "n_source_frames": 9, "frame_stride": 3, "n_frames": 3, "detection_rate": 1.0}
    known |= {"sound_s": 0.3, "sound_rms": None, "n_moments": None}
    known |= {"participant_s": None, "interviewer_s": None} | row
    sound = {"source": "", "damage": "", "note": ""}
    return json.dumps({"row": known, "settings": SETTINGS.as_dict(), "sound": sound}).encode()


def write(path: Path, **changes: bytes) -> Path:
    """A zip of three crops with sound; `__` in a member's name stands for a dot."""
    jpeg = cv2.imencode(".jpg", np.full((32, 32, 3), 90, np.uint8))[1].tobytes()
    members = {f"{frame:06d}.jpg": jpeg for frame in (0, 3, 6)}
    members["track.csv"] = b"frame,time_s,interpolated\n0,0.0,0\n3,0.1,0\n6,0.2,0\n"
    members |= {"sound.flac": encode(np.ones(4800, np.int16)), "recording.json": record(path.stem)}
    members |= {name.replace("__", "."): data for name, data in changes.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def png(width: int, height: int) -> bytes:
    """A whole PNG of one colour."""
    return cv2.imencode(".png", np.zeros((height, width), np.uint8))[1].tobytes()


def film(path: Path, last_s: float | None = None) -> Path:
    """Five seconds, the last picture of them at `last_s`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        packets = []
        for value in range(125):
            picture = np.full((48, 64, 3), value, np.uint8)
            packets += stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        packets += stream.encode(None)
        if last_s is not None:
            assert packets[-1].time_base is not None
            packets[-1].pts = packets[-1].dts = round(last_s / packets[-1].time_base)
        for packet in packets:
            container.mux(packet)
    return path


def test_damaged_zips_beside_good_ones_are_failed_rows_of_the_manifest(tmp_path: Path) -> None:
    write(tmp_path / "good.zip")
    write(tmp_path / "deep.zip", recording__json=b"[" * 9_999)
    write(tmp_path / "extra.zip", recording__json=record("extra", password="x"))
    write(tmp_path / "fps.zip", recording__json=record("fps", fps="fast"))
    write(tmp_path / "other.zip", recording__json=record("../good"))
    (tmp_path / "text.zip").write_bytes(b"no zip")
    os.mkfifo(tmp_path / "pipe.zip")
    write(tmp_path / "a\x1b.zip")
    rows = write_manifest(tmp_path)
    assert {row["recording"]: row["status"] for row in rows} == {
        name: "ok" if name == "good" else "failed"
        for name in ("deep", "extra", "fps", "good", "other", "pipe", "text")
    }
    assert all(str(tmp_path) in row["reason"] for row in rows if row["status"] == "failed")
    assert [name for name, found in read_all(tmp_path).items() if found is not None] == ["good"]
    assert len(misnamed(tmp_path)) == 1 and misnamed(tmp_path)[0].isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"track__csv": b"frame,time_s,interpolated\n0,days,0\n"},
        {"track__csv": b"frame,time_s,interpolated\n0,1e9,0\n"},
        {"track__csv": b"frame,time_s,interpolated\n3,0,0\n0,1,0\n"},
        {"track__csv": b"frame,time_s,interpolated\n" + b"1" * 200_000},
        {"track__csv": b"frame\n0\n"},
        {"track__csv": b"frame,time_s,interpolated" + b",x" * 60 + b"\n0,0,0" + b",1" * 60 + b"\n"},
        {"000003__jpg": png(2_001, 8)},
        {"sound__flac": b"no sound"},
        {"sound__flac": encode(np.ones(4800, np.int16))[:42]},
        {"sound__flac": b"fLaC\x04\xff\xff\xff" + bytes(99)},
        {"sound__flac": encode(np.arange(48_000, dtype=np.int16) * 7919)[:40_000]},
        {"sound__flac": encode(np.zeros(16_000 * 70, np.int16))},
    ],
)
def test_what_does_not_fit_a_zips_recording_is_one_line(changes: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        measure(write(tmp_path / "a.zip", **changes))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_silent_sound_is_measured(tmp_path: Path) -> None:
    found = measure(write(tmp_path / "a.zip", sound__flac=encode(np.zeros(4800, np.int16))))
    assert found.sound is not None and list(found.sound.waveform) == []


def test_of_settings_all_fields_but_the_path_are_taken() -> None:
    assert taken_settings(SETTINGS.as_dict(), "a") == {
        name: value for name, value in SETTINGS.as_dict().items() if name != "model_path"
    }
    for wrong in ({"seed": 1}, {"align": "eyes,box"}, {"crop_size": 1e3}, {"frame_stride": True}):
        with pytest.raises(InputError):
            taken_settings(SETTINGS.as_dict() | wrong, "a")
    with pytest.raises(InputError):
        taken_settings({"max_gap_s": float("nan")}, "a")


OURS = "recording,status,n_frames,video\n"


@pytest.mark.parametrize("text", [OURS + "{},ok,3,\n", "video,subject,recording\nv,1,{}\n"])
@pytest.mark.parametrize("name", ["../../../x", "/x", ".x", "a\x1b[2J", "x" * 201])
def test_names_in_a_listing_that_lead_elsewhere_are_refused_with_their_row(
    text: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / "manifest.csv").write_text(text.format(name))
    with pytest.raises(InputError, match=r"manifest\.csv row 2: "):
        read_listing(tmp_path)
    with pytest.raises(InputError):
        Recording(name, "", "", "", "", None, "", "a.mp4", tmp_path)


def test_a_damaged_zip_in_a_listing_leaves_the_others(tmp_path: Path) -> None:
    write(tmp_path / "good.zip")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    (tmp_path / "manifest.csv").write_text(f"{OURS}good,ok,3,\nbad,ok,3,\ngone,ok,3,\n")
    listing = read_listing(tmp_path)
    assert [one.recording for one in listing.listed] == ["good"] and len(listing.failed) == 2


def test_pipes_and_devices_are_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    for path in tmp_path.iterdir():
        for reader in (Video, survey, open_media):
            with pytest.raises(UnreadableVideoError):
                reader(path)
        assert estimate_frames(path, lambda count: None) == 0 and read_sound(path, None, 1).damage
        for reader in (read_record, read_track, measure, contact_sheet, read_listing):
            with pytest.raises(InputError):
                reader(path)
        with pytest.raises(InputError):
            read_manifest(str(path), None, (1, 1, 1), 0)
        with pytest.raises(InputError):
            read_label_file(path, (0, 63))
        assert _file(path) == b""


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile good.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ngood.mp4\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5000 RTP/AVP 96\n",
    ],
)
def test_playlists_are_no_videos(text: str, tmp_path: Path) -> None:
    film(tmp_path / "good.mp4")
    for suffix in ("mp4", "m3u8", "ffconcat", "sdp"):
        (tmp_path / f"list.{suffix}").write_text(text)
        with pytest.raises(UnreadableVideoError):
            Video(tmp_path / f"list.{suffix}")
    assert Video(tmp_path / "good.mp4").fps == 25


def test_one_stamp_at_ten_days_makes_no_sound_of_ten_days(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", 864_000.0)
    samples, heard, _ = hear(Recording("a", "", "", "", "", None, "", "a.mkv", path), 0.0)
    assert len(samples) == 0 and "a film of 240.0 h" in heard.damage
    with Video(path) as video:
        assert sum(1 for _ in video.frames(1, "time", lambda count: None)) >= 124
        assert "a film of 240.0 h" in video.damage
    with Video(film(tmp_path / "b.mkv")) as video:
        list(video.frames(1, "frames", lambda count: None))
        assert video.damage == ""


def test_nothing_is_written_through_links_of_a_received_folder(tmp_path: Path) -> None:
    (crops := tmp_path / "crops").mkdir()
    (tmp_path / "elsewhere" / "behaviour").mkdir(parents=True)
    (precious := tmp_path / "elsewhere" / "behaviour" / "a.csv").write_text("mine")
    (tmp_path / "elsewhere" / "behaviour" / "signal.json").write_text('{"made_by": "stan-lightning 1"}')
    (crops / "signals").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        signal_of(crops).write("a", "time_s", ["0"], {"x": np.zeros(1)})
    signal_of(crops).discard("a")
    assert precious.read_text() == "mine"


def test_what_a_video_is_called_does_not_steer_the_terminal() -> None:
    out = io.StringIO()
    FrameProgress(Console(file=out), {}).say("failed: \x1b]0;mine\x07[/red].mp4: text\n  more")
    assert out.getvalue() == "failed: \\x1b]0;mine\\x07[/red].mp4: text\n  more\n"


def test_pictures_larger_than_crops_are_not_decoded() -> None:
    assert _decoded(png(2_001, 1)) is None and _decoded(png(2_000, 1)) is not None


def wav(rate: int, samples: bytes, channels: int = 1, kind: int = 1, bits: int = 16) -> bytes:
    head = struct.pack("<IHHIIHH", 16, kind, channels, rate, 4 * rate % 2**32, channels * bits // 8, bits)
    return b"RIFF1234WAVEfmt " + head + b"data" + struct.pack("<I", len(samples)) + samples


@pytest.mark.parametrize("rate", [1, 10**8, 2**31 - 1])
def test_sound_at_a_rate_that_no_filter_takes_is_not_read(rate: int, tmp_path: Path) -> None:
    (path := tmp_path / "a.wav").write_bytes(wav(rate, bytes(range(256)) * 50))
    found = read_sound(path, None, 2.0)
    assert found.seconds == 0 and f"at {rate} Hz is not read" in found.damage


@pytest.mark.filterwarnings("error")
def test_sound_of_numbers_that_are_none_is_silence_there(tmp_path: Path) -> None:
    samples = np.full(16_000, 0.25)
    samples[[5, 50, 500]] = np.nan, np.inf, 1e300
    (path := tmp_path / "a.wav").write_bytes(wav(16_000, samples.tobytes(), kind=3, bits=64))
    found = read_sound(path, None, 1.0)
    assert found.samples[[5, 50, 500]].tolist() == [0, 0, 0] and found.samples[600] == 8192


def test_a_listing_cannot_fill_the_memory_with_empty_cells(tmp_path: Path) -> None:
    columns = ",".join(f"c{number}" for number in range(200_000))
    (tmp_path / "manifest.csv").write_text(f"video,subject,{columns}\n" + "a\n" * 5_000)
    with pytest.raises(InputError, match="200 columns"):
        read_listing(tmp_path)
    (tmp_path / "manifest.csv").write_text("video,subject\na.mp4,1\n" + "\n" * 1_000_000)
    with pytest.raises(InputError, match="100000 rows"):
        read_manifest(str(tmp_path), None, (1, 1, 1), 0)


def test_part_files_behind_a_link_are_not_ours(tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere" / "behaviour").mkdir(parents=True)
    (precious := elsewhere / ".x.part").touch()
    (crops := tmp_path / "crops").mkdir()
    (crops / "signals").symlink_to(tmp_path / "elsewhere")
    assert discard_parts(crops / "signals" / "behaviour", crops) == 0 and precious.exists()
    assert discard_parts(elsewhere, tmp_path) == 1


BOMBS = """
import resource, sys, time
from pathlib import Path
from preprocess.archive.quality import measure
from preprocess.behaviour.measure import _decoded
from preprocess.corpora.recording import Recording
from preprocess.faces.decode import Video
from preprocess.sound.hear import hear
from stan_boundary.errors import InputError
resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))
started = time.process_time()
for path in sorted(Path(sys.argv[1]).glob("*.zip")):
    try:
        measure(path)
    except InputError as error:
        print(path.name, error)
for path in Path(sys.argv[1]).glob("*.mkv"):
    hear(Recording("a", "", "", "", "", None, "", path.name, path), 0.0)
    with Video(path) as video:
        print(path.name, sum(1 for _ in video.frames(1, "time", lambda count: None)))
assert time.process_time() - started < 20
"""


def test_bombs_burst_within_two_gigabytes_and_twenty_seconds(tmp_path: Path) -> None:
    write(tmp_path / "picture.zip", **{"000003__jpg": png(30_000, 30_000)})
    write(tmp_path / "sound.zip", sound__flac=encode(np.zeros(16_000 * 3_600, np.int16)))
    write(tmp_path / "json.zip", recording__json=b"[" * 100_000_000)
    write(tmp_path / "track.zip", track__csv=b"frame,time_s,interpolated\n" + b"0,0,0\n" * 20_000_000)
    with zipfile.ZipFile(tmp_path / "deflated.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("recording.json", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(1_000_000))
    film(tmp_path / "days.mkv", 864_000.0)
    command = [sys.executable, "-c", BOMBS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6, done.stdout
