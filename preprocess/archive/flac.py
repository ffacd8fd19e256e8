"""A recording's sound as FLAC: lossless, about 20 kB a second of speech, read anywhere in milliseconds."""

import io
import zipfile
from typing import IO, Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from stan_boundary.errors import InputError

RATE = 16_000  # samples a second
Samples = npt.NDArray[np.int16]
_BLOCK = 65_536
# Fixed predictors in long frames: 2 % larger than the encoder's own choice, and a quarter less time to read.
_QUICK_TO_READ = {"lpc_type": "fixed", "frame_size": "4608"}


def encode(samples: Samples) -> bytes:
    """Mono samples at `RATE`, shape (N,), as a FLAC file; the same bytes every time."""
    file = io.BytesIO()
    write(samples, file)
    return file.getvalue()


def write(samples: Samples, file: IO[bytes]) -> None:
    """As `encode`, into a file that can be read and sought in.

    Raises:
        OSError: The file cannot be written.
    """
    told = _Telling(file)
    try:
        _write(samples, told)
    except av.error.FFmpegError as error:
        raise told.error or error from None


class _Telling:
    """A file that keeps why it could not be written: PyAV makes a number of its own of that."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise


def _write(samples: Samples, file: Any) -> None:
    with av.open(file, "w", format="flac", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("flac", rate=RATE, options=_QUICK_TO_READ)
        stream.layout, stream.format = "mono", "s16"
        stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT: no encoder's name in the file
        for start in range(0, len(samples), _BLOCK):
            frame = AudioFrame.from_ndarray(samples[None, start : start + _BLOCK], "s16", "mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode(file: IO[bytes], longest_s: float = float("inf")) -> Samples:
    """All samples of such a file, shape (N,).

    Raises:
        InputError: It is damaged, longer than `longest_s` seconds, or not mono at `RATE` in 16 bits.
    """
    pieces, count = [], 0
    try:
        with av.open(file, "r", format="flac") as container:
            for frame in container.decode(audio=0):
                if (frame.sample_rate, frame.layout.nb_channels, frame.format.bytes) != (RATE, 1, 2):
                    raise InputError(f"is not mono at {RATE} Hz in 16 bits")
                count += frame.samples
                if count > longest_s * RATE:
                    raise InputError(f"is longer than the {longest_s:.0f} s of its film")
                pieces.append(np.asarray(frame.to_ndarray().reshape(-1), np.int16))
            claimed = container.streams.audio[0].duration or 1
        if count < claimed:
            raise InputError("is cut off" if count else "holds no sound")
    except InputError:
        raise
    except (OSError, ValueError, IndexError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot be decoded ({error})") from None
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
