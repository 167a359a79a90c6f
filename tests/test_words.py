from datetime import datetime

import pytest
from babel import Locale

from compress_core.measured import proportion
from pages.shared import language, run_words, words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.02134, "0.0213"), (9.996, "10.0"), (14.07, "14.1"), (247, "247"),
     (1234.5, "1,230"), (-0.5, "−0.500"), (float("inf"), "–"), (99.95, "100")],
)  # fmt: skip
def test_three_significant_digits(value: float, text: str) -> None:
    assert words.three(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (812, "812 B"), (999.6, "1.00 kB"), (14_070, "14.1 kB"), (999_600, "1.00 MB")],
)
def test_sizes_have_a_unit(count: float, text: str) -> None:
    assert words.size(count) == text


def test_differences_carry_their_sign() -> None:
    assert words.points(-0.0123) == "−1.2 pt"
    assert words.points(0.02) == "+2.0 pt"
    assert words.points(0.0001) == "±0.0 pt"
    assert words.change(200, 12) == "−94 %"
    assert words.change(200, 207) == "+3.5 %"
    assert words.change(200, 200) == words.change(0, 3) == "–"


def test_an_accuracy_says_how_sure_it_is_and_where_it_comes_from() -> None:
    measured = proportion(900, 1000)
    assert words.accuracy(measured) == "90.0 % ±1.9"
    assert words.measured_on(measured, "validation") == "measured · 1,000 validation samples"


@pytest.mark.parametrize(("spoken", "text"), [("en", "24 Nov, 19:05"), ("zh", "11月24日")])
def test_a_date_is_written_as_the_language_does(
    spoken: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "spoken", lambda: spoken)
    assert run_words.moment(datetime(2026, 11, 24, 19, 5).timestamp()).startswith(text)


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_every_language_writes_numbers_as_we_do(spoken: str) -> None:
    symbols = Locale.parse(language.LOCALES_OF[spoken]).number_symbols["latn"]
    assert (symbols["decimal"], symbols["group"]) == (".", ",")
