"""Batches and training steps on a device that is none: a name, and fake tensors that lie there.

Run by test_fake_gpu.py as a process of its own, since a device's name is taken for good. Fake tensors have a
shape, a type and a device, and refuse what a GPU would: operands on two devices. They also refuse to tell a
number, so a step that comes to its end has not waited for the device. Which types 16-bit autocast gives is
that of CUDA's lists for the operations that are met here.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from stan_lightning.data import log_mel
from stan_lightning.data.augmentation import DEFAULT, Draw
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.dataset import TrainingClip, Window
from stan_lightning.data.log_mel import RATE, SoundDraw
from stan_lightning.network import STADRN
from stan_lightning.network.attention import ATTENTIONS
from stan_lightning.network.fusion import FUSIONS, Fusion
from stan_lightning.training.metrics import EpochLoss, WindowScores
from stan_lightning.training.objective import Severity

NAME, GPU = "gpu", "gpu:0"
CLIPS, FRAMES, SIDE = 3, 8, 64
TO_HALF = ("conv2d", "conv3d", "linear", "matmul", "addmm", "bmm", "baddbmm", "scaled_dot_product_attention")
TO_FLOAT = ("softmax.int", "layer_norm", "mse_loss", "smooth_l1_loss", "rsqrt", "pow.Tensor_Scalar", "log")
"""Of CUDA's autocast (torch/aten/src/ATen/autocast_mode.h)."""


def register() -> tuple[torch.library.Library, ...]:
    """Make the device, and its autocast."""
    _setup_privateuseone_for_python_backend(NAME)
    getattr(torch, NAME).get_amp_supported_dtype = lambda: [torch.float16]
    torch._C._set_only_lift_cpu_tensors(
        True
    )  # as for CUDA: `torch.tensor` makes a tensor here, then moves it
    library = torch.library.Library("aten", "IMPL", "AutocastPrivateUse1")
    for names, dtype in ((TO_HALF, torch.float16), (TO_FLOAT, torch.float32)):
        for name in names:
            packet, _, overload = name.partition(".")
            operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
            library.impl(name, casting(operation, dtype))
    rest = torch.library.Library("_", "IMPL", "AutocastPrivateUse1")
    rest.fallback(torch.library.fallthrough_kernel)
    return library, rest


def casting(operation: Callable[..., Any], dtype: torch.dtype) -> Callable[..., Any]:
    """An operation behind a cast of its floating-point operands."""

    def cast(given: Any) -> Any:
        return given.to(dtype) if isinstance(given, Tensor) and given.is_floating_point() else given

    def run(*args: Any, **kwargs: Any) -> Any:
        keys = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)
        with torch._C._ExcludeDispatchKeyGuard(keys):
            return operation(*map(cast, args), **{name: cast(value) for name, value in kwargs.items()})

    return run


def moved(network: nn.Module) -> nn.Module:
    """The network's shapes on the device."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            present = torch.empty(parameter.shape, dtype=parameter.dtype, device=GPU)
            setattr(module, name, nn.Parameter(present, parameter.requires_grad))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, torch.empty(buffer.shape, dtype=buffer.dtype, device=GPU))
    return network


OBJECTIVE = Severity(nn.MSELoss(), {"score_range": (0, 63), "training_mean": None})


def networks() -> dict[str, STADRN | Fusion]:
    """One of each kind."""

    def small(attention: str = "sta_af", modality: str = "face") -> STADRN:
        return STADRN(attention, features=4, layers=(1, 1, 1, 1), modality=modality)

    found: dict[str, STADRN | Fusion] = {attention: small(attention) for attention in ATTENTIONS}
    found["audio"] = small(modality="audio")
    spans = {"face": (0.0, 0.8), "audio": (0.0, 0.8)}
    for fusion in FUSIONS:
        found[f"fusion {fusion}"] = Fusion({name: small(modality=name) for name in spans}, fusion, spans)
    return found


def empty(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Something on the device."""
    return torch.empty(shape, dtype=dtype, device=GPU)


def batches(data: CropDataModule) -> tuple[Any, Any]:
    """A training batch and one of windows, as the datamodule leaves them on the device."""
    inputs = {
        "face": empty(CLIPS, FRAMES, 32, 32, 3, dtype=torch.uint8),
        "audio": empty(CLIPS, RATE, dtype=torch.int16),
    }
    present = {"audio": empty(CLIPS, dtype=torch.bool)}
    # Numbers on the host, whose tensors would become fake ones here.
    host = (np.full((CLIPS, 4), 0.9), np.tile(np.arange(4), (CLIPS, 1)), np.array([True, False, True]))
    draws = {"picture": Draw(*host), "sound": SoundDraw(empty(CLIPS, 2, 2), empty(CLIPS, 2, 2))}
    clip = TrainingClip(inputs, present, draws, empty(CLIPS), empty(CLIPS))
    window = Window(inputs, present, empty(CLIPS), *(empty(CLIPS, dtype=torch.long) for _ in range(2)))
    return data.on_after_batch_transfer(clip, 0), data.on_after_batch_transfer(window, 0)


class Data(CropDataModule):
    """What `on_after_batch_transfer` needs of a datamodule."""

    def __init__(self) -> None:
        self.formats, self.augment = {}, DEFAULT
        self._hparams = {"image_size": SIDE}

    @property
    def hparams(self) -> Any:
        """The size alone."""
        return self._hparams


def steps(name: str, network: STADRN | Fusion, training: Any, windows: Any, half: bool) -> None:
    """A training step with its metric, and a batch of windows."""
    torch.set_autocast_enabled(NAME, half)
    torch.set_autocast_dtype(NAME, torch.float16)
    made = nn.functional.linear(empty(1, 4), empty(2, 4)).dtype
    assert made == (torch.float16 if half else torch.float32)
    network.train()
    output = network.score(training.inputs, training.present).float()
    loss = OBJECTIVE.training_loss(output, training.target, training.noise)
    torch.set_autocast_enabled(NAME, False)
    loss.backward()
    states = SimpleNamespace(total=empty(), clips=empty(), rows=[])
    EpochLoss.update(states, loss.detach(), CLIPS)
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and str(gradient.device) == GPU for gradient in gradients)
    assert {gradient.dtype for gradient in gradients if gradient is not None} == {torch.float32}
    torch.nn.utils.get_total_norm([gradient for gradient in gradients if gradient is not None])
    network.eval()
    with torch.no_grad():
        output = network.score(windows.inputs, windows.present)
        WindowScores.update(states, windows.recording, windows.window, windows.target, output)
    print(f"{name}, {'16' if half else '32'} bits")


def main() -> None:
    """Every network in 32 and in 16 bits."""
    libraries = register()
    log_mel._filters_on = lambda device: empty(log_mel.BANDS, 513)  # made from numpy, which is never fake
    # Which clips have audio decides the size of what follows; the network asks, and here nobody can answer.
    Tensor.nonzero = lambda self: torch.arange(len(self) - 1, device=self.device)[:, None]  # type: ignore[assignment]
    found = networks()
    with FakeTensorMode(allow_non_fake_inputs=True):
        training, windows = batches(Data())
        for name, network in found.items():
            moved(network)
            for half in (False, True):
                steps(name, network, training, windows, half)
    del libraries


if __name__ == "__main__":
    main()
