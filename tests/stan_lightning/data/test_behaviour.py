"""Statistics of a behaviour track, by hand, and what a track may not hold."""

import numpy as np
import pytest

from stan_lightning.data.behaviour import STATISTICS, statistics, track_file
from stan_lightning.errors import InputError


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("time_s,smile\n0,1\n1,wide\n", "row 3, smile: 'wide' is no number"),
        ("time_s,smile\n0,1\n2,1\n1,1\n", "row 4: its time_s does not follow"),
        ("time_s,smile\n0,1\n,1\n", "row 3: its time_s does not follow"),
        ("smile\n1\n", "has no column time_s"),
        ("", "not a CSV table"),
    ],
)
def test_what_is_no_track_is_named_with_its_row(tmp_path, content, said):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=said) as error:
        statistics(tmp_path / "a.csv")
    assert str(tmp_path / "a.csv") in str(error.value) and "\n" not in str(error.value)


def test_it_lies_beside_the_crops_of_any_root(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "tracks" / "behaviour").mkdir(parents=True)
        (tmp_path / name / "manifest.csv").touch()
    (tmp_path / "two" / "tracks" / "behaviour" / "b.csv").touch()
    roots = [tmp_path / "one", str(tmp_path / "two" / "manifest.csv")]
    assert track_file(roots, "b") == tmp_path / "two" / "tracks" / "behaviour" / "b.csv"
    assert track_file(roots, "a") is None and track_file(str(tmp_path / "one"), "b") is None
