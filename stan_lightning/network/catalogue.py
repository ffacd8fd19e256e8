"""Which networks there are, and one of them from plain arguments."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from stan_boundary.errors import InputError
from stan_lightning.network.fusion import Encoder, Fusion
from stan_lightning.network.sta_drn import MODALITIES, STADRN
from stan_lightning.network.track import TrackNet

Network = STADRN | TrackNet | Fusion
NAMES = ("sta_drn", "voice", "track", "fusion")
ENCODER = ("attention", "layers", "k", "features", "dropout", "norm", "recompute")
TRACK = ("width", "layers", "kernel", "dropout")
_FUSION = ("name", "modalities", "fusion", "dropout", "bounded", "drop_modality")
_CLIP = ("clip_frames", "frame_stride", "sound_s")
_NOMINAL_FPS = 30.0  # of the videos whose frames `frame_stride` counts
_ALONE = {"sta_drn": "face", "voice": "voice"}


def network_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Of a list of arguments those that say which network it is, with `sta_drn` where none is named.

    Raises:
        KeyError: one that it needs is not there.
    """
    name = given.get("name", "sta_drn")
    if name == "track":
        return {key: given[key] for key in ("name", "modalities", "columns", "track", "bounded")}
    if name == "fusion":
        tracks = tracks_of(given["modalities"])
        own = [one for one in given["modalities"] if one not in tracks or one in given]
        shared = ["track", "columns"] if tracks else []
        return {key: given[key] for key in [*_FUSION, *_CLIP, *shared, *own]}
    return {"name": name} | {key: given[key] for key in (*ENCODER, "bounded")}


def build(network: Mapping[str, Any], outputs: int) -> Network:
    """Build a network.

    Args:
        network: `name`, one of `NAMES`, and that network's arguments; a fusion's encoders stand under their
            modalities, those of tracks under `track` but for what a block of their own changes. `columns` are
            the names of each track's.
        outputs: 1 for severity.

    Raises:
        InputError: there is no such network or modality, or an argument is outside its choices.
    """
    name = network["name"]
    if name not in NAMES:
        raise InputError(f"model.name={name} is none of {', '.join(NAMES)}")
    if name in _ALONE:
        arguments = {key: network[key] for key in (*ENCODER, "bounded")}
        return STADRN(
            **arguments | {"layers": tuple(arguments["layers"])}, num_classes=outputs, modality=_ALONE[name]
        )
    modalities = network["modalities"]
    if name == "track":
        if len(modalities) != 1 or not tracks_of(modalities):
            raise InputError(
                f"model.modalities={list(modalities)}: model=track reads one track, as in "
                "model.modalities=[behaviour]; model=fusion reads several, and faces and voices beside them"
            )
        return _track(network, modalities[0], network["track"], outputs, bounded=network["bounded"])
    frozen = [one for one in modalities if block(network, one)["frozen"]]
    for one in frozen:
        if not block(network, one)["init_weights"]:
            raise InputError(
                f"model.{one}.frozen=true without weights would keep a network that knows nothing: give "
                f"model.{one}.init_weights=<run>"
            )
    encoders: dict[str, Encoder] = {}
    for one in modalities:
        given = block(network, one)
        encoders[one] = (
            _encoder(one, given, outputs) if one in MODALITIES else _track(network, one, given, outputs)
        )
    keys = ("fusion", "dropout", "bounded", "drop_modality")
    settings = {key: network[key] for key in keys}
    settings["spans"] = {} if network["clip_frames"] is None else _spans(network)
    moment_s = network["frame_stride"] / _NOMINAL_FPS
    return Fusion(encoders, num_classes=outputs, frozen=frozen, moment_s=moment_s, **settings)


def tracks_of(modalities: Sequence[str]) -> list[str]:
    """Those that are tracks: all but what crops show by themselves."""
    return [one for one in modalities if one not in MODALITIES]


def block(network: Mapping[str, Any], modality: str) -> Mapping[str, Any]:
    """The arguments of one of a fusion's encoders."""
    if modality in MODALITIES:
        given: Mapping[str, Any] = network[modality]
        return given
    own = network.get(modality, {})
    if not isinstance(own, Mapping) or (strange := sorted(set(own) - set(network["track"]))):
        at = f"model.{modality}" + (f".{strange[0]}" if isinstance(own, Mapping) else "")
        raise InputError(f"{at} means nothing; a track's encoder takes {', '.join(network['track'])}")
    return {**network["track"], **own}


def _track(
    network: Mapping[str, Any], modality: str, given: Mapping[str, Any], outputs: int, bounded: bool = False
) -> TrackNet:
    columns = (network["columns"] or {}).get(modality)
    if not columns:
        raise InputError(
            f"nobody knows the columns of the track {modality}: a network takes them from its training data "
            "and keeps them in its checkpoint; leave model.columns as it is"
        )
    if not modality.isidentifier() or hasattr(nn.ModuleDict, modality):
        raise InputError(
            f"model.modalities: a track cannot be called {modality}; take another name of letters"
        )
    arguments = {key: given[key] for key in TRACK}
    return TrackNet(modality, len(columns), outputs, bounded=bounded, **arguments)


def _spans(network: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """First and last moment, in seconds of the clip, of what each modality shows: all about one middle."""
    clip_s = network["clip_frames"] * network["frame_stride"] / _NOMINAL_FPS
    lengths = {"face": clip_s, "voice": network["sound_s"] or clip_s}
    return {name: ((clip_s - length) / 2, (clip_s + length) / 2) for name, length in lengths.items()}


def _encoder(modality: str, given: Mapping[str, Any], outputs: int) -> STADRN:
    arguments = {key: given[key] for key in ENCODER}
    return STADRN(**arguments | {"layers": tuple(given["layers"])}, num_classes=outputs, modality=modality)
