"""A network that reads several modalities: an encoder for each, and three ways to join what they tell.

Every encoder gives tokens in time, ``(B, L, C)``. A STA-DRN's are its last stage's: for a face means over the
picture, for audio means over the bands. A signal's are its moments, of which some may be missing. What a
recording lacks is masked: it decides nothing, and no encoder takes statistics of it.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_lightning.network.encoder import Encoder, Network, mean_over

FUSIONS = ("mean", "gated", "attention")
WIDTH = 128
HEADS = 4
LONGEST_WAVE_S = 100.0


class Fusion(Network):
    """Encoders and what joins them.

    Args:
        encoders: by modality, in a fixed order.
        fusion: "mean": each modality has a head, and the score is the mean of those that are there.
            "gated": a softmax over the modalities that are there weighs their embeddings.
            "attention": a learned query asks the tokens of all of them, on one clock.
        spans: of face and audio the first and last moment, in seconds of the clip, of what is read.
        moment_s: seconds from one moment of a signal to the next.
        num_classes: outputs; 1 for severity.
        dropout: probability before the head.
        bounded: a sigmoid keeps the output within 0..1.
        drop_modality: probability that training hides a modality of a clip; never all of them.
        frozen: modalities whose encoders stay as they are.

    Attributes:
        exporting: in evaluation every clip goes through every encoder, and what is missing is masked after
            it: the same scores by shapes that no mask decides. No gates are kept.
        gates: ``(B, M)`` of the last batch, sums of 1; None where the fusion has none.

    Raises:
        InputError: an argument is outside its choices.
    """

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        fusion: str,
        spans: Mapping[str, tuple[float, float]],
        num_classes: int = 1,
        dropout: float = 0.0,
        bounded: bool = False,
        drop_modality: float = 0.2,
        frozen: Sequence[str] = (),
        moment_s: float = 0.1,
    ) -> None:
        super().__init__()
        if fusion not in FUSIONS:
            raise InputError(f"unknown fusion '{fusion}': choose one of {', '.join(FUSIONS)}")
        if len(encoders) < 2:
            raise InputError("a fusion needs two modalities or more")
        if not 0 <= drop_modality < 1:
            raise InputError(f"drop_modality is {drop_modality}: it must be at least 0 and below 1")
        for name in encoders:
            if not name.isidentifier() or hasattr(nn.ModuleDict, name):
                raise InputError(f"a signal cannot be called {name}; take another name of letters")
        if strange := [name for name in frozen if name not in encoders]:
            raise InputError(f"frozen names {strange[0]}, none of {', '.join(encoders)}")
        self.modalities = tuple(encoders)
        self.encoders = nn.ModuleDict(encoders)
        self.fusion, self.spans, self.moment_s, self.bounded = fusion, dict(spans), moment_s, bounded
        self.drop_modality, self.frozen = drop_modality, tuple(frozen)
        self.dropout = nn.Dropout(dropout)
        self.widths = {name: encoder.width for name, encoder in encoders.items()}
        for encoder in encoders.values():
            encoder.give_head(num_classes)
        if fusion != "mean":
            for encoder in encoders.values():
                encoder.fc = nn.Identity()  # the one head is this network's
            self.project = nn.ModuleDict(
                {name: nn.Linear(width, WIDTH) for name, width in self.widths.items()}
            )
            self.fc = nn.Linear(WIDTH, num_classes)
        if fusion == "gated":
            self.norm = nn.ModuleDict({name: nn.LayerNorm(WIDTH) for name in encoders})
            self.gate = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1, bias=False))
        if fusion == "attention":
            self.kind = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(WIDTH)) for name in encoders})
            self.query = nn.Parameter(0.02 * torch.randn(WIDTH))
            self.layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=True
            )
        for name in self.frozen:
            self.encoders[name].requires_grad_(False)
        self.train()  # but for those

    @property
    def parts(self) -> Mapping[str, Encoder]:
        """The encoders."""
        return {name: self.encoders[name] for name in self.modalities}  # type: ignore[misc] # made of them

    @property
    def heads(self) -> Sequence[nn.Linear]:
        """The last layers, whose biases are scores."""
        if self.fusion != "mean":
            return [self.fc]
        return [encoder.fc for encoder in self.encoders.values()]  # type: ignore[misc] # all have a head

    def train(self, mode: bool = True) -> "Fusion":
        """As any network; frozen encoders stay in evaluation."""
        super().train(mode)
        for name in self.frozen:
            self.encoders[name].eval()
        return self

    def score(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """As `forward`."""
        output: Tensor = self(inputs, present)
        return output

    def forward(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """Score clips.

        Args:
            inputs: each modality's, as its encoder reads them.
            present: bool ``(B,)`` of modalities that clips may lack; those without an entry are always there.

        Returns:
            ``(B, num_classes)``.
        """
        first = inputs[self.modalities[0]]
        given = torch.stack([self._present(name, present, first) for name in self.modalities], 1)  # (B, M)
        found = [
            self._tokens(name, inputs[name], given[:, number]) for number, name in enumerate(self.modalities)
        ]
        seen = self._drop(given) if self.training else given
        seen = seen | ~seen.any(1, keepdim=True)  # of whom nothing is there, all that is not there is asked
        if self.fusion == "attention":
            return self._attention(found, seen)
        means = [mean_over(*one) for one in found]
        return self._mean(means, seen) if self.fusion == "mean" else self._gated(means, seen)

    def _present(self, name: str, present: Mapping[str, Tensor], like: Tensor) -> Tensor:
        return present.get(name, torch.ones(like.shape[0], dtype=torch.bool, device=like.device))

    def _drop(self, given: Tensor) -> Tensor:
        """Hide modalities at random, but no clip's last one."""
        kept = given & (torch.rand(given.shape, device=given.device) >= self.drop_modality)
        return torch.where(kept.any(1, keepdim=True), kept, given)

    def _tokens(self, name: str, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor | None]:
        """``(B, L, C)``, zeros of clips that lack the modality; and which are there, where some are not."""
        encoder = self.parts[name]
        if encoder.skips_missing:
            return encoder.tokens(x.masked_fill(~given[:, None, None], torch.nan))
        if self.exporting and not self.training:
            found, mask = encoder.tokens(x)
            return found.where(given[:, None, None], 0), mask
        rows = given.nonzero().squeeze(1)
        if len(rows) == len(x):
            return encoder.tokens(x)
        if len(rows):
            found, mask = encoder.tokens(x[rows])
            whole = found.new_zeros(len(x), *found.shape[1:]).index_copy(0, rows, found)
            if mask is not None:
                mask = mask.new_zeros(len(x), mask.shape[1]).index_copy(0, rows, mask)
            return whole, mask
        empty = x.new_zeros(len(x), encoder.token_count(x), self.widths[name])
        if not self.training:
            return empty, None
        # Processes that share a step wait for every parameter's gradient; here it is zero.
        return empty + 0 * sum(parameter.sum() for parameter in encoder.parameters()), None

    def _mean(self, means: Sequence[Tensor], seen: Tensor) -> Tensor:
        outputs = []
        for name, found in zip(self.modalities, means, strict=True):
            output = self.encoders[name].get_submodule("fc")(self.dropout(found))
            outputs.append(output.sigmoid() if self.bounded else output)
        weights = seen.to(outputs[0].dtype) / seen.sum(1, keepdim=True)
        return (torch.stack(outputs, 1) * weights[:, :, None]).sum(1)

    def _gated(self, means: Sequence[Tensor], seen: Tensor) -> Tensor:
        embedded = torch.stack(
            [
                self.norm[name](self.project[name](found))
                for name, found in zip(self.modalities, means, strict=True)
            ],
            1,
        )
        logits = self.gate(embedded).squeeze(2).masked_fill(~seen, float("-inf"))
        gates = logits.softmax(1)
        if not self.exporting:
            self.gates = gates.detach()
        return self._head((gates[:, :, None] * embedded).sum(1))

    def _attention(self, tokens: Sequence[tuple[Tensor, Tensor | None]], seen: Tensor) -> Tensor:
        parts, shown = [], []
        for number, (name, (found, present)) in enumerate(zip(self.modalities, tokens, strict=True)):
            parts.append(self.project[name](found) + self.kind[name] + self._clock(name, found))
            whole = seen[:, number, None].expand(found.shape[:2])
            shown.append(whole if present is None else whole & present)
        hidden = ~torch.cat(shown, 1)
        query = self.query.to(parts[0].dtype).expand(seen.shape[0], 1, WIDTH)
        asked = torch.cat([query, *parts], 1)
        never = torch.zeros(seen.shape[0], 1, dtype=torch.bool, device=seen.device)
        return self._head(self.layer(asked, src_key_padding_mask=torch.cat([never, hidden], 1))[:, 0])

    def _clock(self, name: str, tokens: Tensor) -> Tensor:
        """Sinusoids (L, WIDTH) of the middles of evenly spaced tokens, in seconds: one clock for all."""
        count = tokens.shape[1]
        start, end = self.spans.get(name, (0.0, count * self.moment_s))  # a signal has a token a moment
        times = start + (torch.arange(count, device=tokens.device) + 0.5) * ((end - start) / count)
        waves = torch.exp(
            torch.arange(0, WIDTH, 2, device=tokens.device) * (-math.log(LONGEST_WAVE_S) / WIDTH)
        )
        angles = times[:, None] * waves[None] * 2 * math.pi
        return torch.stack([angles.sin(), angles.cos()], 2).flatten(1).to(tokens.dtype)

    def _head(self, embedded: Tensor) -> Tensor:
        output: Tensor = self.fc(self.dropout(embedded))
        return output.sigmoid() if self.bounded else output
