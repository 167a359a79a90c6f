from compress_core.intake.match import LEFT_OUT, match_classes

LABELS = ("T-shirt/top", "Ankle boot", "Bag")


def test_names_match_whatever_their_case_and_their_gaps() -> None:
    found = match_classes(("ankle_boot", "bag", "T-Shirt top"), LABELS, {})
    assert (found.indexes, found.labels, found.question) == ((1, 2, 0), LABELS, None)


def test_numbers_are_indexes_and_it_says_so() -> None:
    found = match_classes(("0", "2"), LABELS, {})
    assert found.indexes == (0, 2)
    assert "T-shirt/top" in found.note


def test_labels_that_are_numbers_match_as_names() -> None:
    found = match_classes(("1", "3"), ("3", "1"), {})
    assert (found.indexes, found.note) == ((1, 0), "")


def test_a_name_that_the_network_does_not_know_is_asked_for() -> None:
    found = match_classes(("bag", "boots", "socks"), LABELS, {"socks": ""})
    assert found.indexes == (2, LEFT_OUT, LEFT_OUT)
    assert found.question is not None
    assert (found.question.about, found.question.options) == (("boots",), LABELS)
    answered = match_classes(("bag", "boots"), LABELS, {"boots": "Ankle boot"})
    assert (answered.indexes, answered.question) == ((2, 1), None)


def test_numbers_from_one_are_not_taken_for_numbers_from_zero() -> None:
    found = match_classes(("1", "2", "3"), LABELS, {})
    assert found.question is not None
    assert found.question.proposed == LABELS


def test_a_network_without_names_takes_those_of_the_data() -> None:
    guessed = match_classes(("cat", "dog"), ("0", "1"), {})
    assert guessed.question is not None  # the order is likely, not known
    assert guessed.question.proposed == ("0", "1")
    answered = match_classes(
        ("cat", "dog"), ("class 0", "class 1"), {"cat": "class 1", "dog": "class 0"}
    )
    assert (answered.indexes, answered.labels) == ((1, 0), ("dog", "cat"))
    assert match_classes(("cat", "dog"), (), {}).labels == ("cat", "dog")
