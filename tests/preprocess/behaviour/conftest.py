"""Crops of a drawn person."""

from pathlib import Path

import pytest

from preprocess.archive.settings import Settings
from preprocess.run.tasks import crop_recording


@pytest.fixture(scope="session")
def cropped(tmp_path_factory: pytest.TempPathFactory, film_face, write_video, recording_of) -> Path:
    """A folder with `a.zip`: ten crops of a drawn person."""
    folder = tmp_path_factory.mktemp("cropped")
    video = write_video(folder / "a.mp4", film_face(30))
    row = crop_recording(
        recording_of(video), Settings(3, "frames", 112, "eyes", 1.0, 95, None), folder, lambda count: None
    )
    assert row["n_frames"] == 10
    return folder
