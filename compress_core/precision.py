"""Which arithmetic a device trains fastest in: the choices that mixed precision (AMP) makes."""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How forward passes are computed; master weights are always float32."""

    device: str
    dtype: torch.dtype
    channels_last: bool
    reason: str

    @property
    def amp(self) -> bool:
        """Whether anything is computed in less than float32."""
        return self.dtype != torch.float32

    @property
    def loss_scaling(self) -> bool:
        """Whether gradients would underflow without a GradScaler (float16 alone needs one)."""
        return self.dtype == torch.float16

    @property
    def name(self) -> str:
        """The dtype as shown and stored: float32, bfloat16 or float16."""
        return str(self.dtype).removeprefix("torch.")


def pick_device() -> str:
    """Return the fastest kind of device that this machine has: cuda, mps or cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_precision(module: nn.Module, amp: bool, device: str | None = None) -> Precision:
    """
    Pick dtype and memory layout for *module* by what the device can do.

    CUDA computes float16 with loss scaling, a CPU bfloat16 where it has the instructions
    (emulated, either is slower than float32), anything else float32.
    """
    device = device or pick_device()
    dtype, reason = _dtype(amp, device)
    return Precision(
        device=device, dtype=dtype, channels_last=_wide_convolutions(module), reason=reason
    )


def _dtype(amp: bool, device: str) -> tuple[torch.dtype, str]:
    if not amp:
        return torch.float32, "Mixed precision is switched off."
    if device == "cuda":
        return torch.float16, "This GPU computes float16; loss scaling keeps small gradients."
    if device == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16, "This processor has bfloat16 instructions."
    if device == "cpu":
        return torch.float32, "This processor has no bfloat16 instructions, so float32 is faster."
    return torch.float32, f"Mixed precision was not tested on {device}, so float32 is used."


def _cpu_has_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _wide_convolutions(module: nn.Module) -> bool:
    """Tell whether NHWC pays: only convolutions with many channels both ways gain from it."""
    return any(
        min(layer.in_channels, layer.out_channels) >= 16
        for layer in module.modules()
        if isinstance(layer, nn.Conv2d)
    )
