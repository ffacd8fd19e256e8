"""A self-contained page: sections of text, tables and pictures, all names escaped, nothing from a network."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from stan_lightning.data.notices import DISCLAIMER
from stan_lightning.evaluation.findings import Finding
from stan_lightning.pages.figures import svg

TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(frozen=True)
class Table:
    """Cells as text, row by row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A figure and what it shows."""

    caption: str
    figure: Figure

    @property
    def address(self) -> str:
        """The figure within its own address; as an image, so that its ids and names stay to themselves."""
        return "data:image/svg+xml;base64," + base64.b64encode(svg(self.figure).encode()).decode()


@dataclass(frozen=True)
class Section:
    """One heading with what stands under it; `folded` is the label of a section that opens on a click."""

    title: str
    text: str = ""
    table: Table | None = None
    pictures: Sequence[Picture] = ()
    listing: str = ""
    folded: str = ""


def folded(section: Section) -> Section:
    """The section with its table to be opened by a click."""
    if section.table is None or section.folded:
        return section
    return replace(section, folded=f"Table of {len(section.table.rows)} rows")


def render(
    title: str,
    findings: Sequence[Finding],
    notes: Sequence[str],
    sections: Sequence[Section],
    link: tuple[str, str] | None = None,
) -> str:
    """The page as HTML: findings as a list, notes, a link, then sections with their tables folded.

    Args:
        title: Of the page.
        findings: What it shows.
        notes: What a reader must know before.
        sections: In order.
        link: Address and words of a page beside it.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=title,
        findings=findings,
        notes=notes,
        link=link,
        sections=[folded(section) for section in sections],
        disclaimer=DISCLAIMER,
    )
