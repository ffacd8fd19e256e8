"""A video model of transformers as an encoder that is trained with the network.

Its architecture is plain data in the run's config and in its checkpoints, so both are read without the folder
that it came from, and without a hub.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.opening import read_json, read_regular
from stan_boundary.targets import check_targets
from stan_lightning.embedding.pretrained import explained, import_library, trained
from stan_lightning.embedding.received import MOST_CONFIG_BYTES, check_shape, plain_shape, shape_alone
from stan_lightning.network.encoder import PICTURES, Wrapped

_FILE, _PREPROCESSOR = "config.json", "preprocessor_config.json"
_DROPPED = ("architectures", "transformers_version", "id2label", "label2id", "dtype", "return_dict")
"""Of a config, what says nothing about the encoder's shape."""


class VideoModel(Wrapped):
    """Reads clips of faces by a model such as VideoMAE, ViViT or TimeSformer.

    ``model.init_weights=<folder>`` starts it from the weights in a folder of ``save_pretrained``.

    Args:
        architecture: Its `config.json` as plain data. On training's command line a folder that holds one: its
            content takes the folder's place before anything is made.
        mean: Of R, G and B in 0..1, taken from clips; the folder's preprocessor_config.json may say it.
        deviation: Of them, which clips are divided by; likewise.

    Raises:
        InputError: It is no architecture of a video model, or transformers is not installed.
    """

    def __init__(
        self,
        architecture: Mapping[str, Any],
        mean: Sequence[float] = PICTURES["mean"],
        deviation: Sequence[float] = PICTURES["deviation"],
    ) -> None:
        if not isinstance(architecture, Mapping):
            raise InputError(
                f"architecture={architecture} is a folder, which a fresh training run alone reads"
            )
        import_library()
        from transformers import AutoModel

        shape = plain_shape(architecture, "architecture")
        config = _config(shape, "architecture")
        explained("architecture", lambda: check_shape(config))
        module = explained("architecture", lambda: AutoModel.from_config(config, dtype=torch.float32))
        super().__init__(
            module, config.hidden_size, "face", mean, deviation, "BTCHW", config.image_size, config.num_frames
        )
        self._shape = shape

    @staticmethod
    def written_out(config: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        """The encoder's config with the architecture in the place of the folder that it was read from.

        Raises:
            InputError: There is no such folder, or its files are no video model's.
        """
        name = config.get("architecture")
        if not isinstance(name, str):
            return config
        key, folder = f"{where}.architecture={name}", Path(name)
        if not (folder / _FILE).is_file():
            raise InputError(f"{key}: no model (no {_FILE}); give a folder of save_pretrained")
        import_library()
        found = _config(shape_alone(folder / _FILE), key).to_dict()
        shape = {part: value for part, value in found.items() if part not in _DROPPED and part[0] != "_"}
        check_targets(shape, where=str(folder / _FILE))
        return {**_normalisation(folder), **config, "architecture": shape}

    def start_from(self, path: str | Path) -> str:
        """Take the weights in a folder of ``save_pretrained``, where it is one; says what was taken."""
        folder = Path(path)
        if not (folder / _FILE).is_file():
            return ""
        key = f"model.init_weights={path}"
        theirs = _config(shape_alone(folder / _FILE), key)
        network, absent, _ = trained(key, folder, self._shape, _config(self._shape, key))
        own = self.module.state_dict()
        if theirs.model_type != self._shape["model_type"] or len(absent) == len(own):
            raise InputError(f"{key}: a {theirs.model_type}, not a {self._shape['model_type']}")
        self.module.load_state_dict({k: v for k, v in network.state_dict().items() if k not in absent}, False)
        less = f"; as drawn: {printable(', '.join(absent[:5]))}" if absent else ""
        return f"took {len(own) - len(absent)} of {len(own)} tensors from {path} ({theirs.model_type}){less}"


def _config(shape: Mapping[str, Any], where: str) -> Any:
    """An architecture as transformers keeps it; raises where it is none that reads clips."""
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING_NAMES

    kind = str(shape.get("model_type"))[:80]
    if kind not in CONFIG_MAPPING:
        raise InputError(f"{where}: model_type={kind!r} is none that transformers has")
    config = explained(where, lambda: CONFIG_MAPPING[kind].from_dict(dict(shape)))
    sizes = [getattr(config, name, None) for name in ("num_frames", "image_size", "hidden_size")]
    if kind not in MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING_NAMES or any(type(one) is not int for one in sizes):
        raise InputError(
            f"{where}: a {kind} model reads no clips as they are here; run one of pictures or of sound once, "
            "by stan_lightning.embed"
        )
    return config


def _normalisation(folder: Path) -> dict[str, Any]:
    """Mean and deviation of a folder's preprocessor, where it says them."""
    file = folder / _PREPROCESSOR
    if not file.is_file():
        return {}
    content = read_json(read_regular(file, MOST_CONFIG_BYTES), str(file), MOST_CONFIG_BYTES)
    found = {}
    for name, theirs in (("mean", "image_mean"), ("deviation", "image_std")):
        value = content.get(theirs) if isinstance(content, dict) else None
        if isinstance(value, list) and [type(one) for one in value] == [float] * 3:
            found[name] = value
    return found
