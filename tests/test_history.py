from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pages.shared.choice import Choice, preset_of, recipe_of
from pages.shared.history import LONGEST, History, record, redo, reset, surprise, undo

FIRST = Choice(share=10)


def tried(*shares: int) -> History:
    history = record(None, FIRST)
    for share in shares:
        history = record(history, Choice(share=share))
    return history


def test_one_goes_back_and_forth_between_settings() -> None:
    history = tried(20, 30)
    back = undo(undo(history))
    assert back.present.share == 10
    assert undo(back) is back
    assert redo(back).present.share == 20
    assert redo(redo(back)) == history
    assert redo(history) is history


def test_a_new_setting_ends_what_was_taken_back() -> None:
    history = record(undo(tried(20, 30)), Choice(share=40))
    assert [choice.share for choice in history.past] == [10, 20]
    assert history.present.share == 40 and history.future == ()


def test_looking_again_is_no_move() -> None:
    history = undo(tried(20))
    assert record(history, history.present) is history


def test_another_network_starts_anew() -> None:
    other = Choice(scenario="digits/simple-nn", share=20)
    assert record(tried(20, 30), other) == History(present=other)
    assert record(tried(20), Choice(share=20, seed=1)).past == ()


def test_only_so_many_are_remembered() -> None:
    history = record(None, FIRST)
    for step in range(LONGEST + 50):
        history = record(history, Choice(threshold=step / 1000))
    assert len(history.past) == LONGEST
    assert history.past[-1].threshold == (LONGEST + 48) / 1000


@given(st.lists(st.one_of(st.integers(0, 99), st.sampled_from(["undo", "redo"])), max_size=30))
def test_what_was_undone_can_be_redone(moves: list[int | str]) -> None:
    history = record(None, FIRST)
    for move in moves:
        if isinstance(move, int):
            history = record(history, Choice(share=move))
        else:
            history = {"undo": undo, "redo": redo}[move](history)
        assert not history.past or redo(undo(history)) == history
        assert not history.future or undo(redo(history)) == history
        line = (*history.past, history.present, *history.future)
        assert all(one != other for one, other in pairwise(line))


@given(st.integers(0, 1000))
def test_a_surprise_is_another_setting_of_the_same_network(seed: int) -> None:
    start = Choice(seed=2, recipe=recipe_of(Choice()).to_json())
    found = surprise(start, Random(seed))
    assert found != start and (found.scenario, found.seed) == (start.scenario, 2)
    assert 10 <= found.share <= 70 and 3 <= found.weight_bits <= 8 and not found.recipe
    assert surprise(found, Random(seed)) != found
    recipe_of(found)


def test_resetting_keeps_the_network_and_nothing_else() -> None:
    moved = replace(Choice(seed=1), share=77, allocation="lamp")
    assert reset(moved) == Choice(seed=1)
    assert preset_of(reset(moved)) == "balanced"
