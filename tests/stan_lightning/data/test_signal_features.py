"""Statistics of a behaviour signal, by hand, and what a signal may not hold."""

import numpy as np
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.crops import open_crops
from stan_lightning.data.signal_features import STATISTICS, signal_file, statistics


def test_statistics_are_over_what_is_there(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(
        "time_s, smile,frame,empty,still\n0,0,0,,5\n0.5,1,15,,5\n1.5,,45,,5\n2.0,4,60,,5\n2.5,2,75,,5\n"
    )
    found = statistics(file)
    assert set(found) == {f"{name} {what}" for name in ("smile", "still") for what in STATISTICS}
    values = [0, 1, 4, 2]
    expected = [np.mean(values), np.std(values), *np.quantile(values, [0.1, 0.5, 0.9]), (2 + 4) / 2]
    assert [found[f"smile {what}"] for what in STATISTICS] == pytest.approx(expected)
    assert [found[f"still {what}"] for what in STATISTICS] == [5, 0, 5, 5, 5, 0]


def test_a_single_row_has_no_speed(tmp_path):
    (tmp_path / "a.csv").write_text("time_s,smile\n0,3\n")
    found = statistics(tmp_path / "a.csv")
    assert found["smile mean"] == 3 and np.isnan(found["smile speed"])


def test_frames_stand_for_times_where_crops_have_none(tmp_path):
    (tmp_path / "a.csv").write_text("frame,smile\n0,1\n15,2\n30,3\n")
    assert statistics(tmp_path / "a.csv")["smile speed"] == 2


def test_text_among_its_numbers_is_named_with_its_row(tmp_path):
    (tmp_path / "a.csv").write_text("time_s,smile\n0,1\n1,wide\n")
    with pytest.raises(InputError, match="row 3: smile is 'wide'") as error:
        statistics(tmp_path / "a.csv")
    assert str(tmp_path / "a.csv") in str(error.value) and "\n" not in str(error.value)


def test_it_lies_beside_the_crops_or_in_a_folder_of_its_own(tmp_path):
    beside, apart = tmp_path / "crops" / "signals" / "behaviour", tmp_path / "apart"
    for folder in (beside, apart):
        folder.mkdir(parents=True)
    (beside / "b.csv").touch()
    (apart / "film.csv").touch()
    row = {"recording": "b", "video": "some/film.mp4", "crops_root": str(tmp_path / "crops")}
    assert signal_file(row, None, "behaviour") == beside / "b.csv"
    assert signal_file(row, str(apart), "behaviour") == apart / "film.csv"
    assert signal_file(row | {"recording": "a", "video": "a.mp4"}, None, "behaviour") is None


def test_rows_that_do_not_fit_the_video_are_refused(tmp_path, make_crops):
    crops = open_crops(str(make_crops() / "1_1_Freeform.zip"))
    assert crops.times is not None
    seconds = "".join(f"{time:.3f},{time:.3f}\n" for time in crops.times)
    milliseconds = "".join(f"{1000 * time:.0f},{time:.3f}\n" for time in crops.times)
    (tmp_path / "s.csv").write_text("time_s,smile\n" + seconds)
    (tmp_path / "ms.csv").write_text("time_s,smile\n" + milliseconds)
    assert statistics(tmp_path / "s.csv", crops)["smile speed"] == pytest.approx(1, rel=1e-2)
    with pytest.raises(InputError, match=r"ms\.csv: its rows, .* do not fit the film"):
        statistics(tmp_path / "ms.csv", crops)
