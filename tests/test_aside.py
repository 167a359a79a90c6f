"""Packing in a process aside: the same bytes, and a file comes whatever becomes of the process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest

from compress_core import aside
from compress_core.ans import Array
from compress_core.aside import Packing
from compress_core.codec import Packed, pack, unpack

CODES = np.arange(-60, 60, dtype=np.int8).reshape(20, 6)
SOME: dict[str, Array] = {
    "codes": CODES,
    "scale": np.array(0.5, np.float32),
    "none": np.ones((0, 3), bool),
}
OTHERS: dict[str, Array] = {"turned": CODES.T, "values": np.linspace(-1, 1, 50, dtype=np.float32)}


@pytest.fixture(scope="module", autouse=True)
def child() -> Iterator[aside.Child]:
    yield aside._child()
    aside._forget()


def packed(*parts: dict[str, Array]) -> Packed:
    with Packing() as packing:
        for part in parts:
            packing.add(part)
    return packing.result()


def cpu_seconds() -> float:
    times = psutil.Process(aside._child().pid).cpu_times()
    return float(times.user + times.system)


def test_arrays_that_come_in_parts_are_packed_as_if_they_had_come_together() -> None:
    assert packed(SOME, OTHERS) == pack({**SOME, **OTHERS})
    assert packed(OTHERS) == pack(OTHERS)


def test_what_comes_again_takes_the_place_of_what_came_first() -> None:
    guess: dict[str, Array] = {"codes": CODES + np.int8(1), "scale": SOME["scale"]}
    # The order of the file is that in which things came last.
    assert packed(guess, OTHERS, SOME) == pack({**OTHERS, **SOME})
    assert packed({"codes": CODES.astype(np.int16)}, SOME) == pack(SOME)
    assert packed({"codes": CODES.ravel()}, SOME) == pack(SOME)


def test_guesses_that_were_wrong_are_left_out() -> None:
    with Packing() as packing:
        packing.add(OTHERS)
        packing.complete(SOME)
    assert packing.result() == pack(SOME)


def test_what_came_before_is_not_packed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    parcels = aside._parcels

    def noted(given: dict[str, Array]) -> Iterator[bytes]:
        sent.extend(given)
        return parcels(given)

    monkeypatch.setattr(aside, "_parcels", noted)
    assert packed({"codes": CODES.copy()}, SOME, OTHERS) == pack({**SOME, **OTHERS})
    assert sent == ["codes", "scale", "none", "turned", "values"]


def test_what_is_packed_aside_decodes() -> None:
    layout = {"turned": ("int8", (6, 20)), "values": ("float32", (50,))}
    arrays = unpack(packed(OTHERS).data, layout)
    assert (arrays["turned"] == CODES.T).all()
    assert arrays["values"].tobytes() == OTHERS["values"].tobytes()


def test_another_process_does_it() -> None:
    assert aside._child().pid != os.getpid()
    before = cpu_seconds()
    packed({"noise": np.random.default_rng(0).integers(-100, 100, (600, 600)).astype(np.int8)})
    assert cpu_seconds() > before


def test_work_goes_on_here_while_it_packs() -> None:
    with Packing() as packing:
        packing.add(SOME)
        assert not packing._packed.done()  # not before it is told that this was all
    assert packing.result() == pack(SOME)


@pytest.mark.parametrize("moment", ["before", "between"])
def test_a_process_that_dies_costs_time_and_nothing_else(moment: str) -> None:
    packed(SOME)
    if moment == "before":
        aside._child().send_signal(signal.SIGKILL)
    with Packing() as packing:
        packing.add(SOME)
        if moment == "between":
            aside._child().send_signal(signal.SIGKILL)
            aside._child().wait(10)
        packing.add(OTHERS)
    assert packing.result() == pack({**SOME, **OTHERS})
    assert packed(SOME) == pack(SOME)


def test_half_an_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    half = "import os, sys; os.write(1, b'[100, {}]\\nhalf'); os.close(1); sys.stdin.buffer.read()"
    aside._forget()
    program = [sys.executable, "-c", half]
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _, **how: start(program, **how))
    assert packed(SOME) == pack(SOME)


def test_without_a_process_files_are_packed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    aside._forget()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert packed(SOME) == pack(SOME)


def test_what_cannot_be_packed_is_refused_in_the_same_words() -> None:
    with pytest.raises(ValueError, match="make them float32"):
        packed(SOME, {"double": np.ones(3)})
    assert packed(SOME) == pack(SOME)


def test_an_error_on_the_way_does_not_block_what_comes_next() -> None:
    with pytest.raises(ZeroDivisionError), Packing() as packing:
        packing.add(SOME)
        1 / 0  # noqa: B018
    assert packed(OTHERS) == pack(OTHERS)


def test_the_process_ends_with_the_input() -> None:
    packed(SOME)
    child = aside._child()
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(10) == 0
    assert packed(SOME) == pack(SOME)
