"""STA-DRN and what belongs to it, in torch alone.

sta_drn: The network, a 3-D ResNet whose middle convolutions are attention modules.
probe: A linear reader of statistics over time, fitted in closed form.
signal: A small network on measurements in time.
fusion: A network that reads several modalities: an encoder for each, and what joins them.
encoder: What every network and encoder has in common; any module as an encoder; one encoder with a head.
build: A network from plain data.
stem: Its first layers, pooled before they are normalised.
attention: The four attention modules.
normalisation: The three normalisations that it can be built with.
recompute: Less memory for more time.
precision: Float32 that is float32, on every device.
memory: How much memory a training step takes, found without the device.
pickled: What a file of torch would call, looked at before anything is called.
checkpoint_file: Files of torch that others wrote, bounded by their own size.
model_folder: The files of a model folder, which others are given.
weights: Weights in and out: released files, checkpoints, networks of another task.
export: The network for use without this package, an ONNX file.
onnx_network: A network that onnxruntime computes.
"""

from stan_lightning.network.encoder import Encoder, Network, Single, Wrapped
from stan_lightning.network.fusion import Fusion
from stan_lightning.network.probe import Probe, Statistics
from stan_lightning.network.signal import SignalNet
from stan_lightning.network.sta_drn import STADRN

__all__ = ["STADRN", "Encoder", "Fusion", "Network", "Probe", "SignalNet", "Single", "Statistics", "Wrapped"]
