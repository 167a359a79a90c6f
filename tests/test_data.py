from dataclasses import replace

import torch

from compress_core.data import Data, Part


def part(count: int = 10, name: str = "train") -> Part:
    x = torch.arange(count, dtype=torch.uint8)[:, None]
    return Part(name=name, x=x, y=torch.arange(count) % 3, mean=2.0, std=4.0)  # type: ignore[arg-type]


def test_batches_give_every_sample_once_in_order_normalised() -> None:
    batches = list(part().batches(4))
    assert [len(y) for _, y in batches] == [4, 4, 2]
    x = torch.cat([x for x, _ in batches])
    assert x.dtype == torch.float32
    assert x.flatten().tolist() == [(i - 2) / 4 for i in range(10)]
    assert torch.cat([y for _, y in batches]).tolist() == [i % 3 for i in range(10)]


def test_a_generator_shuffles_samples_with_their_classes() -> None:
    def drawn(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        pairs = list(part(30).batches(7, generator))
        x = torch.cat([x for x, _ in pairs]).flatten() * 4 + 2
        assert torch.equal(x.long() % 3, torch.cat([y for _, y in pairs]))
        return x.long().tolist()

    assert drawn(1) == drawn(1) != drawn(2)
    assert sorted(drawn(1)) == list(range(30)) != drawn(1)


def test_one_generator_draws_another_order_in_the_next_epoch() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = ([y.tolist() for _, y in part(30).batches(30, generator)] for _ in range(2))
    assert first != second


def test_shuffling_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    list(part().batches(3, torch.Generator().manual_seed(0)))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_head_keeps_the_first_samples_and_everything_else() -> None:
    head = part().head(3)
    assert (len(head), head.name, head.mean, head.std) == (3, "train", 2.0, 4.0)
    assert head.inputs().flatten().tolist() == [-0.5, -0.25, 0.0]
    assert len(part().head(99)) == 10


def test_a_quick_look_shortens_training_and_validation_but_not_the_test() -> None:
    data = Data(train=part(), validation=part(8, "validation"), test=part(6, "test"), labels=("a",))
    short = data.head(3, 2)
    assert [len(p) for p in (short.train, short.validation, short.test)] == [3, 2, 6]


def test_each_channel_can_have_its_own_mean_and_deviation() -> None:
    x = torch.tensor([[[[10]], [[20]]]], dtype=torch.uint8)
    part = Part(name="train", x=x, y=torch.zeros(1, dtype=torch.long), mean=(8.0, 10.0), std=(2, 5))
    assert part.inputs().flatten().tolist() == [1.0, 2.0]
    row = replace(part, x=torch.tensor([[10, 20]], dtype=torch.uint8))
    assert row.inputs().tolist() == [[1.0, 2.0]]


def test_token_numbers_stay_what_they_are() -> None:
    tokens = torch.tensor([[7, 0, 99]], dtype=torch.int32)
    given = Part(name="train", x=tokens, y=torch.zeros(1, dtype=torch.long)).inputs()
    assert (given.dtype, given.tolist()) == (torch.int64, [[7, 0, 99]])


def test_data_say_what_answers_are_compared_with() -> None:
    parts = {"train": part(), "validation": part(8), "test": part(6)}
    assert Data(**parts, labels=("a",)).against == "labels"
    unlabelled = {name: replace(known, against="original") for name, known in parts.items()}
    assert Data(**unlabelled, labels=("a",)).against == "original"
