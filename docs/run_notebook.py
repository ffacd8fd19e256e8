"""Runs a notebook from a clean kernel, in its folder: ``python docs/run_notebook.py docs/tutorial.ipynb``.

What it shows is kept, without the paths of this machine: what lies below the folder that its last cell ran in
is shown relative to it.
"""

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

_LONGEST_CELL_S = 600


def run(path: Path) -> nbformat.NotebookNode:
    """Execute every cell.

    Args:
        path: Of the notebook; stays as it is.

    Returns:
        The notebook with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    asked = nbformat.v4.new_code_cell("import os\nprint(os.getcwd(), end='')")
    notebook.cells.append(asked)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=_LONGEST_CELL_S, resources=resources).execute()
    folder = notebook.cells.pop()["outputs"][0]["text"]
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)  # times
        if cell["cell_type"] == "code":
            cell["outputs"] = [_without(one, f"{folder}/") for one in _joined(cell["outputs"])]
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Pieces of one stream that follow each other as one."""
    found: list[Any] = []
    for one in outputs:
        if one["output_type"] == "stream" and found and found[-1].get("name") == one["name"]:
            found[-1]["text"] += one["text"]
        else:
            found.append(one)
    return found


def _without(output: Any, folder: str) -> Any:
    if output["output_type"] == "stream":
        output["text"] = output["text"].replace(folder, "")
    return output


if __name__ == "__main__":
    for name in sys.argv[1:]:
        nbformat.write(run(Path(name)), name)
