from dataclasses import replace

from compress_core.enough import enough
from tests.test_estimate import made_up


def test_what_is_foreseen_is_enough_and_what_chance_decides_is_not() -> None:
    known = made_up()
    assert enough(known)
    by_chance = tuple(
        replace(c, harm=replace(c.harm, accuracy=c.harm.accuracy + 0.05 * (-1) ** i))
        for i, c in enumerate(known.combinations)
    )
    assert not enough(replace(known, combinations=by_chance))


def test_one_recipe_of_interest_is_not_enough() -> None:
    known = made_up()
    harmless = [c for c in known.combinations if c.harm.accuracy > 0.8]
    broken = [c for c in known.combinations if c.harm.accuracy < 0.75]
    assert not enough(replace(known, combinations=(*harmless[:1], *broken)))
