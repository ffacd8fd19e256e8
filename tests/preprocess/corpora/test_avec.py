from pathlib import Path

import pytest

from preprocess.corpora.avec import read_avec2013, read_avec2014
from preprocess.corpora.corpus import Corpus, describe, overlap
from stan_boundary.errors import InputError

BDI = (0, 63)
# Subject 203 stands in train and test, 205 in dev and test, 206 in train alone.
SESSIONS = {"203_1": "train", "206_1": "train", "205_1": "dev", "203_2": "test", "205_2": "test"}
SCORES = {"203_1": 3, "206_1": 44, "205_1": 14, "203_2": 0, "205_2": 63}
LONG = {"train": "Training", "dev": "Development", "test": "Testing"}
TASKS = ("Freeform", "Northwind")


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def layout_a(root: Path, sessions=SESSIONS) -> Path:
    top = root / "AVEC2014_AudioVisual"
    for session, partition in sessions.items():
        for task in TASKS:
            put(top / "Video" / LONG[partition] / task / f"{session}_{task}_video.mp4", "x")
            put(top / "Audio" / LONG[partition] / task / f"{session}_{task}_audio.wav", "x")
        labels = root / "Final_Labels" / f"{LONG[partition]}_DepressionLabels"
        put(labels / f"{session}_Depression.csv", f"{SCORES[session]}\n")
    return root


def layout_b(root: Path) -> Path:
    for session, partition in SESSIONS.items():
        for task in TASKS:
            put(root / "AVEC2014" / partition / task / f"{session}_{task}_video.mp4", "x")
        labels = root / "AVEC2014" / "label" / "DepressionLabels"
        put(labels / f"{session}_Depression.csv", str(SCORES[session]))
    return root


def layout_c(root: Path) -> Path:
    for session, partition in SESSIONS.items():
        for task in TASKS:
            put(root / LONG[partition].upper() / task.lower() / f"{session}_{task}_video.MP4", "x")
        labels = root / "Label" / LONG[partition] / "DepressionLabels"
        put(labels / f"{session}_Depression.csv", f"\ufeff{SCORES[session]}\r\n")
    return root


def layout_c2(root: Path) -> Path:
    for session, partition in SESSIONS.items():
        for task in TASKS:
            put(root / "avec2014" / LONG[partition].lower() / task / f"{session}_{task}_video.mp4", "x")
        labels = root / "AVEC2014_Labels" / f"{LONG[partition]}_DepressionLabels"
        put(labels / f"{session}_Depression.csv", f"{SCORES[session]}")
    return root


def facts(corpus: Corpus) -> list[tuple[object, ...]]:
    return [(r.recording, r.subject, r.session, r.task, r.partition, r.label) for r in corpus.recordings]


@pytest.mark.parametrize("layout", [layout_a, layout_b, layout_c, layout_c2])
def test_all_layouts_give_the_same_recordings(tmp_path: Path, layout) -> None:
    corpus = read_avec2014(str(layout(tmp_path)), BDI)
    expected = [
        (f"{session}_{task}", session[:3], session, task, SESSIONS[session], float(SCORES[session]))
        for session in sorted(SESSIONS)
        for task in TASKS
    ]
    assert facts(corpus) == expected
    assert corpus.notes == ()
    for recording in corpus.recordings:
        assert recording.path == tmp_path / recording.video and recording.path.is_file()


def test_overlap_of_subjects_is_told(tmp_path: Path) -> None:
    corpus = read_avec2014(str(layout_b(tmp_path)), BDI)
    shared = overlap((recording.subject, recording.partition) for recording in corpus.recordings)
    assert shared == {("train", "test"): ["203"], ("dev", "test"): ["205"]}
    assert any("2 of 3 subjects stand in more than one partition" in line for line in describe(corpus))


def test_avec2013_and_both_names_of_its_labels(tmp_path: Path) -> None:
    put(tmp_path / "Training" / "203_1_cut_combined.mp4", "x")
    put(tmp_path / "Development" / "Video" / "204_2_cut_combined.mp4", "x")
    put(tmp_path / "Training" / "DepressionLabels" / "203_1_cut_Depression.csv", "7")
    put(tmp_path / "DepressionLabels" / "204_2_Depression.csv", "9")
    corpus = read_avec2013(str(tmp_path), BDI)
    assert facts(corpus) == [
        ("203_1", "203", "203_1", "", "train", 7.0),
        ("204_2", "204", "204_2", "", "dev", 9.0),
    ]
    with pytest.raises(InputError, match="corpus=avec2013"):
        read_avec2014(str(tmp_path), BDI)


def test_a_label_in_another_partitions_folder_is_used_and_noted(tmp_path: Path) -> None:
    layout_a(tmp_path)
    labels = tmp_path / "Final_Labels"
    (labels / "Training_DepressionLabels" / "203_1_Depression.csv").rename(
        labels / "Development_DepressionLabels" / "203_1_Depression.csv"
    )
    corpus = read_avec2014(str(tmp_path), BDI)
    assert corpus.recordings[0].label == 3.0
    assert [
        note for note in corpus.notes if "203_1_Depression.csv lies in dev" in note and "in train" in note
    ]


def test_missing_test_labels_are_noted_not_refused(tmp_path: Path) -> None:
    layout_a(tmp_path)
    for path in (tmp_path / "Final_Labels" / "Testing_DepressionLabels").iterdir():
        path.unlink()
    corpus = read_avec2014(str(tmp_path), BDI)
    assert {r.label for r in corpus.recordings if r.partition == "test"} == {None}
    assert None not in {r.label for r in corpus.recordings if r.partition != "test"}
    assert corpus.notes == ("2 of 2 sessions in test have no label: 203_2, 205_2",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("64", "outside of 0 to 63"),
        ("-1", "outside"),
        ("twelve", "not a number"),
        ("nan", "not a number"),
        ("", "0 cells"),
        ("1,2", "2 cells"),
        ("12.5", "not a whole number"),
    ],
)
def test_a_bad_label_names_its_file(tmp_path: Path, text: str, message: str) -> None:
    layout_b(tmp_path)
    path = put(tmp_path / "AVEC2014" / "label" / "DepressionLabels" / "205_1_Depression.csv", text)
    with pytest.raises(InputError, match=message) as error:
        read_avec2014(str(tmp_path), BDI)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_what_stands_twice_is_refused(tmp_path: Path) -> None:
    layout_b(tmp_path)
    extra = put(tmp_path / "copy" / "train" / "203_1_Freeform_video.mp4", "x")
    with pytest.raises(InputError, match="203_1_Freeform twice"):
        read_avec2014(str(tmp_path), BDI)
    extra.unlink()
    put(tmp_path / "label" / "203_1_Depression.csv", "4")
    with pytest.raises(InputError, match=r"two labels: 3 in .* and 4 in"):
        read_avec2014(str(tmp_path), BDI)


def test_a_session_in_two_partitions_is_refused(tmp_path: Path) -> None:
    layout_b(tmp_path)
    folder = tmp_path / "AVEC2014"
    name = "203_1_Freeform_video.mp4"
    (folder / "train" / "Freeform" / name).rename(folder / "dev" / "Freeform" / name)
    with pytest.raises(InputError, match="session 203_1 stands in"):
        read_avec2014(str(tmp_path), BDI)


def test_missing_empty_and_foreign_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_avec2014(str(tmp_path / "nowhere"), BDI)
    with pytest.raises(InputError, match="is empty"):
        read_avec2014(str(tmp_path), BDI)
    put(tmp_path / "holiday.mp4", "x")
    with pytest.raises(InputError, match="no videos named like"):
        read_avec2014(str(tmp_path), BDI)
    put(tmp_path / "203_1_Freeform_video.mp4", "x")
    with pytest.raises(InputError, match="no folder named after a partition"):
        read_avec2014(str(tmp_path), BDI)


def test_leftovers_of_macos_and_links_that_loop_do_no_harm(tmp_path: Path) -> None:
    layout_b(tmp_path)
    put(tmp_path / "AVEC2014" / "train" / "Freeform" / "._203_1_Freeform_video.mp4", "x")
    put(tmp_path / "__MACOSX" / "train" / "203_1_Freeform_video.mp4", "x")
    (tmp_path / "AVEC2014" / "again").symlink_to(tmp_path)
    assert len(read_avec2014(str(tmp_path), BDI).recordings) == 10
