"""A network from plain data: its config, and what the data decides."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from stan_boundary.composition import TARGET, located, make, parameters
from stan_boundary.errors import InputError
from stan_lightning.network.encoder import Encoder, Network, Wrapped

WHERE = "model.network"
OF_CROPS = ("face", "audio")


def build(network: Mapping[str, Any], outputs: int, data: Mapping[str, Any]) -> Network:
    """Build a network.

    Args:
        network: Its config: `_target_`, `encoder` or `encoders` by modality with their own, and arguments.
        outputs: Of the network, 1 for severity.
        data: `CropDataModule.facts`: an encoder that takes `columns` is given the number of its signal's, and
            a network that takes `spans` and `moment_s` the clock of what is read.

    Raises:
        InputError: It cannot be made so.
    """
    given = dict(network)
    known = {"num_classes": outputs, "spans": data["spans"], "moment_s": data["moment_s"]}
    for name, encoder, where in _encoders(network):
        made = _encoder(name, encoder, where, outputs, data)
        if "encoders" in network:
            given["encoders"] = dict(given["encoders"]) | {name: made}
        else:
            given["encoder"] = made
    return make(given, WHERE, **known)  # type: ignore[no-any-return] # what the config names


def modalities(network: Mapping[str, Any]) -> list[str]:
    """What a network reads, by its config alone."""
    return [name for name, _, _ in _encoders(network)]


def written_out(network: Mapping[str, Any]) -> dict[str, Any]:
    """A network's config in which nothing refers to a file any more, so that it stands by itself.

    An encoder's class may say how, by a `written_out` of its config and key.

    Raises:
        InputError: What it refers to cannot be read.
    """
    found = dict(network)
    for name, encoder, where in _encoders(network):
        if TARGET not in encoder:
            continue
        own = getattr(located(str(encoder[TARGET]), where), "written_out", None)
        if own is None:
            continue
        if "encoders" in network:
            found["encoders"] = {**found["encoders"], name: own(encoder, where)}
        else:
            found["encoder"] = own(encoder, where)
    return found


def _encoders(network: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], str]]:
    """Modality, config and dotted key of each encoder."""
    if not isinstance(network, Mapping):
        raise InputError(f"{WHERE} has no _target_: it is {network!r}")
    if isinstance(network.get("encoders"), Mapping):
        return [(name, one, f"{WHERE}.encoders.{name}") for name, one in network["encoders"].items()]
    encoder, where = network.get("encoder"), f"{WHERE}.encoder"
    if not isinstance(encoder, Mapping) or TARGET not in encoder:
        make(encoder, where)  # which says what is missing
        raise InputError(f"{where}: a network has an encoder, or encoders by modality")
    default = parameters(encoder, where).get("modality")
    name = encoder.get("modality", getattr(default, "default", "face"))
    return [(name if isinstance(name, str) else "face", encoder, where)]


def _encoder(name: str, config: Mapping[str, Any], where: str, outputs: int, data: Mapping[str, Any]) -> Any:
    known: dict[str, Any] = {"num_classes": outputs, "modality": name}
    columns = data["columns"].get(name)
    if columns:
        known["columns"] = len(columns)
    elif TARGET in config and "columns" in parameters(config, where) and "columns" not in config:
        raise InputError(
            f"{where} reads a signal's columns, and nobody knows those of {name}"
            + (", which is none" if name in OF_CROPS else ": they come from the data")
        )
    made = make(config, where, **known)
    if isinstance(made, Encoder):
        return made
    width = getattr(made, "width", None)
    if not isinstance(made, nn.Module) or type(width) is not int:
        raise InputError(
            f"{where}: {config[TARGET]} says no `width`, the channels of what it gives: name it as `module` "
            "of stan_lightning.network.Wrapped, which takes the width"
        )
    return Wrapped(made, width, name)
