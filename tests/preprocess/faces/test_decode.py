import os
import struct
import subprocess
import sys

import numpy as np
import pytest

from preprocess.faces.decode import UnreadableVideoError, Video


def filled(n, width=64, height=48):
    """Frame k is filled with the value 3 k, so that a picture says which it is."""
    return [np.full((height, width, 3), 3 * k, np.uint8) for k in range(n)]


def decode(path, stride=1, sampling="frames"):
    with Video(path) as video:
        frames = list(video.frames(stride, sampling, lambda count: None))
        return video.n_frames, video.damage, video.fps, frames


def number_in(frame):
    return round(float(frame.picture.mean()) / 3)


def set_matrix(path, matrix):
    """Put a display matrix (a, b, c, d) into the track header of an mp4 file."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = matrix
    values = (a, b, 0, c, d, 0, 0, 0, 1)
    scales = (1 << 16, 1 << 16, 1 << 30) * 3
    data[start : start + 36] = struct.pack(">9i", *(v * s for v, s in zip(values, scales, strict=True)))
    path.write_bytes(data)


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_every_stride_th_decoded_frame_is_kept(tmp_path, write_video, stride):
    path = write_video(tmp_path / "a.mp4", filled(50))
    n_frames, damage, fps, frames = decode(path, stride)
    assert (n_frames, damage, fps) == (50, "", 25)
    assert [frame.number for frame in frames] == list(range(0, 50, stride))
    assert [number_in(frame) for frame in frames] == list(range(0, 50, stride))
    assert [frame.time_s for frame in frames] == pytest.approx([k / 25 for k in range(0, 50, stride)])


def test_sampling_by_time_is_sampling_by_frame_on_a_constant_rate(tmp_path, write_video):
    path = write_video(tmp_path / "a.mp4", filled(50))
    assert [frame.number for frame in decode(path, 3, "time")[3]] == list(range(0, 50, 3))


def test_variable_rate_keeps_its_times_and_is_sampled_evenly_in_time(tmp_path, write_video):
    times = [500 + t for t in (*range(0, 1000, 20), *range(1000, 3000, 100))]  # 50 then 10 a second, late
    path = write_video(tmp_path / "a.mkv", filled(len(times)), times_ms=times)
    _, _, fps, by_frame = decode(path, 5, "frames")
    assert [frame.time_s for frame in by_frame] == pytest.approx(
        [(t - 500) / 1000 for t in times[::5]], abs=2e-3
    )
    kept = decode(path, 5, "time")[3]
    gaps = np.diff([frame.time_s for frame in kept])
    assert gaps.min() >= 5 / fps - 0.11
    assert gaps.max() <= 5 / fps + 0.11
    assert len(kept) == 14
    assert [number_in(frame) for frame in kept] == [frame.number for frame in kept]


def test_a_rate_is_never_read_of_a_closed_file(tmp_path, write_video):
    """With glibc filling freed memory, whoever reads it is found out each time."""
    path = write_video(tmp_path / "a.mkv", filled(30), times_ms=range(0, 3000, 100))
    code = (
        "import sys, pathlib; from preprocess.media.survey import survey;"
        "from preprocess.media.clock import film_clock;"
        "found = survey(pathlib.Path(sys.argv[1])); print(film_clock(found, found.films[0]).rate)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"MALLOC_PERTURB_": "128", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
    )
    assert float(said.stdout) == pytest.approx(10)


def test_progress_adds_up_to_the_decoded_frames(tmp_path, write_video):
    told = []
    with Video(write_video(tmp_path / "a.mp4", filled(80))) as video:
        list(video.frames(3, "frames", told.append))
    assert sum(told) == 80
    assert all(told)


def test_truncated_video_gives_what_decodes_and_says_so(tmp_path, write_video, film_face):
    options = {"bf": "0", "g": "5"}
    for name in ("a.mkv", "a.avi", "a.mp4"):
        path = write_video(tmp_path / name, film_face(100, 160, 120), options=options)
        whole = path.read_bytes()
        assert decode(path)[:2] == (100, "")
        path.write_bytes(whole[: len(whole) * 6 // 10])
        n_frames, damage, _, frames = decode(path)
        assert 30 < n_frames < 90
        cut_through = "1 of them damaged and left out" in damage
        assert len(frames) == n_frames - cut_through
        assert f"{n_frames}" in damage
        assert "ends at" in damage


def test_a_corrupt_stretch_in_the_middle_does_not_end_the_video(tmp_path, write_video, film_face):
    path = write_video(tmp_path / "a.mp4", film_face(100, 160, 120), options={"g": "10", "bf": "0"})
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    middle = start + (len(data) - start) // 3
    data[middle : middle + 600] = bytes(255 - byte for byte in data[middle : middle + 600])
    path.write_bytes(data)
    n_frames, damage, _, frames = decode(path)
    assert n_frames > 90
    assert frames[-1].time_s == pytest.approx(99 / 25)
    assert "decoding error" in damage or n_frames == 100


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p10le"),
        ("a.mp4", "libx264", "gray"),
        ("a.mp4", "libsvtav1", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mov", "libx265", "yuv420p"),
        ("A.MP4", "mpeg4", "yuv420p"),
        ("vidéo 面 (1).mp4", "libx264", "yuv420p"),
    ],
)
def test_codecs_pixel_formats_and_names(tmp_path, write_video, name, codec, pix_fmt):
    path = write_video(tmp_path / name, filled(20, 128, 96), codec=codec, pix_fmt=pix_fmt)
    n_frames, damage, _, frames = decode(path)
    assert (n_frames, damage) == (20, "")
    assert frames[0].picture.shape == (96, 128, 3)
    # x264 writes gray without saying which range it is in: 16 grey levels of doubt, here.
    assert np.abs(frames[15].picture.astype(int) - 45).max() <= (20 if pix_fmt == "gray" else 6)


def test_a_name_without_extension(tmp_path, write_video):
    path = write_video(tmp_path / "video", filled(5), container="mp4")
    assert decode(path)[0] == 5


def test_odd_sizes(tmp_path, write_video):
    path = write_video(tmp_path / "a.avi", filled(5, 81, 61), codec="mjpeg", pix_fmt="yuvj444p")
    assert decode(path)[3][0].picture.shape == (61, 81, 3)


@pytest.mark.parametrize(
    ("matrix", "quarters"), [((0, 1, -1, 0), 3), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)]
)
def test_rotation_of_the_display_matrix_is_applied(tmp_path, write_video, matrix, quarters):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255  # the upper left quarter is white
    path = write_video(tmp_path / "a.mp4", [picture] * 5)
    set_matrix(path, matrix)
    shown = decode(path)[3][0].picture
    assert np.abs(shown.astype(int) - np.rot90(picture, quarters)).mean() < 10


def test_pixels_that_are_not_square_are_made_so(tmp_path, write_video):
    path = write_video(tmp_path / "a.mkv", filled(5, 64, 48), options={"x264-params": "sar=2/1"})
    assert decode(path)[3][0].picture.shape == (48, 128, 3)


def test_sound_that_outlasts_the_picture_is_no_damage(tmp_path, write_video):
    for name in ("a.mp4", "a.mkv"):
        path = write_video(tmp_path / name, filled(25), sound_s=4.0)
        assert decode(path)[:2] == (25, "")


def test_one_frame(tmp_path, write_video):
    n_frames, damage, fps, _ = decode(write_video(tmp_path / "a.mp4", filled(1)))
    assert (n_frames, damage, fps) == (1, "", 25)


def test_what_is_no_video_says_why(tmp_path, write_video):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all")
    write_video(tmp_path / "sound.mp4", [], sound_s=1.0)
    for name, reason in (
        ("empty.mp4", "empty"),
        ("text.mp4", "cannot be opened"),
        ("sound.mp4", "no video: sound only"),
        ("missing.mp4", "No such file"),
    ):
        with pytest.raises(UnreadableVideoError, match=reason):
            Video(tmp_path / name)


def test_cover_art_is_no_video(tmp_path, write_video, shared):
    with pytest.raises(UnreadableVideoError, match="cover picture"):
        Video(shared / "media" / "bad" / "b10_audio_only_cover_art.mp4")


def test_a_playlist_opens_no_other_file(tmp_path, write_video):
    write_video(tmp_path / "a.ts", filled(5))
    (tmp_path / "list.m3u8").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(UnreadableVideoError):
        Video(tmp_path / "list.m3u8")
