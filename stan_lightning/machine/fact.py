"""One thing that was looked at, as a line, and the line that mends it."""

from dataclasses import dataclass

GOOD, NOTE, BAD = "ok", "note", "mend"


@dataclass(frozen=True)
class Fact:
    """What was found.

    Attributes:
        said: In one line.
        mark: `GOOD`; `NOTE`, of what one can do without; or `BAD`, of what stops a command.
        mend: What to type, or to do, to change it.
    """

    said: str
    mark: str = GOOD
    mend: str = ""
