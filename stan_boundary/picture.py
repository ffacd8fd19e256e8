"""What a picture's header says, read before anything is decoded: a small file can claim a billion pixels."""

from stan_boundary.errors import InputError

MOST_SIDE = 2_000
"""Pixels of a crop's side."""
MOST_BYTES = 25_000_000
"""Of a crop as it lies on disk: `MOST_SIDE` squared, uncompressed, in 16 bits."""
_MOST_SEGMENTS = 1_000
_MOST_SCANS = 100  # of a progressive JPEG, each of which costs a pass over all pixels
_NO_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def check_picture(data: bytes, where: str) -> None:
    """Raise for what is no JPEG, PNG or BMP, or too large to be a crop.

    Args:
        data: The file.
        where: Zip and member, for the message.

    Raises:
        InputError: In one line.
    """
    found = _size(data)
    if found is None:
        raise InputError(
            f"{where} is not an image (JPEG, PNG or BMP); delete this recording and make it again"
        )
    width, height = found
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        raise InputError(
            f"{where} has {width} x {height} pixels, but a crop has 1 to {MOST_SIDE} a side; make it again"
        )
    if data.count(b"\xff\xda") > _MOST_SCANS:
        raise InputError(f"{where} has more than {_MOST_SCANS} scans; make it again")


def is_picture(data: bytes) -> bool:
    """Whether it begins as a JPEG, PNG or BMP does, with a size."""
    return _size(data) is not None


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height; None where no header of a known format is there."""
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data.startswith(b"BM") and len(data) >= 26:
        if int.from_bytes(data[14:18], "little") < 36:  # the oldest header, in 16 bits
            return int.from_bytes(data[18:20], "little"), int.from_bytes(data[20:22], "little")
        height = int.from_bytes(data[22:26], "little", signed=True)  # negative: rows from the top
        return int.from_bytes(data[18:22], "little", signed=True), abs(height)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Of the first frame header, which is the only one that the decoder takes."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) and data[at] == 0xFF:
            at += 1
        if at < 0 or at + 8 > len(data):
            return None
        marker = data[at]
        if marker in _FRAMES:
            return int.from_bytes(data[at + 6 : at + 8], "big"), int.from_bytes(data[at + 4 : at + 6], "big")
        at += 1
        if marker not in _NO_LENGTH and marker != 0x00:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
    return None
