import pytest
import torch
from torch import nn

from compress_core.precision import choose_precision, pick_device
from tests.nets import untrained


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_a_processor_gets_bfloat16_where_it_has_the_instructions(
    capabilities: dict[str, bool], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    found = choose_precision(nn.Linear(2, 2), amp=True, device="cpu")
    assert found.dtype == dtype and found.amp == (dtype != torch.float32)
    assert not found.loss_scaling
    assert found.name == ("bfloat16" if found.amp else "float32")


def test_a_gpu_gets_float16_with_loss_scaling() -> None:
    found = choose_precision(nn.Linear(2, 2), amp=True, device="cuda")
    assert (found.dtype, found.loss_scaling, found.amp) == (torch.float16, True, True)


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_without_amp_everything_is_float32(device: str) -> None:
    found = choose_precision(nn.Linear(2, 2), amp=False, device=device)
    assert (found.dtype, found.amp, found.loss_scaling) == (torch.float32, False, False)
    assert found.reason == "Mixed precision is switched off."


def test_a_device_that_was_not_tested_computes_float32_and_says_so() -> None:
    found = choose_precision(nn.Linear(2, 2), amp=True, device="mps")
    assert found.dtype == torch.float32 and "not tested on mps" in found.reason


@pytest.mark.parametrize(
    ("architecture", "wide"),
    [("lenet-300-100", False), ("lenet-5", False), ("vgg-small", True), ("resnet-20", True)],
)
def test_channels_last_is_for_wide_convolutions(architecture: str, wide: bool) -> None:
    found = choose_precision(untrained(architecture).module, amp=False, device="cpu")
    assert found.channels_last == wide


def test_the_device_is_one_that_this_machine_has() -> None:
    assert torch.zeros(1, device=pick_device()).device.type == pick_device()
