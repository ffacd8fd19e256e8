"""Reads one recording: the face crops in a stored zip of ours or in a folder of images, and the sound.

A zip of ours without pictures has a regular grid for a clock: moments `frame_stride` thirtieths of a second
apart, from its sound's first sample to its last. Of signals alone the grid has no end of its own.
"""

import hashlib
import os
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from stan_boundary.errors import InputError
from stan_boundary.names import shortened
from stan_boundary.opening import MOST_JSON_BYTES, open_zip_for_good, read_json, read_member, read_regular
from stan_boundary.picture import MOST_BYTES, check_picture
from stan_lightning.data.facts import NOMINAL_FPS
from stan_lightning.data.sound import DAMAGED, Samples, SoundReader, StoredMember
from stan_lightning.data.sound import MEMBER as _SOUND
from stan_lightning.data.track import most_bytes, track_column

Image = npt.NDArray[np.uint8]
_TRACK = "track.csv"
_ROW = "recording.json"
_IMAGE = re.compile(r"(?<!\d)(\d+)\.(jpe?g|png|bmp)$", re.IGNORECASE | re.ASCII)
_MOST_NAME = 1_000
_MOST_FRAME = 10**9
_MOST_MOMENTS = 10**7
_LONGEST_SOUND_S = 6 * 3600.0 + 60
_LONGER = 1.5, 60.0  # sound may be so many times, and so many seconds, longer than its film is said to be
_SOUND_BYTES_S = 40_000  # of 16 kHz in 16 bits, and room for frame headers


class Crops:
    """The crops of one recording in the order of their frame numbers, or the moments of one without pictures.

    Attributes:
        path: The zip or folder.
        frames: Source frame number of each position, ascending, shape (N,); of a grid thirtieths of a second.
        grid: Distance of a grid's moments in thirtieths of a second; None where there are pictures.

    Raises:
        InputError: Where there are neither crops nor a grid, two crops of one number, or no readable zip.
    """

    grid: int | None = None

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._zip: zipfile.ZipFile | None = None
        names = [name for name in self._names() if len(name) <= _MOST_NAME]
        found = [(name, match) for name in names if (match := _IMAGE.search(name))]
        if not found and (count := self._grid_moments()) is not None:
            self._members = []
            self.last(count)
            return
        if not found:
            raise InputError(f"{self.path}: no crops in it; run preprocessing for this recording again")
        numbered = sorted((self._frame(name, match[1]), name) for name, match in found)
        self.frames = np.array([number for number, _ in numbered])
        self._members = [name for _, name in numbered]
        self._checked = bytearray(len(numbered))
        twice = [number for number, count in Counter(self.frames.tolist()).items() if count > 1]
        if twice:
            raise InputError(f"{self.path}: frame {twice[0]} is there twice; keep one image a frame")

    def _names(self) -> list[str]:
        try:
            if self.path.is_dir():
                with os.scandir(self.path) as entries:  # pipes and devices are no images
                    return [one.name for one in entries if not _IMAGE.search(one.name) or one.is_file()]
            if not self.path.exists():
                raise InputError(
                    f"{self.path}: not there, but the manifest lists it; run preprocessing again"
                )
        except (OSError, ValueError) as error:  # a name that no file can have
            if isinstance(error, InputError):
                raise
            raise InputError(f"{str(self.path)!r}: cannot be opened ({error})") from None
        try:
            self._zip = open_zip_for_good(self.path)
        except InputError as error:
            raise InputError(f"{error}; delete it and run preprocessing again") from None
        return self._zip.namelist()

    def _grid_moments(self) -> int | None:
        """How many moments a zip without pictures has, 0 of signals alone; None where it has no grid."""
        count, stride = self.row.get("n_moments"), self.row.get("frame_stride")
        if type(count) is not int or type(stride) is not int:
            return None
        if not (0 <= count <= _MOST_MOMENTS and 1 <= stride <= _MOST_FRAME):
            raise InputError(f"{self.path}: {_ROW} says what no clock has; run preprocessing again")
        self.grid = stride
        return count

    def last(self, count: int) -> None:
        """Let a grid without an end of its own have so many moments."""
        self.frames = np.arange(count) * (self.grid or 1)
        self.__dict__.pop("times", None)  # of another count

    def times_at(self, positions: Sequence[int]) -> npt.NDArray[np.float64] | None:
        """Seconds of some positions, (T,), a grid's beyond its end, too; None where nobody knows them."""
        if self.grid is not None:
            return np.asarray(positions) * self.grid / NOMINAL_FPS
        return None if self.times is None else self.times[np.asarray(positions, int)]

    def _frame(self, name: str, digits: str) -> int:
        if len(digits) > 20 or int(digits) > _MOST_FRAME:
            raise InputError(f"{self.path}: {shortened(name)} is no frame's number; rename it")
        return int(digits)

    def stride(self) -> int:
        """Distance of neighbouring crops in source frames: the commonest one, 1 for a single crop."""
        if self.grid is not None:
            return self.grid
        if len(self.frames) < 2:
            return 1
        return int(Counter(np.diff(self.frames).tolist()).most_common(1)[0][0])

    @cached_property
    def row(self) -> Mapping[str, object]:
        """What a zip of ours says of its recording; nothing for other crops."""
        if self._zip is None or _ROW not in self._zip.NameToInfo:
            return {}
        content = read_json(read_member(self._zip, _ROW, MOST_JSON_BYTES), f"{self.path}: {_ROW}")
        row = content.get("row") if isinstance(content, dict) else None
        return row if isinstance(row, dict) else {}

    @property
    def n_source_frames(self) -> int:
        """How many frames the film has; as many as these crops tell of where its record does not say."""
        told = self.row.get("n_source_frames")
        last = int(self.frames[-1]) if len(self.frames) else -1
        return max(told if isinstance(told, int) else 0, last + 1)

    def _member(self, position: int) -> str:
        if not 0 <= position < len(self._members):
            raise InputError(
                f"{self.path}: holds {len(self._members)} crops, but its manifest says more; run "
                "preprocessing again"
            )
        return self._members[position]

    def encoded(self, position: int) -> bytes:
        """One crop as it lies on disk."""
        name = self._member(position)
        try:
            if self._zip:
                return read_member(self._zip, name, MOST_BYTES)
            return read_regular(self.path / name, MOST_BYTES)
        except InputError as error:
            raise InputError(f"{error}; delete this recording and make it again") from None

    def image(self, position: int) -> Image:
        """One crop, RGB, shape (H, W, 3)."""
        name, data = self._member(position), self.encoded(position)
        if not self._checked[position]:  # once, as it costs a hundredth of what decoding does
            check_picture(data, f"{self.path}: {name}")
            self._checked[position] = 1
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        except cv2.error:
            pixels = None
        if pixels is None:
            raise InputError(f"{self.path}: {name} is not an image; delete this recording and make it again")
        return np.asarray(pixels, np.uint8)

    def read(self, positions: Sequence[int], size: int) -> Image:
        """Several crops of one size.

        Args:
            positions: Positions in `frames`; one that stands twice is decoded once.
            size: Side in pixels. Crops of another size are resized (area when shrinking).

        Returns:
            RGB, shape (T, size, size, 3).
        """
        decoded = {position: self._sized(position, size) for position in set(positions)}
        return np.stack([decoded[position] for position in positions])

    def _sized(self, position: int, size: int) -> Image:
        image = self.image(position)
        if image.shape[:2] == (size, size):
            return image
        how = cv2.INTER_AREA if min(image.shape[:2]) > size else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(image, (size, size), interpolation=how), np.uint8)

    @cached_property
    def times(self) -> npt.NDArray[np.float64] | None:
        """Seconds of each position on the recording's clock, shape (N,); None where no track tells."""
        if self.grid is not None:
            return self.frames / NOMINAL_FPS
        return self.tracked("time_s")

    def tracked(self, column: str) -> npt.NDArray[np.float64] | None:
        """A column of the track at each position, shape (N,); None where no track tells it of all.

        Raises:
            InputError: The track is damaged, or larger than these crops' can be.
        """
        if self._zip is None or _TRACK not in self._zip.NameToInfo:
            return None
        data = read_member(self._zip, _TRACK, most_bytes(len(self.frames)))
        return track_column(data, column, self.frames.tolist(), f"{self.path}: {_TRACK}")

    @cached_property
    def has_sound(self) -> bool:
        """Whether there is sound on that clock."""
        return self._zip is not None and _SOUND in self._zip.NameToInfo and self.times is not None

    def sound(self, start: int, count: int) -> Samples:
        """Samples on that clock from number `start` on, shape (count,); zeros beyond both ends."""
        try:
            return self._sound.read(start, count)
        except DAMAGED as error:
            raise InputError(
                f"{self.path}: {_SOUND} cannot be read ({_one_line(error)}); delete this zip, make it again"
            ) from None

    @property
    def sound_samples(self) -> int:
        """How many samples there are."""
        try:
            return self._sound.samples
        except DAMAGED as error:
            raise InputError(
                f"{self.path}: {_SOUND} cannot be read ({_one_line(error)}); delete this zip, make it again"
            ) from None

    def pictures_fingerprint(self) -> str:
        """What tells these crops and their times from others: a hash of the checksums that the zip holds.

        Of a folder's images their names and sizes are all that is known without reading them.
        """
        return self._fingerprint([*self._members, _TRACK])

    def sound_fingerprint(self) -> str:
        """What tells this sound from other sound."""
        return self._fingerprint([_SOUND])

    def _fingerprint(self, names: Sequence[str]) -> str:
        if self._zip is None:
            facts = [f"{name} {(self.path / name).stat().st_size}" for name in names if name != _TRACK]
        else:
            present = {
                one.filename: f"{one.filename} {one.file_size} {one.CRC}" for one in self._zip.infolist()
            }
            facts = [present[name] for name in names if name in present]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    @cached_property
    def _sound(self) -> SoundReader:
        assert self._zip is not None and self.has_sound
        member, longest_s = self._zip.getinfo(_SOUND), self._longest_sound_s()
        if member.file_size > longest_s * _SOUND_BYTES_S + MOST_BYTES:
            raise ValueError(f"{member.file_size:,} bytes are more than its film is long")
        return SoundReader(StoredMember(self.path, member), longest_s)

    def _longest_sound_s(self) -> float:
        """What sound can last at most: the film as `recording.json` states it, or what the track spans."""
        assert self._zip is not None and self.times is not None
        film_s = float(self.times[-1]) if len(self.times) else 0.0
        row = self.row
        try:
            film_s = max(film_s, float(str(row["n_source_frames"])) / float(str(row["fps"])))
        except (KeyError, ValueError, ZeroDivisionError):
            pass  # it does not tell
        share, more_s = _LONGER
        return min(film_s * share + more_s, _LONGEST_SOUND_S)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


@lru_cache(maxsize=512)
def _opened(path: str, process: int) -> Crops:
    """A zip's directory is parsed once a process; a handle must not be shared with a forked one."""
    return Crops(path)


def open_crops(path: str) -> Crops:
    """The recording's crops, from this process's cache of open handles."""
    return _opened(path, os.getpid())
