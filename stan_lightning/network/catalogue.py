"""Which networks there are, and one of them from plain arguments."""

from collections.abc import Mapping
from typing import Any

from stan_lightning.errors import InputError
from stan_lightning.network.fusion import Fusion
from stan_lightning.network.sta_drn import MODALITIES, STADRN

Network = STADRN | Fusion
NAMES = ("sta_drn", "voice", "fusion")
ENCODER = ("attention", "layers", "k", "features", "dropout", "norm", "recompute")
START = ("init_weights", "frozen")
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
    if name == "fusion":
        return {key: given[key] for key in [*_FUSION, *_CLIP, *given["modalities"]]}
    return {"name": name} | {key: given[key] for key in (*ENCODER, "bounded")}


def build(network: Mapping[str, Any], outputs: int) -> Network:
    """Build a network.

    Args:
        network: `name`, one of `NAMES`, and that network's arguments; a fusion's encoders stand under their
            modalities.
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
    if strange := [one for one in modalities if one not in MODALITIES]:
        raise InputError(f"model.modalities: {strange[0]} is none of {', '.join(MODALITIES)}")
    frozen = [one for one in modalities if network[one]["frozen"]]
    for one in frozen:
        if not network[one]["init_weights"]:
            raise InputError(
                f"model.{one}.frozen=true without weights would keep a network that knows nothing: give "
                f"model.{one}.init_weights=<run>"
            )
    encoders = {one: _encoder(one, network[one], outputs) for one in modalities}
    keys = ("fusion", "dropout", "bounded", "drop_modality")
    settings = {key: network[key] for key in keys}
    return Fusion(encoders, spans=_spans(network), num_classes=outputs, frozen=frozen, **settings)


def _spans(network: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """First and last moment, in seconds of the clip, of what each modality shows: all about one middle."""
    clip_s = network["clip_frames"] * network["frame_stride"] / _NOMINAL_FPS
    lengths = {"face": clip_s, "voice": network["sound_s"] or clip_s}
    return {name: ((clip_s - length) / 2, (clip_s + length) / 2) for name, length in lengths.items()}


def _encoder(modality: str, given: Mapping[str, Any], outputs: int) -> STADRN:
    arguments = {key: given[key] for key in ENCODER}
    return STADRN(**arguments | {"layers": tuple(given["layers"])}, num_classes=outputs, modality=modality)
