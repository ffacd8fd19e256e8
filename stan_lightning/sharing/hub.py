"""Folders sent to and fetched from the Hugging Face Hub; its library is loaded for that alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stan_boundary.errors import InputError
from stan_lightning.network.model_folder import CARD, FILES

_HTTP = ("httpx", "httpx2", "requests")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


def is_hub_name(text: str) -> bool:
    """Whether this is a model's name on the hub, ``user/name``; no path whose first folder is here."""
    return _NAME.fullmatch(text) is not None and not Path(text.partition("/")[0]).exists()


def local(model: str) -> Path:
    """The folder of a model: the one that is named, or a copy of the hub's in the hub's own cache.

    Raises:
        InputError: It is not there, or the hub cannot be reached.
    """
    if not is_hub_name(model):
        return Path(model)
    with _one_line(f"model={model}"):
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(model, allow_patterns=list(FILES)))


def send(folder: Path, name: str) -> str:
    """Send a model folder to the hub, as a private repository where there is none; returns its address.

    The card is judged by the hub before any file is sent.

    Raises:
        InputError: The name is none, nobody is logged in, the hub refuses, or cannot be reached.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"hub={name}: give user/name")
    with _one_line(f"hub={name}"):
        from huggingface_hub import HfApi, ModelCard

        ModelCard((folder / CARD).read_text(encoding="utf-8")).validate()
        api = HfApi()
        api.create_repo(name, private=True, exist_ok=True)
        api.upload_folder(
            repo_id=name,
            folder_path=folder,
            allow_patterns=list(FILES),
            commit_message="A model folder of stan-lightning",
        )
        return f"{api.endpoint}/{name}"


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    """Turn what the hub's library raises into one line."""
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        yield
    except RepositoryNotFoundError:
        raise InputError(
            f"{what}: the hub knows no such model, or it is private and nobody is logged in (hf auth login)"
        ) from None
    except LocalEntryNotFoundError:
        raise InputError(f"{what}: the hub cannot be reached, and no copy of it is kept here") from None
    except HfHubHTTPError as error:
        code = getattr(error.response, "status_code", "?")
        login = "; log in by `hf auth login`" if code in (401, 403) else ""
        raise InputError(f"{what}: the hub refuses ({code}: {_said(error)}){login}") from None
    except ValueError as error:  # of a card, and of names
        raise InputError(f"{what}: {_said(error)}") from None
    except Exception as error:  # of the library that speaks HTTP, which differs between versions
        if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _HTTP:
            raise
        raise InputError(f"{what}: the hub cannot be reached ({_said(error)})") from None


def _said(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
