import pytest
import torch

from compress_core.cores import leave_one


@pytest.mark.parametrize(("told", "before", "after"), [(None, 4, 3), (None, 1, 1), ("4", 4, 4)])
def test_one_core_is_left_unless_somebody_said_how_many_to_take(
    told: str | None, before: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if told is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", told)
    usual = torch.get_num_threads()
    try:
        torch.set_num_threads(before)
        leave_one()
        assert torch.get_num_threads() == after
    finally:
        torch.set_num_threads(usual)
