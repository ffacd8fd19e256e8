from pathlib import Path

import pytest

from preprocess.corpora.manifest import read_manifest
from preprocess.corpora.turns import Turn, as_csv, read_turns, spoken_s
from stan_boundary.errors import InputError

HEAD = "start_s,end_s,speaker\n"


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_csv_and_an_rttm_say_the_same(tmp_path):
    csv = write(tmp_path, "Speaker;Start_s;End_s;value\nB;4;5.5;ja\nA;0.25;2;nein\nB;1;3;\nA;6;6;\n")
    rttm = write(
        tmp_path,
        ";; made by a tool\nSPKR-INFO f 1 <NA> <NA> <NA> unknown A <NA> <NA>\n"
        "SPEAKER f 1 0.25 1.75 <NA> <NA> A <NA> <NA>\n\nSPEAKER f 1 1.0 2.0 <NA> <NA> B <NA> <NA>\n"
        "SPEAKER f 1 4 1.5 <NA> <NA> B <NA>\n",
        "t.RTTM",
    )
    expected = (Turn(0.25, 2, "participant"), Turn(1, 3, "interviewer"), Turn(4, 5.5, "interviewer"))
    assert read_turns(csv, "a") == read_turns(rttm, "A") == expected
    assert as_csv(expected).decode().splitlines()[:2] == [HEAD.strip(), "0.250000,2.000000,participant"]


def test_roles(tmp_path):
    many = write(tmp_path, HEAD + "0,1,PARTICIPANT\n1,2,Ellie\n2,3,guest\n0.5,2.5,Participant\n")
    assert [one.speaker for one in read_turns(many)] == ["participant", "participant", "interviewer", "other"]
    assert [one.speaker for one in read_turns(many, "guest")] == [
        "other",
        "other",
        "interviewer",
        "participant",
    ]
    assert spoken_s(read_turns(many), "participant") == 2.5 - 0.5 + 0.5  # what overlaps counts once
    assert spoken_s(None, "participant") is None and spoken_s((), "participant") == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"t.csv is empty"),
        (HEAD, "holds no turns"),
        (
            "start,end_s,speaker\n0,1,a\n",
            r"line 1: needs one column each of .* \(found start, end_s, speaker\)",
        ),
        (HEAD + "0,1,participant\n3,2,participant\n", "line 3: end_s 2 comes before start_s 3"),
        (HEAD + "-1,2,participant\n", "line 2: start_s -1 is negative"),
        (HEAD + "0,soon,participant\n", "line 2: end_s 'soon' is no number"),
        (HEAD + "0,nan,participant\n", "line 2: end_s 'nan' is no number"),
        (HEAD + "0,604801,participant\n", "line 2: end_s 604801 is more than a week"),
        (HEAD + "0,1,\n", "line 2: speaker is empty"),
        (HEAD + "0,1\n", "line 2: 2 cells under 3 columns"),
        (HEAD + "0,1,S1\n1,2,S2\n", r"no speaker is called participant \(found S1, S2\)"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, words):
    with pytest.raises(InputError, match=words) as error:
        read_turns(write(tmp_path, text))
    assert "t.csv" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no turns"),
        ("SPEAKER f 1 0 1\n", "line 1: 'SPEAKER f 1 0 1' is no line of an RTTM"),
        ("start_s,end_s,speaker\n", "line 1: .* is no line of an RTTM"),
        ("SPEAKER f 1 0 -1 x x A\n", "line 1: duration -1 is negative"),
        ("SPEAKER f 1 0 1 x x A\nSPEAKER g 1 0 1 x x A\n", r"turns of 2 recordings \(f, g"),
    ],
)
def test_what_is_wrong_in_an_rttm(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_turns(write(tmp_path, text, "t.rttm"), "A")


def test_columns_of_the_manifest(tmp_path):
    write(tmp_path, HEAD + "0,1,S1\n1,2,S2\n")
    (tmp_path / "a.wav").touch()
    (tmp_path / "b.wav").touch()
    lines = "sound,subject,partition,label,turns,participant\na.wav,1,train,1,t.csv,S2\nb.wav,2,train,1,,\n"
    one, other = read_manifest(str(write(tmp_path, lines, "m.csv")), (0, 63), (1, 0, 0), 0).recordings
    assert [turn.speaker for turn in one.turns] == ["interviewer", "participant"] and other.turns is None
    assert one.spoken == {"participant_s": 1.0, "interviewer_s": 1.0}
    with pytest.raises(InputError, match=r"gone.csv is not there"):
        read_manifest(
            str(write(tmp_path, lines.replace("t.csv", "gone.csv"), "m.csv")), (0, 63), (1, 0, 0), 0
        )
    alone = "sound,subject,partition,participant\na.wav,1,train,77\n"
    notes = read_manifest(str(write(tmp_path, alone, "m.csv")), (0, 63), (1, 0, 0), 0).notes
    assert "columns that mean nothing here are left out: participant" in notes
