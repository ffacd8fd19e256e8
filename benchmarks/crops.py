"""Crops to measure with: smooth coloured noise whose JPEGs are as large as those of faces (7 KB)."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from preprocess.archive.flac import encode
from preprocess.synthetic.voice import draw_voice, speak


def frame(random: np.random.Generator, size: int) -> bytes:
    """One JPEG at quality 95."""
    coarse = random.integers(40, 216, (size // 8, size // 8, 3)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC), np.float32)
    noisy = np.clip(smooth + random.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=95)
    return file.getvalue()


def write(root: Path, recordings: int, frames: int, size: int, folders: int) -> None:
    """Zips with a manifest as preprocessing leaves them, and the first `folders` of them unzipped too."""
    random = np.random.default_rng(0)
    jpegs = [frame(random, size) for _ in range(frames)]
    lips = np.abs(np.sin(np.arange(3 * frames) / 2.4)) * (np.sin(np.arange(3 * frames) / 30) > -0.5)
    voice = speak(draw_voice(random), 0.3, lips, 30, random)
    sound = encode((voice * 32767).astype(np.int16))
    track = "".join(f"{3 * k},{k / 10:.3f}\n" for k in range(frames))
    rows = []
    for i in range(recordings):
        name = f"{i:04d}_1_Freeform"
        with zipfile.ZipFile(root / f"{name}.zip", "w") as archive:
            for k, jpeg in enumerate(jpegs):
                archive.writestr(f"{3 * k:06d}.jpg", jpeg)
            archive.writestr("track.csv", f"frame,time_s\n{track}")
            archive.writestr("sound.flac", sound)
            archive.writestr("recording.json", json.dumps({"row": {}, "settings": {}}))
        if i < folders:
            with zipfile.ZipFile(root / f"{name}.zip") as archive:
                images = [member for member in archive.namelist() if member.endswith(".jpg")]
                archive.extractall(root / "folders" / name, images)
        partition = "dev" if i % 5 == 0 else "train"
        rows.append(
            dict(recording=name, subject=str(i), session=f"{i}_1", task="Freeform", partition=partition)
            | dict(label=i % 64, group="", video=f"{name}.mp4", fps=30.0, n_source_frames=3 * frames)
            | dict(frame_stride=3, n_frames=frames, detection_rate=1.0, status="ok", reason="")
        )
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
