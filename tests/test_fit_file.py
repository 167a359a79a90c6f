import zlib
from base64 import b85decode
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from compress_core import envelope
from compress_core.compress import compress
from compress_core.compressed import Compressed
from compress_core.data import Part
from compress_core.evaluate import evaluate
from compress_core.fit_file import Fit, from_bytes, load_fit, save_fit, to_bytes
from compress_core.network import from_module
from compress_core.recipe import Prune, Quantize, Recipe
from compress_core.scenarios import load_scenario
from compress_core.sizes import sizes
from compress_core.zoo.build import build
from tests.test_packed import SETTINGS, compressed


def small() -> Compressed:
    return compressed("digits/simple-nn", "bold")


def outputs(model: Compressed, part: Part) -> torch.Tensor:
    with torch.inference_mode():
        return model.module(part.inputs(0, 200))


def resealed(data: bytes, change: Any) -> bytes:
    """Return the file with a changed description and a checksum that is right."""
    description, content = envelope.split(envelope.check(data))
    return envelope.seal(change(description), content)


def preview_cases() -> Iterator[tuple[str, str]]:
    yield from (("digits/simple-nn", setting) for setting in SETTINGS)
    for setting in ("pruned", "8 bit", "kernels"):
        yield "fashion-mnist/lenet-5", setting


@pytest.mark.parametrize(("scenario", "setting"), list(preview_cases()))
def test_a_file_answers_bit_for_bit_like_the_preview(
    scenario: str, setting: str, tmp_path: Path
) -> None:
    before, path = compressed(scenario, setting), tmp_path / "network.fit"
    length = save_fit(before, path, {"mean": 72.9, "note": "ümlaut"})
    after = load_fit(path)
    part = load_scenario(scenario).data.test.head(1000)
    assert torch.equal(outputs(after, part), outputs(before, part))
    assert evaluate(after, part) == evaluate(before, part)
    assert length == path.stat().st_size
    assert after.metadata == {"mean": 72.9, "note": "ümlaut"}
    assert after.recipe == before.recipe
    for what in ("name", "input_shape", "labels", "layers"):
        assert getattr(after.network, what) == getattr(before.network, what)


def test_residual_networks_with_batch_norm_come_back() -> None:
    network = from_module(build("resnet-20", 4), (1, 28, 28), ("a", "b"), "resnet-20")
    for steps in ((), (Prune(sparsity=0.5, granularity="channel"), Quantize(weight_bits=4))):
        before = compress(network, Recipe(steps=steps))
        after = from_bytes(to_bytes(before).data)
        x = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            assert torch.equal(after.module(x), before.module(x))


def test_a_loaded_file_answers_raw_samples(tmp_path: Path) -> None:
    save_fit(small(), tmp_path / "network.fit")
    after, part = load_fit(tmp_path / "network.fit"), load_scenario("digits/simple-nn").data.test
    assert torch.equal(after.answer(part.x[:200].byte()), outputs(small(), part))
    assert (after.network.mean, after.network.std) == (4.9, 6.0)
    assert (after.network.labels, after.network.input_shape) == (tuple("0123456789"), (1, 8, 8))


def test_each_channel_may_have_a_scale_of_its_own() -> None:
    colours = nn.Sequential(nn.Conv2d(3, 2, 4), nn.Flatten())
    network = from_module(colours, (3, 4, 4), ("a", "b"), "colours")
    network = replace(network, mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 8.0))
    after = from_bytes(to_bytes(compress(network, Recipe())).data)
    raw = torch.tensor([9, 12, 19], dtype=torch.uint8).reshape(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert torch.equal(after.answer(raw), network.module(torch.full((1, 3, 4, 4), 2.0)))


def test_the_number_on_the_screen_is_the_file_on_the_disk(tmp_path: Path) -> None:
    assert sizes(small()).packed_bytes == save_fit(small(), tmp_path / "a.fit")


def test_what_was_loaded_is_saved_as_the_same_file() -> None:
    data = to_bytes(small()).data
    after = from_bytes(data)
    assert to_bytes(after).data == data
    assert sizes(after).packed_bytes == len(data)


def test_a_loaded_network_can_be_compressed_further() -> None:
    after = from_bytes(to_bytes(compressed("digits/simple-nn", "nothing")).data)
    again = compress(after.network, Recipe(steps=(Quantize(weight_bits=4),)))
    assert to_bytes(again).data == to_bytes(compressed_to_four_bits()).data


def compressed_to_four_bits() -> Compressed:
    network = load_scenario("digits/simple-nn").network
    return compress(network, Recipe(steps=(Quantize(weight_bits=4),)))


def test_saving_and_loading_leave_the_network_alone() -> None:
    before = small()
    values = {n: v.clone() for n, v in before.network.module.state_dict().items()}
    from_bytes(to_bytes(before).data)
    after = before.network.module.state_dict()
    assert all(torch.equal(after[name], value) for name, value in values.items())


def test_every_flipped_byte_is_noticed() -> None:
    data = to_bytes(small()).data
    for place in range(len(data)):
        for flip in (1, 128, 255):
            damaged = bytearray(data)
            damaged[place] ^= flip
            with pytest.raises(ValueError, match=r"\.$"):
                from_bytes(bytes(damaged))


def test_every_cut_is_noticed() -> None:
    data = to_bytes(small()).data
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"not a packed network|cut short"):
            from_bytes(data[:length])
    with pytest.raises(ValueError, match="damaged"):
        from_bytes(data + b"\0")


def test_a_newer_version_says_so() -> None:
    data = bytearray(to_bytes(small()).data)
    data[4] = 2
    with pytest.raises(ValueError, match=r"version 2; this app reads version 1\. Update the app"):
        from_bytes(bytes(data))


def test_something_else_says_so(tmp_path: Path) -> None:
    path = tmp_path / "picture.fit"
    path.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match="not a packed network"):
        load_fit(path)


def test_a_recipe_of_another_version_says_so() -> None:
    def change(description: dict[str, Any]) -> dict[str, Any]:
        return {**description, "recipe": {**description["recipe"], "version": 99}}

    with pytest.raises(ValueError, match="recipe has version 99"):
        from_bytes(resealed(to_bytes(small()).data, change))


ODD = [None, True, -1, 0, 3, 1 << 40, 1e300, "", "x", "fc1", [], [1 << 31] * 3, {}, {"node": "x"}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to everything in a JSON value."""
    found = [path]
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(part, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = deepcopy(value)
    home = changed
    for key in path[:-1]:
        home = home[key]
    home[path[-1]] = new
    return changed


def loads_or_says_why(data: bytes) -> None:
    try:
        found = from_bytes(data)
    except ValueError as error:
        assert str(error).endswith(".")
    else:
        assert isinstance(found, Fit)


@given(st.data())
def test_any_changed_description_is_refused_in_a_sentence(data: st.DataObject) -> None:
    file = to_bytes(compressed("digits/simple-nn", "8 bit")).data
    description, content = envelope.split(envelope.check(file))
    path = data.draw(st.sampled_from(places(description)[1:]))
    changed = replaced(description, path, data.draw(st.sampled_from(ODD)))
    loads_or_says_why(envelope.seal(changed, content))


@given(st.data())
def test_any_changed_content_is_refused_in_a_sentence(data: st.DataObject) -> None:
    file = to_bytes(compressed("digits/simple-nn", "two ways")).data
    description, content = envelope.split(envelope.check(file))
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, min(len(content), start + 9)))
    middle = data.draw(st.binary(max_size=9))
    loads_or_says_why(envelope.seal(description, content[:start] + middle + content[stop:]))


@given(st.binary(max_size=60))
def test_anything_behind_a_right_checksum_is_refused_in_a_sentence(body: bytes) -> None:
    head = envelope.MAGIC + bytes([envelope.VERSION]) + zlib.crc32(body).to_bytes(4, "little")
    with pytest.raises(ValueError, match=r"does not describe a network: .*\.$"):
        from_bytes(head + body)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("network", "input"), [1 << 20, 1 << 20]),
        (("network", "input"), [-1, 8, 8]),
        (("network", "input"), []),
        (("network", "leaves", 1, 1, "out_features"), 1 << 44),
        (("network", "leaves", 1, 1, "out_features"), 3_000_000),
        (("grids", "fc1", "stored", "scale"), [1 << 50]),
        (("grids", "fc1", "stored", "scale"), [-100]),
        (("grids", "fc1", "bits"), 64),
        (("grids", "fc1", "low"), 5),
        (("grids", "fc1", "codes"), "int64"),
        (("grids", "fc1", "kind"), "pickle"),
        (("grids", "fc9"), None),
        (("masked",), ["nobody"]),
        (("mean",), "dark"),
        (("std",), [1.0, None]),
        (("recipe", "steps", 0, "sparsity"), 7),
    ],
)
def test_absurd_descriptions_are_refused(path: tuple[Any, ...], value: Any) -> None:
    file = resealed(to_bytes(small()).data, lambda d: replaced(d, path, value))
    with pytest.raises(ValueError, match="does not describe a network"):
        from_bytes(file)


def test_a_description_that_inflates_without_end_is_refused() -> None:
    packer = zlib.compressobj(9, wbits=-15, zdict=envelope.DICTIONARY)
    bomb = packer.compress(b" " * (3 * envelope.LONGEST)) + packer.flush()
    body = bytes([len(bomb) & 127 | 128, len(bomb) >> 7 & 127 | 128, len(bomb) >> 14]) + bomb
    head = envelope.MAGIC + bytes([envelope.VERSION]) + zlib.crc32(body).to_bytes(4, "little")
    with pytest.raises(ValueError, match="cut short or too long"):
        from_bytes(head + body)


def test_deeply_nested_descriptions_are_refused() -> None:
    text = b'{"network":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    packer = zlib.compressobj(9, wbits=-15, zdict=envelope.DICTIONARY)
    deep = packer.compress(text) + packer.flush()
    body = bytes([len(deep) & 127 | 128, len(deep) >> 7]) + deep
    head = envelope.MAGIC + bytes([envelope.VERSION]) + zlib.crc32(body).to_bytes(4, "little")
    with pytest.raises(ValueError, match="does not describe a network"):
        from_bytes(head + body)


def test_what_cannot_be_described_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_fit(small(), tmp_path / "a.fit", {"data": float("nan")})
    assert not list(tmp_path.glob("*.fit"))


GOLDEN = (
    "jz&pT0Ti!{k<|gcmpu-{APh$D(m6w7%+FmqRGqq|a|iBTLj~A4D5yi$=-DXY!RH+L_e!t43;A$Cq28X7;X~h(o(?"
    "n|y4S0R+Pr~o=ZfJ4hPhs_pcWmJDm9@qbI!f{?XlJ==bh6c=YHGZ(kIq}O%-gsfEqRy6bpjoeT`y`V1coySQM;bt"
    "W~TPEHc(9)(O@!)+^Qv)-`tKBvHR|l30AK6VVa=iVo~^3v-lswjdkmeoLCUIIMGApq6pzlej2#O%{uxz@}T~d~ll"
    "|H~62?Gw&m;Ksz75uw8+G06djMzCO1lEGsJ}$EsOW{t(?p0_Z+*csTvrrxF0DY-Scvu15h#PrYYWk;FKqf$Z&+p+"
    "Uf+I0b;XxH=)%DEOA%YBpieJi_QeStY+Mr-<$gxay2GAqrZ}?^@le7@G<S@LqcTYZhD2@}_J*AlZG1QlaHzR4Y-Z"
    "@QM9`p)jvbJH*o!Fko_1<q&Yfg<M8k<rN-!=u@9vHIW2lajH_d3d3Y)<*<A$ln|2)_)o?{#(t5zX3|M-;nB!<=gD"
    "Z)f8AdZrn6n4c0(tWbfz1{;+%=m&qsQ0KBT&Tq`Uh0g&7VfKL*I<-Ea&F_8<Pl@7N-9<u0Z-B69VY`O#=E*ZIK37"
    "n_rCEc5-Qf5-oq0XLxTV?tD3VcrZLb;ZW9gqI_JE0(x}Ar@SCkingmENmN<f;S(h!9z_R)lC9`PJi<_Ybg5<W;#C"
    "sa`AvaKR*C~fPer10000000000000000000000000000000000000000002J#004kLKR*C~fPer1vN{e3LTo*bVs"
    "|4wJw4<T4G<z0G(t`1T^@5JKiLQ8=8SG<9(z_bC%yHt=r)_4gA4"
)
"""A convolution on 4 bits, a pruned float layer, a codebook, rounded input: version 1, in 674 B."""


def test_files_of_today_can_be_read_for_ever() -> None:
    after = from_bytes(b85decode(GOLDEN))
    values = b"".join(v.numpy().tobytes() for v in after.module.state_dict().values())
    assert sha256(values).hexdigest().startswith("0adcaf8ac59d1a3ae4310065")
    assert [grid.kind for grid in after.weight_grids.values()] == ["linear", "codebook"]
    assert after.activation_grids["input_1"].bits == 8
    assert after.network.labels == ("no", "yes")
    assert after.metadata == {"made": "2026"}
    assert (after.network.mean, after.network.std) == (0, 1)  # as files were before these were kept
