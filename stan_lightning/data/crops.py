"""Reads the face crops of one recording: a stored zip of ours or a folder of images."""

import hashlib
import json
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
import pandas as pd

from stan_boundary.errors import InputError
from stan_lightning.data.sound import MEMBER as _SOUND
from stan_lightning.data.sound import Samples, SoundReader, StoredMember

Image = npt.NDArray[np.uint8]
_TRACK = "track.csv"
_RECORD = "recording.json"
_IMAGE = re.compile(r"(\d+)\.(jpe?g|png|bmp)$", re.IGNORECASE)


class Crops:
    """The crops of one recording in the order of their frame numbers.

    Attributes:
        path: The zip or folder.
        frames: Source frame number of each position, ascending, shape (N,).

    Raises:
        InputError: Where there are no crops, two of one number, or no readable zip.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._zip: zipfile.ZipFile | None = None
        numbered = sorted((int(found[1]), name) for name in self._names() if (found := _IMAGE.search(name)))
        if not numbered:
            raise InputError(f"{self.path}: no crops in it; run preprocessing for this recording again")
        self.frames = np.array([number for number, _ in numbered])
        self._members = [name for _, name in numbered]
        twice = [number for number, count in Counter(self.frames.tolist()).items() if count > 1]
        if twice:
            raise InputError(f"{self.path}: frame {twice[0]} is there twice; keep one image a frame")

    def _names(self) -> list[str]:
        if self.path.is_dir():
            return os.listdir(self.path)
        try:
            self._zip = zipfile.ZipFile(self.path)
        except FileNotFoundError:
            raise InputError(
                f"{self.path}: not there, but the manifest lists it; run preprocessing again"
            ) from None
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self.path}: not a readable zip of crops ({error}); delete it and run preprocessing again"
            ) from None
        return self._zip.namelist()

    def stride(self) -> int:
        """Distance of neighbouring crops in source frames: the commonest one, 1 for a single crop."""
        if len(self.frames) < 2:
            return 1
        return int(Counter(np.diff(self.frames).tolist()).most_common(1)[0][0])

    @cached_property
    def row(self) -> Mapping[str, object]:
        """What a zip of ours says of its recording; nothing for other crops."""
        if self._zip is None or _RECORD not in self._zip.namelist():
            return {}
        try:
            row = json.loads(self._zip.read(_RECORD))["row"]
        except (KeyError, TypeError, ValueError, RecursionError, zipfile.BadZipFile):
            return {}
        return row if isinstance(row, dict) else {}

    @property
    def n_source_frames(self) -> int:
        """How many frames the film has; as many as these crops tell of where its record does not say."""
        told = self.row.get("n_source_frames")
        return max(told if isinstance(told, int) else 0, int(self.frames[-1]) + 1)

    def size(self, position: int) -> int:
        """Bytes of one crop, encoded."""
        name = self._members[position]
        return self._zip.getinfo(name).file_size if self._zip else (self.path / name).stat().st_size

    def encoded(self, position: int) -> bytes:
        """One crop as it lies on disk."""
        name = self._members[position]
        try:
            return self._zip.read(name) if self._zip else (self.path / name).read_bytes()
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.path}: {name} cannot be read ({error}); make it again") from None

    def image(self, position: int, kept: dict[int, bytes] | None = None) -> Image:
        """One crop, RGB, shape (H, W, 3); `kept` as in `read`."""
        name, kept = self._members[position], {} if kept is None else kept
        if position not in kept:
            kept[position] = self.encoded(position)
        data = kept[position]
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
        if pixels is None:
            raise InputError(f"{self.path}: {name} is not an image; delete this recording and make it again")
        return np.asarray(pixels, np.uint8)

    def read(self, positions: Sequence[int], size: int, kept: dict[int, bytes] | None = None) -> Image:
        """Several crops of one size.

        Args:
            positions: Positions in `frames`; one that stands twice is decoded once.
            size: Side in pixels. Crops of another size are resized (area when shrinking).
            kept: Encoded crops by position, which are taken from here; those that are not here are put here.

        Returns:
            RGB, shape (T, size, size, 3).
        """
        decoded = {position: self._sized(position, size, kept) for position in set(positions)}
        return np.stack([decoded[position] for position in positions])

    def _sized(self, position: int, size: int, kept: dict[int, bytes] | None) -> Image:
        image = self.image(position, kept)
        if image.shape[:2] == (size, size):
            return image
        how = cv2.INTER_AREA if min(image.shape[:2]) > size else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(image, (size, size), interpolation=how), np.uint8)

    @cached_property
    def times(self) -> npt.NDArray[np.float64] | None:
        """Seconds of each position on the recording's clock, shape (N,); None where no track tells."""
        return self.tracked("time_s")

    def tracked(self, column: str) -> npt.NDArray[np.float64] | None:
        """A column of the track at each position, shape (N,); None where no track tells it of all."""
        if self._zip is None or _TRACK not in self._zip.namelist():
            return None
        with self._zip.open(_TRACK) as track:
            table = pd.read_csv(track, usecols=lambda name: name in ("frame", column))
        if column not in table:
            return None
        known = dict(zip(table["frame"].astype(int), table[column].astype(float), strict=True))
        if any(frame not in known for frame in self.frames.tolist()):
            return None
        return np.array([known[frame] for frame in self.frames.tolist()])

    @cached_property
    def has_sound(self) -> bool:
        """Whether there is sound on that clock."""
        return self._zip is not None and _SOUND in self._zip.namelist() and self.times is not None

    def sound(self, start: int, count: int) -> Samples:
        """Samples on that clock from number `start` on, shape (count,); zeros beyond both ends."""
        try:
            return self._sound.read(start, count)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self.path}: {_SOUND} cannot be read ({error}); delete this zip, make it again"
            ) from None

    @property
    def sound_samples(self) -> int:
        """How many samples there are."""
        try:
            return self._sound.samples
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{self.path}: {_SOUND} cannot be read ({error}); delete this zip, make it again"
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
            there = {
                one.filename: f"{one.filename} {one.file_size} {one.CRC}" for one in self._zip.infolist()
            }
            facts = [there[name] for name in names if name in there]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    @cached_property
    def _sound(self) -> SoundReader:
        assert self._zip is not None and self.has_sound
        return SoundReader(StoredMember(self.path, self._zip.getinfo(_SOUND)))


@lru_cache(maxsize=512)
def _opened(path: str, process: int) -> Crops:
    """A zip's directory is parsed once a process; a handle must not be shared with a forked one."""
    return Crops(path)


def open_crops(path: str) -> Crops:
    """The recording's crops, from this process's cache of open handles."""
    return _opened(path, os.getpid())
