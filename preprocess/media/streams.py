"""Which of a file's streams are its film and its sound.

A stream that the user names is taken as it is. Else come first: what can be decoded, what the file marks as
its default, what is about as long as the longest, the larger picture, and then the first. A preview of a
picture or two beside a film, and an attached cover, are no films.
"""

from collections.abc import Sequence

from preprocess.media.container import UnreadableVideoError
from preprocess.media.survey import StreamFacts, Survey

_LONG = 0.8  # of the longest: about as long
_PREVIEW = 0.05  # of the longest film: what is shorter is a preview


def films(survey: Survey, wanted: int | None = None) -> list[StreamFacts]:
    """The streams that may be the film, best first.

    Args:
        survey: Of the file.
        wanted: Index of the one that the user names.

    Raises:
        UnreadableVideoError: There is none, or not the one that is named; the message says which there are.
    """
    if wanted is not None:
        return [_named(survey.films, wanted, "video")]
    found = [stream for stream in survey.films if not stream.is_cover]
    if not found:
        raise UnreadableVideoError(
            "no video: sound and a cover picture only"
            if survey.films
            else "no video: sound only (a manifest names it in its column sound)"
            if survey.sounds
            else "no video in the file"
        )
    longest_s = max(stream.length_s for stream in found)
    moving = [one for one in found if len(one.pts) > 1 and one.length_s >= _PREVIEW * longest_s]
    decodable = [one for one in moving or found if one.is_decodable]
    if not decodable:
        raise UnreadableVideoError("no video: its codec is unknown")
    return _ranked(decodable)


def sounds(survey: Survey, wanted: int | None = None) -> list[StreamFacts]:
    """The streams that may be the sound, best first; those without a decoder last.

    Raises:
        UnreadableVideoError: The one that the user names is not there.
    """
    if wanted is not None:
        return [_named(survey.sounds, wanted, "audio")]
    return sorted(_ranked(survey.sounds), key=lambda stream: not stream.is_decodable)


def told(what: str, taken: StreamFacts, among: Sequence[StreamFacts], why: str = "") -> str:
    """One line on a choice; empty where there was none.

    Args:
        what: `video` or `audio`.
        taken: The one.
        among: All of its kind.
        why: In a few words, where it was not the first choice.
    """
    others = [str(one.index) for one in among if one.index != taken.index]
    if not others:
        return ""
    return (
        f"{what} stream {taken.index} was taken{f' ({why})' if why else ''}, not {', '.join(others)}: "
        f"corpus.{what}_stream or a column {what}_stream in the manifest chooses another"
    )


def _named(streams: Sequence[StreamFacts], index: int, what: str) -> StreamFacts:
    for stream in streams:
        if stream.index == index:
            return stream
    there = ", ".join(str(stream.index) for stream in streams) or "none"
    raise UnreadableVideoError(f"{what}_stream={index} is no {what} stream of the file (there are: {there})")


def _ranked(streams: Sequence[StreamFacts]) -> list[StreamFacts]:
    longest_s = max((stream.length_s for stream in streams), default=0.0)
    return sorted(
        streams,
        key=lambda one: (not one.is_default, one.length_s < _LONG * longest_s, -one.area, one.index),
    )
