"""The clock: a click filmed with a flash stands where the flash stands, whatever the container does."""

from fractions import Fraction

import av
import numpy as np
import pytest

from preprocess.archive.flac import RATE
from preprocess.faces.decode import Video
from preprocess.sound.decode import read_sound

CONTAINERS = {
    "mp4": ("libx264", "aac"),
    "mkv": ("libx264", "pcm_s16le"),
    "webm": ("libvpx", "libopus"),
    "ts": ("libx264", "aac"),
    "mov": ("libx264", "pcm_s16le"),
}


def heard(path):
    """Time of the white frame on the track's clock, time of the loudest sample, and the sound."""
    with Video(path) as video:
        frames = [(float(frame.picture.mean()), frame.time_s) for frame in video.frames(1, "frames", int)]
        zero_s = video.zero_s
    assert frames[0][1] == 0
    end_s = video.clock.end_s
    sound = read_sound(path, zero_s, end_s - zero_s)
    return max(frames)[1], int(np.abs(sound.samples.astype(int)).argmax()) / RATE, sound


@pytest.mark.parametrize("offset", [-0.4, 0.0, 0.8])
@pytest.mark.parametrize("container", CONTAINERS)
def test_click_and_flash_agree(container, offset, film, tmp_path):
    path = tmp_path / f"a.{container}"
    film(path, CONTAINERS[container], offset)
    flash_s, click_s, sound = heard(path)
    assert click_s == pytest.approx(flash_s, abs=0.002)
    assert len(sound.samples) == pytest.approx(4.0 * RATE, abs=RATE / 25 + 20)
    # What the codec adds at the ends is less than a tenth of a second.
    assert sound.seconds == pytest.approx(4.0 - abs(offset), abs=0.1)
    assert sound.damage == sound.note == ""


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30_000, 1001)])
def test_any_frame_rate(fps, film, tmp_path):
    film(tmp_path / "a.mp4", fps=fps)
    flash_s, click_s, sound = heard(tmp_path / "a.mp4")
    assert click_s == pytest.approx(flash_s, abs=0.002)
    frames = round(4.0 * fps)
    assert len(sound.samples) == pytest.approx(frames / fps * RATE, abs=2)


def test_a_variable_frame_rate(film, tmp_path):
    times = [k * 0.02 for k in range(50)] + [1 + k * 0.1 for k in range(30)]
    film(tmp_path / "a.mkv", ("libx264", "aac"), times=times, click=3.0)
    flash_s, click_s, _ = heard(tmp_path / "a.mkv")
    assert flash_s == pytest.approx(3.0, abs=0.002)
    assert click_s == pytest.approx(flash_s, abs=0.002)


def test_a_clock_that_drifts_is_followed(film, tmp_path):
    film(tmp_path / "a.mkv", ("libx264", "pcm_s16le"), seconds=12.0, click=11.0, stretch=1.001)
    flash_s, click_s, _ = heard(tmp_path / "a.mkv")
    assert click_s == pytest.approx(flash_s, abs=0.002)  # by count alone it would be 11 ms early


def test_what_is_lost_in_the_middle_is_silence_and_what_follows_stays_in_place(film, tmp_path):
    whole, holed = tmp_path / "whole.mkv", tmp_path / "holed.mkv"
    film(whole, ("libx264", "pcm_s16le"), click=3.0)
    with av.open(str(whole)) as old, av.open(str(holed), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            sound = packet.stream.type == "audio"
            if not packet.size or (sound and 1.0 <= packet.pts * packet.time_base < 1.5):
                continue
            packet.stream = streams[packet.stream_index]
            new.mux(packet)
    flash_s, click_s, sound = heard(holed)
    assert click_s == pytest.approx(flash_s, abs=0.002)
    assert sound.seconds == pytest.approx(3.5, abs=0.05)
    assert not sound.samples[int(1.05 * RATE) : int(1.45 * RATE)].any()
    assert sound.samples[: int(0.95 * RATE)].any()


def test_sixteen_kilohertz_pass_through_bit_for_bit(sound_file, tmp_path):
    samples = np.random.default_rng(1).integers(-20_000, 20_000, RATE * 2)
    path = sound_file(tmp_path / "a.wav", "pcm_s16le", samples / 32767, RATE)
    sound = read_sound(path, 0.0, 2.0)
    assert np.abs(sound.samples.astype(int) - samples).max() <= 1  # truncation by the writer of the test


@pytest.mark.parametrize(
    ("codec", "name", "rate", "layout"),
    [
        ("pcm_s16le", "a.wav", 8_000, "mono"),
        ("pcm_s24le", "a.wav", 192_000, "stereo"),
        ("pcm_u8", "a.wav", 11_025, "mono"),
        ("pcm_f32le", "a.wav", 44_100, "stereo"),
        ("flac", "a.flac", 48_000, "5.1"),
        ("libmp3lame", "a.mp3", 44_100, "stereo"),
        ("aac", "a.m4a", 48_000, "5.1"),
        ("libopus", "a.ogg", 48_000, "stereo"),
    ],
)
def test_every_rate_and_layout_gives_the_tone_that_was_there(codec, name, rate, layout, sound_file, tmp_path):
    times = np.arange(rate * 2) / rate
    path = sound_file(tmp_path / name, codec, 0.5 * np.sin(2 * np.pi * 440 * times), rate, layout)
    sound = read_sound(path, 0.0, 2.0)
    assert sound.damage == ""
    assert sound.seconds == pytest.approx(2.0, abs=0.05)
    if not (layout == "5.1" and codec == "aac"):  # whose coder filters the bass channel
        lame = 0.45 * (codec == "libmp3lame")  # turns down by so many dB
        assert sound.rms == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)) - lame, abs=0.1)
    middle = sound.samples[RATE // 2 : RATE // 2 + RATE].astype(float)
    peak = int(np.abs(np.fft.rfft(middle)).argmax())
    assert peak == 440


@pytest.mark.parametrize(("codec", "name"), [("libmp3lame", "a.mp3"), ("aac", "a.m4a"), ("libopus", "a.ogg")])
def test_a_file_of_its_own_begins_with_the_video_whatever_its_encoder_put_before(
    codec, name, sound_file, click_track, tmp_path
):
    path = sound_file(tmp_path / name, codec, click_track(48_000, 2.0, 1.0))
    sound = read_sound(path, None, 2.0)
    assert int(np.abs(sound.samples.astype(int)).argmax()) / RATE == pytest.approx(1.0, abs=0.002)
    later = read_sound(path, None, 2.0, at_s=0.5)
    assert int(np.abs(later.samples.astype(int)).argmax()) / RATE == pytest.approx(1.5, abs=0.002)


def test_a_rate_that_changes_in_the_middle(sound_file, tmp_path):
    both = b""
    for rate, pitch in ((44_100, 300), (22_050, 700)):
        times = np.arange(rate * 2) / rate
        made = sound_file(
            tmp_path / f"{rate}.mp3", "libmp3lame", 0.5 * np.sin(2 * np.pi * pitch * times), rate
        )
        both += made.read_bytes()
    (tmp_path / "both.mp3").write_bytes(both)
    sound = read_sound(tmp_path / "both.mp3", 0.0, 4.0)
    for start, pitch in ((0.5, 300), (2.8, 700)):
        piece = sound.samples[int(start * RATE) :][: RATE // 2].astype(float)
        assert 2 * int(np.abs(np.fft.rfft(piece)).argmax()) == pytest.approx(pitch, abs=4)


def test_silence_and_nothing_are_told_apart(film, sound_file, tmp_path):
    film(tmp_path / "none.mp4", ("libx264", None))
    film(tmp_path / "zeros.mp4", ("libx264", "aac"), sound=np.zeros(48_000 * 4))
    for name, note in (("none", "no sound track"), ("zeros", "digital silence")):
        sound = read_sound(tmp_path / f"{name}.mp4", 0.0, 4.0)
        assert (sound.seconds, sound.rms, sound.damage, sound.note) == (0.0, None, "", note)
        assert len(sound.samples) == 4 * RATE


def test_longer_sound_is_cut_and_shorter_is_filled(sound_file, tmp_path):
    path = sound_file(tmp_path / "a.wav", "pcm_s16le", np.full(RATE * 2, 0.25), RATE)
    assert read_sound(path, 0.0, 1.0).seconds == 1.0
    longer = read_sound(path, 0.0, 5.0)
    assert longer.seconds == pytest.approx(2.0)
    assert not longer.samples[2 * RATE :].any()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"", "cannot be opened"), (b"a diary, not a sound\n", "cannot be opened")],
)
def test_a_file_that_is_no_sound_is_damage(content, words, tmp_path):
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    sound = read_sound(path, 0.0, 1.0)
    assert sound.seconds == 0
    assert words in sound.damage


def test_an_unknown_codec_and_broken_packets_are_damage(film, tmp_path):
    film(tmp_path / "a.mkv", ("libx264", "pcm_s16le"))
    coded = (tmp_path / "a.mkv").read_bytes()
    assert coded.count(b"A_PCM/INT/LIT") == 1
    (tmp_path / "unknown.mkv").write_bytes(coded.replace(b"A_PCM/INT/LIT", b"A_TWO/DAY/OLD"))
    assert read_sound(tmp_path / "unknown.mkv", 0.0, 4.0).damage == "its codec cannot be decoded"
    film(tmp_path / "a.mp4")
    content = (tmp_path / "a.mp4").read_bytes()
    middle = bytearray(content)
    start, end = content.index(b"mdat"), content.index(b"moov")  # packets alone, not what names the streams
    for at in range(start + 3000, end - 3000, 97):
        middle[at] ^= 0xFF
    (tmp_path / "broken.mp4").write_bytes(bytes(middle))
    sound = read_sound(tmp_path / "broken.mp4", 0.0, 4.0)
    assert "decoding error" in sound.damage
    assert len(sound.samples) == 4 * RATE
