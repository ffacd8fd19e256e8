"""Pictures as players show them: cropped by the container, turned, mirrored, in BT.709, deinterlaced."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from preprocess.faces.decode import Video
from preprocess.faces.headers import container_margins, recordings_in
from preprocess.faces.tone import HLG, PQ, to_standard

WIDTH, HEIGHT = 64, 48


def quarters(width=WIDTH, height=HEIGHT):
    """A picture whose quarters differ: dark and bright above, red and blue below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 60
    picture[: height // 2, width // 2 :] = 220
    picture[height // 2 :, : width // 2, 0] = 200
    picture[height // 2 :, width // 2 :, 2] = 200
    return picture


def write(path, pictures, codec="libx264", pix_fmt="yuv444p", prepare=None, options=None, muxing=None):
    with av.open(str(path), "w", options=muxing or {}) as file:
        stream = file.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if prepare:
            prepare(stream)
        for picture in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def shown(path):
    with Video(path) as video:
        pictures = [frame.picture for frame in video.frames(1, "frames", int)]
        return pictures, video.notes, video.damage


def insert(data, place, new, parents):
    """Put bytes in, and lengthen the 32-bit boxes that begin at `parents`."""
    data = bytearray(data[:place] + new + data[place:])
    for at in parents:
        data[at : at + 4] = struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + len(new))
    return bytes(data)


def with_clap(path, across, down, off_x, off_y):
    """Add a `clap` box to the only video track of an MP4 whose `moov` stands at the end."""
    data = path.read_bytes()
    kinds = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    parents = [data.index(kind) - 4 for kind in kinds]
    entry = parents[-1] + 16
    length = struct.unpack(">I", data[entry : entry + 4])[0]
    clap = struct.pack(">I4sIIIIiIiI", 40, b"clap", across, 1, down, 1, off_x, 2, off_y, 2)
    path.write_bytes(insert(data, entry + length, clap, [*parents, entry]))


@pytest.mark.parametrize(
    ("aperture", "margins"),
    [
        ((32, 48, 32, 0), (32, 0, 0, 0)),  # the right half
        ((32, 24, -32, -24), (0, 0, 32, 24)),  # the upper left quarter
        ((33, 48, 31, 0), (31, 0, 0, 0)),  # an odd width
        ((64, 48, 0, 0), None),
        ((128, 48, 0, 0), None),  # more than there is
    ],
)
def test_a_clean_aperture_is_what_is_shown(aperture, margins, tmp_path):
    path = write(tmp_path / "a.mp4", [quarters()] * 3)
    with_clap(path, *aperture)
    assert container_margins(path, "mov,mp4", 0, 1) == margins
    left, top, right, bottom = margins or (0, 0, 0, 0)
    picture = shown(path)[0][0].astype(int)
    wanted = quarters()[top : HEIGHT - bottom, left : WIDTH - right].astype(int)
    assert picture.shape == wanted.shape and abs(picture - wanted).mean() < 6


def element(data, at, wanted):
    """Where the size of the first EBML element of a kind stands, among those that follow one another."""
    while not data.startswith(wanted, at):
        at += 9 - data[at].bit_length()
        wide = 9 - data[at].bit_length()
        at += wide + (int.from_bytes(data[at : at + wide], "big") & ((1 << 7 * wide) - 1))
    return at + len(wanted)


def test_matroska_states_margins_too(tmp_path):
    path = write(tmp_path / "a.mkv", [quarters()] * 3, muxing={"live": "1"})
    data = path.read_bytes()
    at, parents = 0, []
    for ident in (b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\xe0"):
        at = element(data, at, ident)
        parents.append(at)
        at += 9 - data[at].bit_length()
    crop = b"\x54\xcc\x81\x20"
    data = data[:at] + crop + data[at:]
    for size in parents[1:]:  # the segment's is unknown
        wide = 9 - data[size].bit_length()
        longer = int.from_bytes(data[size : size + wide], "big") + len(crop)
        data = data[:size] + longer.to_bytes(wide, "big") + data[size + wide :]
    path.write_bytes(data)
    assert container_margins(path, "matroska,webm", 0, 1) == (32, 0, 0, 0)
    picture = shown(path)[0][0].astype(int)
    assert picture.shape == (48, 32, 3) and abs(picture - quarters()[:, 32:].astype(int)).mean() < 6


@pytest.mark.parametrize(
    ("matrix", "change"),
    [
        ((1, 0, 0, 1), lambda picture: picture),
        ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
        ((1, 0, 0, -1), lambda picture: picture[::-1]),
        ((-1, 0, 0, -1), lambda picture: picture[::-1, ::-1]),
        ((0, 1, -1, 0), lambda picture: np.rot90(picture, -1)),
        ((0, -1, 1, 0), lambda picture: np.rot90(picture)),
        ((0, 1, 1, 0), lambda picture: picture.transpose(1, 0, 2)),
        ((0, 0, 0, 0), lambda picture: picture),
    ],
)
def test_display_matrices(matrix, change, tmp_path):
    path = write(tmp_path / "a.mp4", [quarters()] * 3)
    data = path.read_bytes()
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value * 65_536 for value in matrix)
    unit = 1 << 30 if any(matrix) else 0
    path.write_bytes(data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, unit) + data[at + 36 :])
    picture, wanted = shown(path)[0][0].astype(int), change(quarters()).astype(int)
    assert picture.shape == wanted.shape and abs(picture - wanted).mean() < 6


def test_pixels_that_are_not_square(tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(2)

    path = write(tmp_path / "a.mp4", [quarters()] * 3, prepare=wide)
    with_clap(path, 32, 48, 32, 0)
    assert shown(path)[0][0].shape == (48, 64, 3)


def test_two_mp4_files_behind_one_another_are_partial(tmp_path):
    path = write(tmp_path / "a.mp4", [quarters()] * 3)
    path.write_bytes(path.read_bytes() * 2)
    assert recordings_in(path, "mov,mp4", 0) == 2
    assert "1 more recording joined behind, which cannot be read" in shown(path)[2]


def signal_of(rgb, curve):
    """A signal of HLG or PQ by the forward curves of BT.2100, from BT.709 grey levels at 203 cd/m2."""
    light = (np.asarray(rgb, float) / 255) ** 2.4 * 203
    to_709 = np.array(
        [[1.660491, -0.587641, -0.07285], [-0.12455, 1.1329, -0.008349], [-0.018151, -0.100579, 1.11873]]
    )
    light = np.linalg.solve(to_709, light)
    if curve == PQ:
        power = (light / 10_000) ** (2610 / 16384)
        return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    luma = float(light @ [0.2627, 0.678, 0.0593]) / 1000
    scene = light / 1000 * luma ** (-0.2 / 1.2)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


@pytest.mark.parametrize("curve", [HLG, PQ])
@pytest.mark.parametrize(
    "rgb", [(20, 20, 20), (128, 128, 128), (210, 160, 130), (90, 60, 45), (255, 255, 255)]
)
def test_high_dynamic_range_gives_what_a_standard_camera_saw(curve, rgb):
    deep = np.tile(np.rint(signal_of(rgb, curve) * 65_535).astype(np.uint16), (2, 2, 1))
    assert to_standard(deep, curve, 9)[0, 0].astype(int) == pytest.approx(rgb, abs=5)


@pytest.mark.parametrize("curve", [HLG, PQ])
def test_a_film_of_high_dynamic_range_is_mapped_and_said(curve, tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "gbrp10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = curve, 9
        level = np.rint(signal_of((150, 120, 100), curve) * 1023).astype(np.uint16)
        picture = np.tile(level, (HEIGHT, WIDTH, 1))
        for _ in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gbrp10le")))
        file.mux(stream.encode(None))
    pictures, notes, damage = shown(path)
    assert pictures[1].mean(axis=(0, 1)) == pytest.approx((150, 120, 100), abs=4)
    assert damage == "" and "mapped to BT.709" in notes[0]


def combed(picture):
    """How much neighbouring lines differ beyond lines two apart."""
    grey = picture.astype(float).mean(axis=2)
    return np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean()


@pytest.mark.parametrize("first", ["tff", "bff"])
def test_interlaced_film_is_deinterlaced(first, tmp_path):
    def field(moment):
        picture = np.full((96, 128, 3), 40, np.uint8)
        picture[:, 8 + 6 * moment : 40 + 6 * moment] = 220
        return picture

    pictures = []
    for index in range(6):
        picture = field(2 * index)
        later = 1 if first == "tff" else 0
        picture[later::2] = field(2 * index + 1)[later::2]
        pictures.append(picture)
    options = {"x264-params": f"{first}=1:interlaced=1", "crf": "8"}
    path = write(tmp_path / "a.mp4", pictures, pix_fmt="yuv420p", options=options)
    found, notes, _ = shown(path)
    assert len(found) == 6 and notes == ["interlaced: deinterlaced (bwdif)"]
    assert combed(found[3]) < 0.3 * combed(pictures[3])
    left = [int(np.argmax(picture[48, :, 0] > 130)) for picture in found]
    assert np.diff(left) == pytest.approx(12, abs=2)
