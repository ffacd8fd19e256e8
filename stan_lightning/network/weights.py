"""Weights in and out: the authors' released files, this project's checkpoints, networks of another task.

Files are read with ``weights_only=True``: nothing in them is executed. What does not fit is told before the
network is touched. `released_state` and `own_state` translate between the authors' names and ours, without
loss in both directions: the branches of `sta` and `sta_af` lie apart in the release and joined here
(`stan_lightning.network.attention`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_boundary.writing import whole_file
from stan_lightning.network import checkpoint_file
from stan_lightning.network.attention import FusedAttention, JoinedBranches
from stan_lightning.network.encoder import Encoder, Single
from stan_lightning.network.model_folder import is_model_folder, read_config
from stan_lightning.network.model_folder import read_state as read_tensors

State = Mapping[str, Tensor]
CHECKPOINT_PREFIX = "network."
ENCODER_PREFIX = "encoder."
BRANCHES = ("temporal", "spatial")
JOINED = ("group_conv", "bn")


def load_released(network: Encoder | Single, source: str | Path | State) -> None:
    """Load the authors' released state dict, strictly.

    Args:
        network: a `STADRN`, alone or as the encoder of a `Single`, built with the arguments that the weights
            were made with.
        source: the file, or the state dict itself.

    Raises:
        InputError: the file cannot be read, or a tensor is missing, extra or misshapen.
    """
    name = "the state dict" if isinstance(source, Mapping) else str(source)
    state = tensors(source, name) if isinstance(source, Mapping) else read_state(source)
    if any(key.startswith(CHECKPOINT_PREFIX) for key in state):
        raise InputError(
            f"{name} is a checkpoint, not released weights: give it as checkpoint or initial weights"
        )
    with as_released(network) as whole:
        check_fit(released_state(whole, whole.state_dict()), state, name)
        whole.load_state_dict(own_state(whole, state))


def save_released(network: Encoder | Single, path: str | Path) -> None:
    """Write the network's weights under the authors' names, as `load_released` reads them."""
    with as_released(network) as whole, whole_file(Path(path)) as file:
        torch.save(released_state(whole, whole.state_dict()), file)


@contextmanager
def as_released(network: Encoder | Single) -> Iterator[Encoder]:
    """The encoder with the network's head as its own, as the release has it."""
    if isinstance(network, Encoder):
        yield network
        return
    network.encoder.fc = network.head
    try:
        yield network.encoder
    finally:
        network.encoder.fc = nn.Identity()


def load_weights(network: Encoder, path: str | Path, columns: Sequence[str] | None = None) -> str:
    """Start `network` from everything but the head of a file.

    Args:
        network: the encoder to start; its head stays as it is, where it has one.
        path: released weights, a checkpoint of this project or the folder of its run, a model folder, or
            any of these of a network for another task.
        columns: what a signal's network reads; a checkpoint that read other columns is refused.

    Returns:
        One line that says what was taken.

    Raises:
        InputError: the file cannot be read, or does not fit but for the head.
    """
    folder = Path(path)
    shared = read_config(folder) if is_model_folder(folder) else None
    if shared is None and (said := network.start_from(path)):
        return said
    if shared is None and folder.is_dir():
        path = folder / "checkpoints" / "best.ckpt"
    state = read_state(path) if shared is None else read_tensors(folder, shared)
    if columns is not None:
        check_columns(path, columns, shared)
    kind = "state dict"
    if any(key.startswith(CHECKPOINT_PREFIX) for key in state):
        kind = "checkpoint"
        state = {
            key.removeprefix(CHECKPOINT_PREFIX): t
            for key, t in state.items()
            if key.startswith(CHECKPOINT_PREFIX)
        }
    head = state.get("fc.weight", state.get("head.weight"))
    if any(key.startswith(ENCODER_PREFIX) for key in state):  # of a `Single`
        state = {
            key.removeprefix(ENCODER_PREFIX): t for key, t in state.items() if key.startswith(ENCODER_PREFIX)
        }
    there = "no head" if head is None else f"{len(head)} outputs"
    state, own = without_head(state), network.state_dict()
    if missing(released_state(network, own), state) < missing(own, state):
        kind = "released weights"
        check_fit(without_head(released_state(network, own)), state, str(path))
        state = own_state(network, state)
    check_fit(without_head(own), state, str(path))
    network.load_state_dict(state, strict=False)
    taken = f"took {len(state)} of {len(own)} tensors from {path} ({kind})"
    here = "".join(f", {one.out_features} here" for one in network.heads)
    return f"{taken}; the head is not taken ({there} there{here})"


def check_columns(path: str | Path, columns: Sequence[str], shared: Mapping[str, Any] | None = None) -> None:
    """Raise an `InputError` where a network of a signal was trained on other columns.

    Args:
        path: Of a checkpoint, or of the model folder whose config is `shared`.
        columns: Those that are read here.
        shared: The config of a model folder.
    """
    content = checkpoint_file.load(path, mmap=True) if shared is None else {}
    facts = content.get("hyper_parameters", {}).get("data", {}) if shared is None else shared.get("facts")
    recorded = (facts.get("columns") if isinstance(facts, Mapping) else None) or {}
    theirs: list[str] = list(*recorded.values()) if len(recorded) == 1 else list(columns)
    if theirs != list(columns):
        odd = next(iter({*theirs} ^ {*columns}), "the order")
        raise InputError(
            f"{path} was trained on other columns of its signal ({len(theirs)}, here {len(columns)}; {odd} "
            "differs): start from a run on this very signal"
        )


def without_head(state: State) -> dict[str, Tensor]:
    """Leave out the last layer."""
    return {key: tensor for key, tensor in state.items() if not key.startswith("fc.")}


def missing(expected: State, state: State) -> int:
    """Count the names of `expected` that `state` lacks."""
    return len(expected.keys() - state.keys())


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Read a state dict, or the one within a checkpoint, without executing anything in the file.

    Raises:
        InputError: there is no such file, it cannot be read safely, or holds no state dict.
    """
    if not Path(path).exists():
        raise InputError(f"no weights at {path}: give the path of a file of weights")
    try:
        content = checkpoint_file.load(path)
    except InputError:
        raise
    except Exception as error:  # a damaged file fails in whatever part of the reader meets the damage first
        why = str(error).strip().split("\n")[0][:120]
        raise InputError(
            f"{path} cannot be read as weights (damaged, or more than tensors, which is refused): {why}"
        ) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    return tensors(content, str(path))


def tensors(content: object, name: str) -> dict[str, Tensor]:
    """Check that `content` maps names to tensors, and drop data parallelism's "module." before them."""
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{name} holds no state dict: it must map names to tensors")
    state = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise InputError(f"{name} holds no state dict: {key!r} is {type(value).__name__}, not a tensor")
        state[key] = value
    if all(key.startswith("module.") for key in state):
        return {key.removeprefix("module."): value for key, value in state.items()}
    return state


def check_fit(expected: State, state: State, name: str) -> None:
    """Raise an `InputError` that names what is missing, extra or misshapen in `state`."""
    wrong = [
        f"{key} is {list(state[key].shape)}, not {list(expected[key].shape)}"
        for key in expected
        if key in state and state[key].shape != expected[key].shape
    ]
    wrong += [f"{key} is missing" for key in expected if key not in state]
    wrong += [f"{key} is not part of the network" for key in state if key not in expected]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise InputError(
            f"{name} does not fit the network ({'; '.join(wrong[:3])}{more}): "
            "give the attention, layers, k, features, norm, channels and outputs that it was made with"
        )


def joined_modules(network: nn.Module) -> dict[str, JoinedBranches]:
    """Find the attention modules whose branches are joined, by name."""
    return {name: module for name, module in network.named_modules() if isinstance(module, JoinedBranches)}


def released_names(module: JoinedBranches, path: str, leaf: str) -> list[str]:
    """Name the temporal and the spatial part of our ``path.leaf`` as the release does.

    Example: ``conv2.bn`` and ``weight`` are ``conv2.bn_temporal.weight`` and ``conv2.bn_spatial.weight`` in
    `sta_af`, ``conv2.temporal_block.bn.weight`` and ``conv2.spatial_block.bn.weight`` in `sta`.
    """
    parent, part = path.rsplit(".", 1)
    if isinstance(module, FusedAttention):
        return [f"{parent}.{part}_{branch}.{leaf}" for branch in BRANCHES]
    return [f"{parent}.{branch}_block.{part}.{leaf}" for branch in BRANCHES]


def released_state(network: nn.Module, state: State) -> dict[str, Tensor]:
    """Translate a state dict of `network` into the authors' names."""
    modules = joined_modules(network)
    released: dict[str, Tensor] = {}
    spatial: dict[str, Tensor] = {}  # kept back until the temporal branch is through: the release's order
    for key, tensor in state.items():
        parent, part, leaf = ("", "", *key.rsplit(".", 2))[-3:]
        module = modules.get(parent)
        if module is None:
            released |= spatial
            spatial = {}
            released[key] = tensor
        elif part in JOINED:
            names = released_names(module, f"{parent}.{part}", leaf)
            first, second = split(tensor, module.k)
            released[names[0]] = first
            spatial[names[1]] = second
        else:
            names = released_names(module, f"{parent}.fc", leaf)
            branch = released if part == "fc_temporal" else spatial
            branch[names[BRANCHES.index(part.removeprefix("fc_"))]] = tensor
    return released | spatial


def own_state(network: nn.Module, released: State) -> dict[str, Tensor]:
    """Translate a state dict that fits `network` from the authors' names into ours; a head may be absent."""
    modules = joined_modules(network)
    state: dict[str, Tensor] = {}
    for key in network.state_dict():
        parent, part, leaf = ("", "", *key.rsplit(".", 2))[-3:]
        module = modules.get(parent)
        if module is None:
            if key in released:
                state[key] = released[key]
        elif part in JOINED:
            temporal, spatial = (released[name] for name in released_names(module, f"{parent}.{part}", leaf))
            state[key] = join(temporal, spatial, module.k)
        else:
            names = released_names(module, f"{parent}.fc", leaf)
            state[key] = released[names[BRANCHES.index(part.removeprefix("fc_"))]]
    return state


def split(tensor: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Part the branches of a joined tensor, ``(2C, ...)`` as ``(k, 2, C/k, ...)``, or a pair of counters."""
    if tensor.dtype == torch.long:
        return tensor[0].clone(), tensor[1].clone()
    pair = torch.unflatten(tensor, 0, (k, 2, -1))
    return pair[:, 0].flatten(0, 1).clone(), pair[:, 1].flatten(0, 1).clone()


def join(temporal: Tensor, spatial: Tensor, k: int) -> Tensor:
    """Undo `split`."""
    if temporal.ndim == 0:
        return torch.stack((temporal, spatial))
    pair = [torch.unflatten(branch, 0, (k, -1)) for branch in (temporal, spatial)]
    return torch.stack(pair, dim=1).flatten(0, 2)
