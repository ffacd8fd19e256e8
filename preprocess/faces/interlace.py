"""Interlaced film to whole pictures, one a frame, by libavfilter's bwdif."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

import av
from av.filter import Graph

Told = TypeVar("Told")


class Deinterlacer(Generic[Told]):
    """Takes frames in order and gives them back one later; what is not interlaced passes as it is.

    Nothing is filtered before the first interlaced frame.

    Attributes:
        n_interlaced: Frames that were interlaced so far.
    """

    def __init__(self) -> None:
        """Begin without a filter."""
        self._graph: Graph | None = None
        self._kind: tuple[int, int, str] | None = None
        self._told: deque[tuple[av.VideoFrame, Told]] = deque()
        self.n_interlaced = 0

    def add(self, frame: av.VideoFrame, told: Told) -> Iterator[tuple[av.VideoFrame, Told]]:
        """Take a frame and what belongs to it; gives those that are done.

        Raises:
            av.error.FFmpegError, ValueError: The filter cannot take it.
        """
        self.n_interlaced += frame.interlaced_frame
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is not None and kind != self._kind:
            yield from self.end()
        if self._graph is None:
            if not frame.interlaced_frame:
                yield frame, told
                return
            self._graph, self._kind = _graph(frame), kind
        self._told.append((frame, told))
        self._graph.push(frame)
        yield from self._done()

    def end(self) -> Iterator[tuple[av.VideoFrame, Told]]:
        """Give what the filter still holds; the next frame begins anew."""
        if self._graph is None:
            return
        self._graph.push(None)
        yield from self._done()
        self._graph = None
        while self._told:
            yield self._told.popleft()

    def _done(self) -> Iterator[tuple[av.VideoFrame, Told]]:
        while self._graph is not None and self._told:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, av.VideoFrame)
            yield frame, self._told.popleft()[1]


def _graph(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(source, graph.add("bwdif", "send_frame:auto:interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph
