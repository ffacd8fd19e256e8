import re
from collections import defaultdict
from pathlib import Path

import pytest

from preprocess.corpora.corpus import recording_names, with_choices
from preprocess.corpora.manifest import read_manifest
from stan_boundary.errors import InputError

BDI = (0, 63)
SHARES = (0.6, 0.2, 0.2)


def write(folder: Path, text: str, encoding: str = "utf-8") -> str:
    """A manifest whose videos are all there."""
    path = folder / "manifest.csv"
    path.write_text(text, encoding=encoding)
    for line in text.splitlines()[1:]:
        name = line.split('"')[1] if line.startswith('"') else re.split("[,;\t]", line)[0]
        if name and not name.startswith("/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
    return str(path)


def test_columns_and_their_defaults(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        "Video,label,subject,session,task,partition,group\n"
        "b/two.mp4,,p2,,,Development,\n"
        "one.mp4,12.5,p1,p1_1,read,train,f\n",
    )
    two, one = sorted(read_manifest(root, BDI, SHARES, 0).recordings, key=lambda r: r.recording, reverse=True)
    assert (one.recording, one.subject, one.session, one.task) == ("one", "p1", "p1_1", "read")
    assert (one.partition, one.label, one.group, one.video) == ("train", 12.5, "f", "one.mp4")
    assert (two.session, two.partition, two.label, two.video) == ("two", "dev", None, "b/two.mp4")
    assert two.path == tmp_path / "b" / "two.mp4"
    assert read_manifest(str(tmp_path), BDI, SHARES, 0).recordings == (one, two)


def test_streams_are_chosen_by_column_and_by_key(tmp_path: Path) -> None:
    root = write(
        tmp_path, "video,subject,partition,video_stream,audio_stream\na.mp4,s,train,1.0,\nb.mp4,s,dev,,\n"
    )
    corpus = with_choices(read_manifest(root, BDI, SHARES, 0), 2, 3, 12.5)
    assert [(one.video_stream, one.audio_stream, one.fps) for one in corpus.recordings] == [
        (1, 3, 12.5),
        (2, 3, 12.5),
    ]
    assert not any("mean nothing" in note for note in corpus.notes)
    for choice in ((-1, None, None), (None, -2, None), (None, None, 0.0)):
        with pytest.raises(InputError, match=r"corpus\.(video_stream|audio_stream|fps)="):
            with_choices(corpus, *choice)
    with pytest.raises(InputError, match="line 2: video_stream 'first'"):
        read_manifest(
            write(tmp_path, "video,subject,partition,video_stream\na.mp4,s,train,first\n"), BDI, SHARES, 0
        )


def test_names_that_shells_and_hydra_dislike(tmp_path: Path) -> None:
    folder = tmp_path / "été [1], a=b"
    folder.mkdir()
    root = write(folder, 'video,subject,partition\n"vidéo (x)=1, [2].mp4",s,train\n')
    assert read_manifest(root, BDI, SHARES, 0).recordings[0].recording == "vidéo (x)=1, [2]"


def test_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    root = write(tmp_path, "video;subject;label;partition\na.mp4;s;5;test\n", "utf-8-sig")
    assert read_manifest(root, BDI, SHARES, 0).recordings[0].label == 5.0


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("video\tsubject\tlabel\tpartition\na.mp4\ts, t\t5\ttest\n", "utf-8"),
        ("video\tsubject\tlabel\tpartition\na.mp4\ts, t\t5\ttest\n", "utf-16"),
        ("sep=;\nvideo;subject;label;partition\na.mp4;s, t;5;test\n", "utf-8"),
        ("video;subject;label;partition\na.mp4;s, t;5;test;\n", "utf-8-sig"),
    ],
)
def test_tables_as_spreadsheets_save_them(tmp_path: Path, text: str, encoding: str) -> None:
    found = read_manifest(write(tmp_path, text, encoding), BDI, SHARES, 0).recordings[0]
    assert (found.video, found.subject, found.label, found.partition) == ("a.mp4", "s, t", 5.0, "test")


def test_lines_are_counted_as_the_file_has_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 3: label 99 is outside"):
        read_manifest(write(tmp_path, "sep=;\nvideo;subject;label\na.mp4;s;99\n"), BDI, SHARES, 0)


def test_partitions_are_dealt_by_subject_and_told(tmp_path: Path) -> None:
    lines = [f"v{index}.mp4,s{index % 10},1" for index in range(40)]
    root = write(tmp_path, "\n".join(["video,subject,label", *lines]))
    corpus = read_manifest(root, BDI, SHARES, 3)
    places = defaultdict(set)
    for recording in corpus.recordings:
        places[recording.partition].add(recording.subject)
    assert {name: len(people) for name, people in places.items()} == {"train": 6, "dev": 2, "test": 2}
    assert sum(len(people) for people in places.values()) == len(set.union(*places.values())) == 10
    assert corpus.notes == (
        "no partition column: 10 subjects were dealt by seed 3 to 6 train, 2 dev, 2 test",
    )
    assert read_manifest(root, BDI, SHARES, 3) == corpus
    others = [read_manifest(root, BDI, SHARES, seed).recordings for seed in range(4, 9)]
    assert any(recordings != corpus.recordings for recordings in others)


def test_class_names_need_no_score_range(tmp_path: Path) -> None:
    root = write(tmp_path, "video,subject,label,partition\na.mp4,s,happy,train\nb.mp4,t,3,train\n")
    assert [r.label for r in read_manifest(root, None, SHARES, 0).recordings] == ["happy", "3"]
    with pytest.raises(InputError, match=r"line 2: label 'happy' is not a number.*score_range=null"):
        read_manifest(root, BDI, SHARES, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs one column 'video'"),
        ("video,label\na.mp4,1\n", "needs one column 'subject'"),
        ("video,subject\n", "lists no recordings"),
        ("video,subject,label\na.mp4,s,99\n", "line 2: label 99 is outside of 0 to 63"),
        ("video,subject,partition\na.mp4,s,training set\n", "line 2: partition 'training set'"),
        ("video,subject\na.mp4,s\n./a.mp4,s\n", "line 3: ./a.mp4 stands in line 2 too"),
        ("video,subject\na.mp4,\n", "line 2: subject is empty"),
        ("video,subject\na.mp4,s,x\n", "line 2: 3 cells under 2 columns"),
        ("video,subject\n/nowhere/a.mp4,s\n", "none of its 1 videos is there"),
    ],
)
def test_bad_manifests_end_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    root = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as error:
        read_manifest(root, BDI, SHARES, 0)
    assert root in str(error.value) and "\n" not in str(error.value)


def test_a_missing_or_unreadable_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_manifest(str(tmp_path), BDI, SHARES, 0)
    (tmp_path / "manifest.csv").write_bytes(b"video,subject\n\xe9.mp4,s\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_manifest(str(tmp_path), BDI, SHARES, 0)


def test_a_misspelt_column_is_told(tmp_path: Path) -> None:
    root = write(tmp_path, "video,subject,partiton\na.mp4,s,train\n")
    assert any("partiton" in note for note in read_manifest(root, BDI, SHARES, 0).notes)


def test_colliding_names_become_paths() -> None:
    assert recording_names(["a/x.mp4", "b/x.mp4", "y.mp4"]) == ["a__x", "b__x", "y"]
    assert recording_names(["a/x.mp4", "a/x.mov"]) == ["a__x.mp4", "a__x.mov"]
    assert recording_names(["a/X.mp4", "b/x.mp4"]) == ["a__X", "b__x"]
    assert recording_names(["a/x.mp4", "b/x.mp4", "c/a__x.mp4"]) == ["a__x.mp4", "b__x", "c__a__x.mp4"]
    folded = recording_names(["A/x.mp4", "a/x.mp4"])
    assert [name[:8] for name in folded] == ["A__x.mp4", "a__x.mp4"] and len({n.lower() for n in folded}) == 2
