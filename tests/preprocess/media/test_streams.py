"""Which stream is the film and which the sound."""

from array import array

import pytest

from preprocess.media.container import UnreadableVideoError
from preprocess.media.streams import films, sounds, told
from preprocess.media.survey import StreamFacts, Survey


def stream(index, n=100, is_film=True, default=False, cover=False, decodable=True, area=100):
    facts = StreamFacts(index, is_film, default, cover, decodable, False, area, 0.04, 25.0)
    facts.pts = array("q", range(n))
    return facts


def order(*streams, wanted=None, of=films):
    return [one.index for one in of(Survey("mp4", False, streams), wanted)]


@pytest.mark.parametrize(
    ("streams", "wanted"),
    [
        ([stream(0), stream(1)], [0, 1]),
        ([stream(0), stream(1, default=True)], [1, 0]),
        ([stream(0, n=1, default=True, area=900), stream(1)], [1]),  # a preview of one picture
        ([stream(0, n=3, default=True), stream(1, n=500)], [1]),
        ([stream(0, n=1)], [0]),  # a film of one picture
        ([stream(0, cover=True, default=True), stream(1)], [1]),
        ([stream(0, decodable=False, default=True), stream(1)], [1]),
        ([stream(0, n=50), stream(1, n=100)], [1, 0]),
        ([stream(0, n=95), stream(1, n=100)], [0, 1]),
        ([stream(0, n=95), stream(1, n=100, area=400)], [1, 0]),
    ],
)
def test_films(streams, wanted):
    assert order(*streams) == wanted


def test_sounds_without_a_decoder_come_last():
    found = [
        stream(1, is_film=False, default=True, decodable=False),
        stream(2, is_film=False),
        stream(3, is_film=False, default=True),
    ]
    assert order(*found, of=sounds) == [3, 2, 1]


def test_what_the_user_names_is_taken():
    found = [stream(0, default=True), stream(1), stream(2, is_film=False)]
    assert order(*found, wanted=1) == [1] and order(*found, wanted=2, of=sounds) == [2]
    with pytest.raises(UnreadableVideoError, match=r"video_stream=2 is no video stream .*there are: 0, 1"):
        order(*found, wanted=2)
    with pytest.raises(UnreadableVideoError, match=r"audio_stream=9 is no audio stream .*there are: 2"):
        order(*found, wanted=9, of=sounds)


@pytest.mark.parametrize(
    ("streams", "said"),
    [
        ([stream(0, is_film=False)], "sound only"),
        ([stream(0, is_film=False), stream(1, cover=True)], "a cover picture only"),
        ([stream(0, decodable=False)], "codec is unknown"),
        ([], "no video in the file"),
    ],
)
def test_files_without_a_film(streams, said):
    with pytest.raises(UnreadableVideoError, match=said):
        order(*streams)


def test_a_choice_is_told_only_where_there_was_one():
    one, two = stream(0), stream(1)
    assert told("video", one, [one]) == ""
    line = told("video", two, [one, two], "no face before")
    assert "video stream 1 was taken (no face before), not 0: corpus.video_stream" in line
