import pytest

from compress_core.roles import Roles
from compress_core.trade_off import Point, TradeOffWords, trade_off_chart

STATES = ("Original", "Finished", "Stopped early")


def point(id: str, state: str, role: str) -> Point:
    return Point(
        id=id,
        label=id,
        text="30 % removed",
        state=state,
        role=role,
        packed_bytes=14_100,
        accuracy=0.9,
        low=0.89,
        high=0.91,
    )


def spec(*points: Point, chosen: str | None = None) -> str:
    return trade_off_chart(points, Roles(), TradeOffWords(), STATES, chosen).to_json()


ORIGINAL = point("o", "Original", "Original")


def test_points_can_be_clicked_and_the_chosen_one_is_larger() -> None:
    text = spec(ORIGINAL, point("a", "Finished", "Compressed"), chosen="a")

    assert '"name": "run"' in text and '"fields": [' in text
    assert "(datum.id === 'a')" in text


@pytest.mark.parametrize(("state", "legend"), [("Finished", False), ("Stopped early", True)])
def test_shapes_are_explained_only_where_there_is_more_than_one(state: str, legend: bool) -> None:
    text = spec(ORIGINAL, point("a", state, "Compressed"))

    assert ('"orient": "top"' in text) == legend


def test_it_names_roles_and_no_colours() -> None:
    assert "#" not in spec(ORIGINAL).replace('"$schema"', "")
