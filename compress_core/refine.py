"""
Measure networks on more and more samples, in a thread of its own, while somebody looks.

What was measured is kept in a ledger, so what was dropped half-way goes on from there when it is
wanted again.
"""

import atexit
from collections.abc import Hashable, Mapping
from threading import Event, Thread
from weakref import WeakSet, finalize

from compress_core.compressed import Compressed
from compress_core.data import Part
from compress_core.evaluate import Answers, answer

STEP = 100
"""Samples between two looks at whether the work is still wanted; whole batches of an evaluation."""
LEAST = 8
"""The same for networks so large that a hundred samples take long."""
FIRST_MACS = 3_200_000_000
"""Multiplications that are worth waiting for: some tenths of a second on slow cores."""
FEWEST, ENOUGH = 200, 1_000
"""Samples that the first result stands on, at least and at most."""
PAUSE = 0.3
"""Seconds after the first result in which whoever asked for it has the processor to itself."""


def first_samples(macs: int, total: int) -> int:
    """Return on how many samples a network of so many *macs* a sample is measured at first."""
    affordable = FIRST_MACS // max(1, macs)
    if affordable < STEP:
        return min(total, max(LEAST, affordable // LEAST * LEAST))
    affordable = affordable // STEP * STEP
    return min(total, max(FEWEST, min(ENOUGH, affordable)))


def look_first(
    networks: Mapping[Hashable, Compressed], part: Part, first: int, ledger: "Ledger"
) -> None:
    """
    Measure networks on the *first* samples here and now, unless that takes long.

    A thread of its own would not be sooner: whoever waits for it has other work meanwhile, and
    Python does one thing at a time.
    """
    for key, network in networks.items():
        known, soon = ledger.get(key), network.network.macs * first <= 2 * FIRST_MACS
        if soon and first > (0 if known is None else len(known)):
            ledger.put(key, answer(network, part.head(first), known))


class Ledger:
    """The answers of the last networks that were measured, each under a key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: dict[Hashable, Answers] = {}

    def get(self, key: Hashable) -> Answers | None:
        """Return the answers that are known of a network."""
        return self._answers.get(key)

    def put(self, key: Hashable, answers: Answers) -> None:
        """Keep answers unless more are known already; the oldest network makes room."""
        known = self._answers.pop(key, None)
        longer = answers if known is None or len(known) < len(answers) else known
        self._answers[key] = longer
        for oldest in list(self._answers)[: -self._most]:
            self._answers.pop(oldest, None)


class Refinement:
    """
    Measures some networks on the same growing number of samples of *part*, the first ones *first*.

    It ends by itself after the last sample, when told to, when nobody holds it any more and with
    the program.
    """

    def __init__(
        self, networks: Mapping[Hashable, Compressed], part: Part, first: int, ledger: Ledger
    ) -> None:
        self._work = _Work(networks, part, first, ledger)
        finalize(self, self._work.dropped.set).atexit = False
        self._work.thread.start()

    @property
    def total(self) -> int:
        """Number of samples that it will have measured in the end."""
        return len(self._work.part)

    @property
    def over(self) -> bool:
        """Whether all samples were measured."""
        return any(len(answers) == self.total for answers in self._work.published.values())

    @property
    def answers(self) -> Mapping[Hashable, Answers]:
        """
        Answers of all networks, of each the same number; empty before the first result.

        Raises whatever the evaluation stumbled over.
        """
        if self._work.problem is not None:
            raise self._work.problem
        return self._work.published

    def wait(self, seconds: float | None, *, over: bool = False) -> None:
        """Wait for the first result, or for the last one, but no longer than *seconds*."""
        (self._work.ended if over else self._work.begun).wait(seconds)

    def stop(self) -> None:
        """Drop the work; it ends within `STEP` samples."""
        self._work.dropped.set()


class _Work:
    """What the thread knows: not the Refinement, so that this is gone when nobody holds it."""

    def __init__(
        self, networks: Mapping[Hashable, Compressed], part: Part, first: int, ledger: Ledger
    ) -> None:
        self.networks, self.part, self.ledger = dict(networks), part, ledger
        self.first, self.step = first, max(1, min(STEP, first))  # none without samples
        self.published: Mapping[Hashable, Answers] = {}
        self.problem: Exception | None = None
        self.dropped, self.begun, self.ended = Event(), Event(), Event()
        self.thread = Thread(target=self._run, name="refinement", daemon=True)
        _WORKS.add(self)

    def _run(self) -> None:
        try:
            self._refine()
        except Exception as error:  # raised again where somebody looks
            self.problem = error
        finally:
            self.begun.set()
            self.ended.set()

    def _refine(self) -> None:
        nothing = Answers(self.part.y[:0], self.part.y[:0].float())
        known = {key: self.ledger.get(key) or nothing for key in self.networks}
        start, total = max(self.first, min(map(len, known.values()))), len(self.part)
        for count in (*range(start, total, max(self.step, self.first // 2)), total):
            known = {key: self._extended(key, answers, count) for key, answers in known.items()}
            if self.dropped.is_set():
                return
            self.published = {key: answers.head(count) for key, answers in known.items()}
            if not self.begun.is_set():
                self.begun.set()
                self.dropped.wait(PAUSE if count < total else 0)

    def _extended(self, key: Hashable, answers: Answers, count: int) -> Answers:
        """Return *count* answers or more; fewer when the work is dropped."""
        for stop in (*range(len(answers) + self.step, count, self.step), count):
            if len(answers) < stop and not self.dropped.is_set():
                answers = answer(self.networks[key], self.part.head(stop), answers)
                self.ledger.put(key, answers)
        return answers


_WORKS: WeakSet[_Work] = WeakSet()


@atexit.register
def _end_all() -> None:
    """Let no thread be inside torch when the interpreter goes down."""
    works = list(_WORKS)
    for work in works:
        work.dropped.set()
    for work in works:
        work.thread.join()
