"""Films whose clock or streams are odd, made here: pictures and sound of real files on one clock."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler
from av.stream import Disposition

from preprocess.archive.flac import RATE
from preprocess.faces.decode import Video
from preprocess.media.clock import film_clock
from preprocess.media.streams import films
from preprocess.media.survey import survey
from preprocess.sound.decode import read_sound
from preprocess.sound.hear import hear

SIZE = (48, 64, 3)


def encoded(stream, levels, fps=25):
    """Packets of a film of plain grey pictures."""
    packets = []
    for index, level in enumerate(levels):
        frame = av.VideoFrame.from_ndarray(np.full(SIZE, level, np.uint8), format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1, fps)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def film_stream(file, codec="libx264", options=None, fps=25):
    stream = file.add_stream(codec, rate=fps, options=options or {})
    stream.height, stream.width = SIZE[:2]
    stream.pix_fmt = "yuv420p"
    return stream


def sound_packets(stream, samples):
    """Packets of a sound; samples in [-1, 1], shape (channels, N)."""
    layout = "stereo" if len(samples) == 2 else "mono"
    context = stream.codec_context
    fit = AudioResampler(context.format.name, layout, 48_000, frame_size=context.frame_size or 1024)
    pcm = np.ascontiguousarray(np.rint(samples * 32_000).astype(np.int16).T.reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    fitted = [*fit.resample(frame), *fit.resample(None)]
    return [packet for one in fitted for packet in stream.encode(one)] + stream.encode(None)


def tone(seconds, channels=1, level=0.3):
    wave = level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 48_000)) / 48_000)
    return np.tile(wave, (channels, 1))


def click_and_flash(path, codecs, n=50, flash=25, start_level=20):
    levels = [start_level] * n
    levels[flash] = 255
    sound = np.zeros((1, round(n / 25 * 48_000)))
    at = round(flash / 25 * 48_000)
    sound[0, at : at + 8] = 0.9
    with av.open(str(path), "w") as file:
        film, voice = film_stream(file, codecs[0]), file.add_stream(codecs[1], rate=48_000)
        voice.layout = "mono"
        packets = encoded(film, levels) + sound_packets(voice, sound)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            file.mux(packet)


def times_of(path, stride=1, **more):
    with Video(path, **more) as video:
        frames = [
            (frame.time_s, float(frame.picture.mean())) for frame in video.frames(stride, "frames", int)
        ]
        return frames, video.zero_s, video.clock, video.damage, video.notes


@pytest.mark.parametrize(
    ("suffix", "codecs", "count"),
    [("webm", ("libvpx", "libopus"), 2), ("ts", ("libx264", "aac"), 2)],
)
def test_clicks_and_flashes_of_joined_recordings_agree(suffix, codecs, count, tmp_path):
    path = tmp_path / f"a.{suffix}"
    click_and_flash(path, codecs)
    path.write_bytes(path.read_bytes() * count)
    frames, zero_s, clock, _, notes = times_of(path)
    assert len(frames) == 50 * count and f"{count} recordings joined" in notes[0]
    assert [time for time, _ in frames] == pytest.approx(np.arange(50 * count) / 25, abs=0.002)
    sound = read_sound(path, zero_s, clock.end_s - zero_s, clock=clock)
    flashes = [time for time, level in frames if level > 200]
    for part, flash in enumerate(flashes):
        piece = slice(2 * part * RATE, 2 * (part + 1) * RATE)
        click = 2 * part + int(np.abs(sound.samples[piece].astype(int)).argmax()) / RATE
        assert click == pytest.approx(flash, abs=0.004)
    assert len(flashes) == count


def test_recordings_that_ffmpeg_does_not_reach_are_said(tmp_path):
    path = tmp_path / "a.webm"
    click_and_flash(path, ("libvpx", "libopus"))
    path.write_bytes(path.read_bytes() * 3)
    frames, _, _, damage, _ = times_of(path)
    assert len(frames) == 150 or "1 more recording joined behind, which cannot be read" in damage


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_pictures_out_of_order_in_avi(codec, tmp_path):
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as file:
        file.mux(encoded(film_stream(file, codec, {"bf": "2", "b_strategy": "0"}), range(20, 220, 4)))
    frames, zero_s, *_ = times_of(path)
    assert zero_s == 0
    assert [time for time, _ in frames] == pytest.approx(np.arange(50) / 25, abs=1e-6)
    assert [level for _, level in frames] == pytest.approx(range(20, 220, 4), abs=8)


def restamped(path, wild, change, codec="libx264", options=None):
    """Write a film and copy it with other stamps."""
    with av.open(str(path), "w") as file:
        file.mux(encoded(film_stream(file, codec, options), range(20, 220, 4)))
    with av.open(str(path)) as old, av.open(str(wild), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(one for one in old.demux() if one.size):
            packet.pts, packet.dts = change(number, packet.pts, packet.dts)
            packet.stream = stream
            new.mux(packet)


def test_no_two_pictures_at_one_time(tmp_path):
    ticks = 512  # a picture in MP4 at 25 frames a second as PyAV writes it
    options = {"bf": "0"}
    restamped(
        tmp_path / "a.mp4",
        tmp_path / "b.mkv",
        lambda number, pts, dts: (pts, pts) if number < 30 else (30 * ticks, 30 * ticks),
        options=options,
    )
    frames, _, _, damage, _ = times_of(tmp_path / "b.mkv")
    assert len(frames) == 50 and "stands still for 20 pictures" in damage
    assert [time for time, _ in frames] == pytest.approx(np.arange(50) / 25, abs=0.002)


def test_mp4_whose_presentation_times_are_decoding_times(tmp_path):
    restamped(
        tmp_path / "a.mp4",
        tmp_path / "b.mp4",
        lambda number, pts, dts: (dts + 1024, dts + 1024),
        options={"bf": "2", "b_strategy": "0"},
    )
    frames, *_, notes = times_of(tmp_path / "b.mp4")
    assert [time for time, _ in frames] == pytest.approx(np.arange(50) / 25, abs=1e-6)
    assert notes == ["stamps in decoding order: put in the order of the pictures"]


def test_lost_transport_packets_leave_damaged_pictures_out(tmp_path):
    path = tmp_path / "a.ts"
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "10", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for _ in range(50):
            noise = random.integers(0, 255, (96, 128, 3), np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        file.mux(stream.encode(None))
    data = path.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    del packets[len(packets) // 2]
    path.write_bytes(b"".join(packets))
    frames, _, _, damage, _ = times_of(path)
    n_damaged = int(damage.split(" of them damaged")[0].split()[-1])
    assert n_damaged >= 1 and len(frames) == 50 - n_damaged
    assert "damaged packet" in damage


def test_a_raw_stream_says_its_rate_and_keeps_its_sound(recording_of, sound_path, tmp_path):
    path = tmp_path / "a.h264"
    with av.open(str(path), "w", format="h264") as file:
        file.mux(encoded(film_stream(file, options={"bf": "2"}), range(20, 220, 4)))
    frames, _, _, _, notes = times_of(path, fps=20)
    assert [time for time, _ in frames] == pytest.approx(np.arange(50) / 20, abs=1e-6)
    assert "20 frames a second as corpus.fps states" in notes[0]
    assert "25 frames a second was taken" in times_of(path)[4][0]
    recording = replace(recording_of(path), sound="a.wav", sound_path=sound_path, fps=20.0)
    samples, heard, measured = hear(recording, 0.0)
    assert len(samples) == 2.5 * RATE and heard.damage == ""
    assert measured["sound_s"] == pytest.approx(2.0, abs=0.01)


@pytest.fixture
def sound_path(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as file:
        voice = file.add_stream("pcm_s16le", rate=48_000)
        voice.layout = "mono"
        file.mux(sound_packets(voice, tone(2.0)))
    return path


def two_sounds(path, first, second, default=1, codec="aac"):
    """A film with two sounds, the second of which is the default by `default`."""
    with av.open(str(path), "w") as file:
        film = film_stream(file)
        voices = [file.add_stream(codec, rate=48_000) for _ in range(2)]
        for index, voice in enumerate(voices):
            voice.layout = "mono"
            voice.disposition = Disposition.default if index == default else Disposition(0)
        packets = encoded(film, [20] * 50)
        for voice, sound in zip(voices, (first, second), strict=True):
            packets += sound_packets(voice, sound)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            file.mux(packet)


@pytest.mark.parametrize(
    ("levels", "default", "taken"),
    [((0.0, 0.3), 1, 2), ((0.0, 0.3), 0, 2), ((0.3, 0.1), 1, 2), ((0.3, 0.0), 1, 1)],
)
def test_the_sound_is_the_default_one_that_can_be_heard(levels, default, taken, tmp_path):
    path = tmp_path / "a.mkv"
    two_sounds(path, *(tone(2.0, level=level) for level in levels), default=default)
    sound = read_sound(path, 0.0, 2.0)
    assert f"audio stream {taken} was taken" in sound.choice
    assert sound.rms == pytest.approx(20 * np.log10(levels[taken - 1] * 32_000 / 32_768) - 3, abs=1)
    named = read_sound(path, 0.0, 2.0, wanted=3 - taken)
    assert f"audio stream {3 - taken} was taken" in named.choice
    assert "audio_stream=7 is no audio stream" in read_sound(path, 0.0, 2.0, wanted=7).damage


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "pcm_s16le"), ("webm", "libopus"), ("mp4", "aac")])
def test_channels_in_opposite_phase(suffix, codec, tmp_path):
    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w") as file:
        film = film_stream(file, "libvpx" if suffix == "webm" else "libx264")
        voice = file.add_stream(codec, rate=48_000)
        voice.layout = "stereo"
        wave = tone(2.0)
        packets = encoded(film, [20] * 50) + sound_packets(voice, np.concatenate([wave, -wave]))
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            file.mux(packet)
    sound = read_sound(path, 0.0, 2.0)
    assert sound.rms == pytest.approx(-13.7, abs=1)
    assert "opposite phase: channel 1 alone was taken" in sound.choice


def test_two_films(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        preview, film = film_stream(file), film_stream(file)
        packets = encoded(preview, [200]) + encoded(film, [60] * 50)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            file.mux(packet)
    frames, *_ = times_of(path)
    assert len(frames) == 50 and frames[0][1] == pytest.approx(60, abs=4)
    assert len(times_of(path, stream=0)[0]) == 1
    found = survey(path)
    assert [one.index for one in films(found)] == [1]
    assert film_clock(found, films(found)[0]).end_s == pytest.approx(2.0, abs=0.01)
