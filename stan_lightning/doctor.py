"""Says what this machine has, what a training needs of it, and what is missing with the line that mends it.

``python -m stan_lightning.doctor`` looks at the machine and at the default training; words after it are those
of ``train``, as in ``experiment=demo data.root=crops``. Nothing is trained, written or sent. The exit code is
3 where something has to be mended.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from stan_boundary.typed import typed
from stan_lightning.machine import accounts, hardware, libraries, media, places
from stan_lightning.machine.fact import BAD, Fact

TO_MEND = 3
EXAMPLES = (
    "python -m stan_lightning.doctor",
    "python -m stan_lightning.doctor experiment=demo data.root=crops",
    "python -m stan_lightning.doctor data.batch_size=2 model.network.encoder.recompute=true",
)
ROOMS: Sequence[tuple[str, Callable[[], Iterable[Fact]]]] = (
    ("machine", hardware.facts),
    ("libraries", libraries.facts),
    ("codecs and fonts", media.facts),
    ("room", places.facts),
    ("accounts", accounts.facts),
)


def main() -> None:
    """Look, and say what was found."""
    words = sys.argv[1:]
    if {"--help", "-h"} & set(words):
        examples = "\n".join(f"  {typed(example)}" for example in EXAMPLES)
        print(f"{(__doc__ or '').strip()}\n\nExamples:\n{examples}")
        return
    found: list[Fact] = []
    for title, look in ROOMS:
        print(title, flush=True)
        for fact in look():
            found.append(fact)
            _say(fact)
    print("training", *words, flush=True)
    for fact in _training(words):
        found.append(fact)
        _say(fact)
    mends = list(dict.fromkeys(fact.mend for fact in found if fact.mark == BAD and fact.mend))
    if mends:
        print("\nto mend:", *mends, sep="\n  ")
    sys.exit(TO_MEND if any(fact.mark == BAD for fact in found) else 0)


def _say(fact: Fact) -> None:
    text = f"{fact.said}: {fact.mend}" if fact.mend else fact.said
    line = text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)
    encoding = sys.stdout.encoding or "utf-8"
    print(f"  {fact.mark:<6}{line.encode(encoding, 'replace').decode(encoding)}", flush=True)


def _training(words: Sequence[str]) -> Iterator[Fact]:
    """What a training needs, where this machine can say it."""
    try:
        from stan_lightning.machine.training import facts
    except Exception as error:  # what does not load was told among the libraries
        said = " ".join(str(error).split())[:120] or type(error).__name__
        yield Fact(f"not tried, since its libraries do not load ({said})", BAD)
        return
    yield from facts(words)


if __name__ == "__main__":
    main()
