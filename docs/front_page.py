"""A hook of mkdocs: README.md and CONTRIBUTING.md become pages of the site."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the two pages, with links as they are inside the site."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = re.sub(r"\]\(docs/", "](", text).replace("](CONTRIBUTING.md)", "](contributing.md)")
        text = re.sub(r"\[([^\]]+)\]\((conf|LICENSE)\)", r"\1", text)  # not part of the site
        files.append(File.generated(config, page, content=text))
    return files
