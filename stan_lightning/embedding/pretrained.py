"""A network of transformers, opened: shape, weights, and how it wants its input.

The library is imported here alone, and only when an encoder is opened. Nothing but safetensors is read, and
no code of a model's own is run.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.opening import check_regular, read_json, read_regular
from stan_lightning.embedding.received import (
    INDEX,
    MOST_CONFIG_BYTES,
    check_header,
    check_shape,
    sha256,
    shape_alone,
    shards,
    staged,
)

WEIGHTS = ("pretrained", "random")
_SETTINGS = ("preprocessor_config.json", "processor_config.json")
_FETCHED = ("config.json", *_SETTINGS, "model.safetensors", "model-*.safetensors", INDEX)
_PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True)
class Pretrained:
    """A network, and what tells it from another.

    Attributes:
        name: As it was asked for.
        network: In evaluation mode, in float32, on its device.
        config: Its shape, as transformers keeps it.
        settings: How it wants its input: its own preprocessor's settings.
        absent: Weights that its file lacks. They are NaN, so that an output which needs one shows it.
        record: What ``signal.json`` says of it: made_by, encoder, revision (of the hub; None for a folder),
            model_type, weights and weights_sha256.
    """

    name: str
    network: nn.Module
    config: Any
    settings: Mapping[str, Any]
    absent: list[str]
    record: dict[str, Any]


def open_network(name: str, weights: str, seed: int, device: torch.device, reads: str) -> Pretrained:
    """Open a model.

    Args:
        name: A folder as ``save_pretrained`` leaves it, or a model on the hub, which is fetched once.
        weights: `pretrained`, or `random` for an untrained network of that shape.
        seed: Fixes random weights.
        device: Where it computes.
        reads: The one input that the network must ask for: `pixel_values` or `input_values`.

    Raises:
        InputError: Where the extra is not installed, the hub cannot be reached, or no such network is
            there, with weights as safetensors, that reads this.
    """
    if weights not in WEIGHTS:
        raise InputError(f"encoder.weights={weights} is none of {', '.join(WEIGHTS)}")
    where = f"encoder.name={name}"
    import_library()
    folder, revision = _folder(name)
    if not (folder / "config.json").is_file():
        raise InputError(f"{where}: no model (no config.json); give a folder of save_pretrained")
    settings = _settings(folder, name)
    shape = shape_alone(folder / "config.json")
    with staged(shape) as alone:
        config = explained(where, lambda: _read_config(alone, reads))
    if weights == "random":
        explained(where, lambda: check_shape(config))
        network, absent, digest = _untrained(where, config, seed)
        said = f"random, seed {seed}"
    else:
        network, absent, digest = trained(where, folder, shape, config)
        said = weights
    if (wants := getattr(network, "main_input_name", None)) != reads:
        raise InputError(f"{where}: a {config.model_type} model reads {wants}, not {reads}")
    record = {
        "made_by": made_by(),
        "encoder": name if revision else folder.resolve().name,
        "revision": revision,
        "model_type": config.model_type,
        "weights": said,
        "weights_sha256": digest,
    }
    return Pretrained(name, network.eval().to(device), config, settings, absent, record)


def made_by() -> str:
    """This program and the library, with their versions."""
    return f"stan-lightning {version('stan-lightning')} with transformers {version('transformers')}"


def chosen_device(asked: str) -> torch.device:
    """The device of that name; `auto` is an accelerator where there is one."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if asked == "auto":
        return found or torch.device("cpu")
    if asked != "cpu" and (found is None or found.type != asked):
        there = found.type if found else "no accelerator"
        raise InputError(f"encoder.device={asked}: this machine has {there}; take auto or cpu")
    return torch.device(asked)


def probe(opened: Pretrained, forward: Callable[[], Tensor]) -> Tensor:
    """Try the network before anything is written; what it cannot do is said in one line.

    Raises:
        InputError: Where it fails, or an output depends on weights that its file lacks.
    """
    found: Tensor = explained(f"encoder.name={opened.name}", forward)
    if not bool(torch.isfinite(found).all()):
        why = f"its file has no weights {opened.absent[0]}" if opened.absent else "its weights are not finite"
        raise InputError(
            f"encoder.name={opened.name}: this output is no number, as {why}; "
            "for faces encoder.pooling=mean may do without"
        )
    return found


def import_library() -> None:
    """Import it, and leave out what it says that a user can do nothing about."""
    try:
        import huggingface_hub
        import transformers
    except ImportError as error:
        raise InputError(
            f"encoders need the library transformers ({error}): pip install 'stan-lightning[pretrained]'"
        ) from None
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    huggingface_hub.logging.set_verbosity_error()


def _folder(name: str) -> tuple[Path, str | None]:
    """The model's files on this machine, and its commit where they come from the hub."""
    if Path(name).is_dir():
        return Path(name), None
    if name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise InputError(f"encoder.name={name}: no such folder")
    from huggingface_hub import errors, snapshot_download

    try:
        found = Path(snapshot_download(name, allow_patterns=list(_FETCHED)))
    except errors.GatedRepoError:
        raise InputError(
            f"encoder.name={name}: its owners want to be asked; do so on the hub, then `hf auth login`"
        ) from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise InputError(
            f"encoder.name={name}: no such folder, and no model of that name on the hub"
        ) from None
    except OSError as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"encoder.name={name}: no such folder, and the hub cannot be reached ({said.rstrip('.')[:120]}); "
            "fetch it where there is a network (`hf download`), and give its folder"
        ) from None
    return found, found.name


def _settings(folder: Path, name: str) -> Mapping[str, Any]:
    """The preprocessor's settings: a file of their own, or a part of a processor's."""
    for file in _SETTINGS:
        if (folder / file).is_file():
            content = read_json(
                read_regular(folder / file, MOST_CONFIG_BYTES), str(folder / file), MOST_CONFIG_BYTES
            )
            if not isinstance(content, dict):
                raise InputError(f"{folder / file}: no settings of a preprocessor, which are an object")
            part = content.get("image_processor") or content.get("feature_extractor") or content
            return dict(part)
    raise InputError(
        f"encoder.name={name}: no {_SETTINGS[0]}, which says how it wants its input; "
        "save its image processor or feature extractor into the folder"
    )


def _read_config(folder: Path, reads: str) -> Any:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    # Of a network for pictures and words, such as CLIP, the half that sees.
    return getattr(config, "vision_config", config) if reads == "pixel_values" else config


def trained(
    where: str, folder: Path, shape: Mapping[str, Any], config: Any
) -> tuple[nn.Module, list[str], str]:
    """A network with its weights, the names of those that are not in its files, and the files' SHA-256.

    Args:
        where: The key that names it, for errors.
        folder: That holds its weights as safetensors.
        shape: As `shape_alone` gives it.
        config: The same, as transformers keeps it.

    Raises:
        InputError: There are no such weights, or they are of another network.
    """
    from transformers import AutoModel

    files = _weight_files(where, folder)
    for file in files:
        check_regular(file)
        check_header(file)
    size = sum(file.stat().st_size for file in files)
    explained(where, lambda: check_shape(config, size))
    with staged(shape, files) as alone:
        network, said = explained(
            where,
            lambda: AutoModel.from_pretrained(
                str(alone),
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            ),
        )
    absent = sorted(said["missing_keys"])
    with torch.no_grad():
        for key, tensor in network.state_dict().items():
            if key in absent and tensor.is_floating_point():
                tensor.fill_(float("nan"))
    return network, absent, sha256(files)


def _weight_files(where: str, folder: Path) -> list[Path]:
    """The safetensors that hold the weights: one file, or an index's shards in their order."""
    if (folder / "model.safetensors").is_file():
        return [folder / "model.safetensors"]
    if (folder / INDEX).is_file():
        return shards(folder / INDEX)
    pickled = [file.name for pattern in _PICKLED for file in folder.glob(pattern)]
    what = f"only pickled weights ({printable(pickled[0])})" if pickled else "no weights as model.safetensors"
    raise InputError(
        f"{where}: {what}; pickles can run code and are not read. Where you trust them, "
        f"`AutoModel.from_pretrained('{printable(folder)}').save_pretrained(<folder>)` makes safetensors; "
        "or start from random weights for a trial"
    )


def _untrained(where: str, config: Any, seed: int) -> tuple[nn.Module, list[str], str]:
    """An untrained network of that shape; the SHA-256 is that of the file that its weights would make."""
    from safetensors.torch import save
    from transformers import AutoModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = explained(
            where, lambda: AutoModel.from_config(config, trust_remote_code=False, dtype=torch.float32)
        )
    content = save({key: tensor.clone() for key, tensor in network.state_dict().items()})
    return network, [], hashlib.sha256(content).hexdigest()


def explained(where: str, act: Callable[[], Any]) -> Any:
    """What the library cannot do with a model, in one line: it raises whatever its many parts raise."""
    try:
        return act()
    except InputError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        if "trust_remote_code" in said:
            said = "it brings code of its own, which is not run here"
        raise InputError(f"{where} cannot be used: {said[:240]}") from None
