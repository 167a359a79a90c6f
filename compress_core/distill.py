"""Distillation: learn from the original's answers, with or without labels."""

from copy import deepcopy

import torch
from torch import Tensor, fx
from torch.nn import functional as F

from compress_core.fit import Objective


def distillation(teacher: fx.GraphModule, share: float, temperature: float) -> Objective:
    """
    Return the loss (1 - share) * cross-entropy + share * T^2 * KL(teacher || student).

    Both softened by the temperature T (Hinton et al., 2015); with share 1 labels are not looked at.
    """
    teacher = deepcopy(teacher).eval()

    def objective(logits: Tensor, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = F.log_softmax(teacher.to(x.device)(x) / temperature, 1)
        given = F.log_softmax(logits / temperature, 1)
        soft = F.kl_div(given, wanted, log_target=True, reduction="batchmean") * temperature**2
        return soft if share == 1 else (1 - share) * F.cross_entropy(logits, y) + share * soft

    return objective
