"""Tables as programs and spreadsheets write them: read right, or refused in a line that names the row."""

from pathlib import Path

import numpy as np
import pytest

from stan_boundary.errors import InputError
from stan_lightning.data.signal_csv import flag_of
from stan_lightning.data.signal_file import open_signal

TIMES = [0.0, 0.25, 0.5, 0.75]
PLAIN = "time_s,a,b\n" + "".join(f"{t},{10 * t},{-t}\n" for t in TIMES)
COMMAS = PLAIN.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        COMMAS.encode(),
        COMMAS.encode("utf-16"),
        COMMAS.replace(";", "\t").encode(),
        ("sep=;\n" + COMMAS).encode(),
        PLAIN.replace("\n", ",\n").replace("b,\n", "b\n").encode(),  # rows end with a comma, the header not
        PLAIN.replace("\n", ", ,\r\n").replace("b, ,", "b").encode(),
        PLAIN.replace("b\n", "b,\n").encode(),  # and the other way round
        PLAIN.replace("0.25,2.5,-0.25", "0.25,2.5,-0.25,,").encode(),  # one row alone
        PLAIN.replace("time_s", '"time_s"').replace("\n", ",\n").replace("b,\n", "b\n").encode(),
    ],
)
@pytest.mark.parametrize("columns", [None, ("a", "b")])
def test_one_table_in_many_forms(tmp_path: Path, data: bytes, columns: tuple[str, ...] | None) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    signal = open_signal(str(tmp_path / "a.csv"), columns)
    assert signal.columns == ["a", "b"] and signal.times is not None and signal.times.tolist() == TIMES
    assert np.array_equal(signal.values, np.float32([[10 * t, -t] for t in TIMES]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "time_s,a\n0,0,1,5\n",
            r"row 2: has 4 cells, more than its header, which has 2; numbers take",
        ),
        ("time_s,a\n0,1\n1,2,\n2,3,4\n", "row 4: has 3 cells"),
        ('time_s,"a"\n0,1\n1,2,"x"\n', "row 3: has 3 cells"),
        ("time_s;a\n0;1.234,5\n", r"row 2: a is '1\.234,5', which is no number"),
        ("sep=;\ntime_s;a\n0;1\n1;2;3\n", "row 4: has 3 cells"),
        ("time_s,a,valid\n0,1,good\n", "row 2: valid is 'good', which is no number"),
    ],
)
def test_what_cannot_be_read_right_names_its_row(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=rf"a\.csv: {said}") as error:
        for why in open_signal(str(tmp_path / "a.csv")).unreadable.values():
            raise InputError(why)
    assert "\n" not in str(error.value)


def test_text_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("time_s,ü\n0,1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.csv: not a CSV table in UTF-8 .*save it as UTF-8"):
        open_signal(str(tmp_path / "a.csv"))


def test_flags_of_validity_take_away_what_they_speak_of(tmp_path: Path) -> None:
    lines = ["frame;EAR2D6_l;BS_x;EAR2D6_valid;BS_Valid;success"]
    lines += ["0;1;2;True;False;TRUE ", "1;1;2;False;True;true", "2;1;2;True;True;False"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    nan = float("nan")
    signal = open_signal(str(tmp_path / "a.csv"))
    assert signal.columns == ["EAR2D6_l", "BS_x"]
    assert np.array_equal(signal.values, np.float32([[1, nan], [nan, 2], [nan, nan]]), equal_nan=True)
    asked = open_signal(str(tmp_path / "a.csv"), ("EAR2D6_l", "EAR2D6_valid"))
    assert asked.columns == ["EAR2D6_l", "EAR2D6_valid"]  # by name it can be measured all the same
    assert [flag_of(name) for name in ("valid", "X_Valid", "validity", "AU12_r")] == ["", "X", None, None]
