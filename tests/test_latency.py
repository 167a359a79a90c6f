import time

from compress_core.latency import FEWEST, MOST, compare


def test_a_slower_call_is_slower() -> None:
    latency = compare(lambda: time.sleep(0.001), lambda: time.sleep(0.004), seconds=0.0)

    assert 0.001 <= latency.before < 0.004 <= latency.after
    assert latency.speedup < 0.9
    assert latency.rounds == FEWEST


def test_calls_are_made_in_turns_and_both_come_first_equally_often() -> None:
    calls: list[str] = []
    latency = compare(lambda: calls.append("before"), lambda: calls.append("after"))

    assert latency.rounds == MOST
    counted = calls[-2 * MOST :]
    pairs = list(zip(counted[::2], counted[1::2], strict=True))
    assert all(set(pair) == {"before", "after"} for pair in pairs)
    assert [first for first, _ in pairs].count("before") == MOST / 2


def test_the_speedup_is_that_of_rounds_not_of_medians() -> None:
    # Every second round the machine is ten times slower, for both calls alike.
    def call(seconds: float) -> None:
        slow = 10 if next(rounds) // 2 % 2 else 1
        time.sleep(seconds * slow)

    rounds = iter(range(10_000))
    latency = compare(lambda: call(0.0004), lambda: call(0.0001), seconds=0.0)

    assert latency.speedup > 1.2
