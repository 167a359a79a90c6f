"""Architectures that read reviews: numbers of words in, great or other out."""

import torch
from torch import Tensor, nn

from compress_core.zoo.layers import scaled

PADDING = 0
"""The number that fills up short reviews."""
UNKNOWN = 1
"""Stands for words that the vocabulary lacks."""
WORDS = 4000
"""Numbers of words that the networks know, the two above among them."""
LENGTH = 100
"""Words of a review that are read; three of four reviews are shorter."""
SPREAD = 0.02
"""Deviation of the values that words start with; larger ones would have to be unlearned."""


def embedding(size: int) -> nn.Embedding:
    """Return the vectors of all words, small ones; that of the padding is zero."""
    words = nn.Embedding(WORDS, size, padding_idx=PADDING)
    with torch.no_grad():
        words.weight.normal_(0, SPREAD)[PADDING] = 0
    return words


class ReviewConv(nn.Module):
    """Three words at a time, as in Kim (2014); the strongest of five places, then their mean."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        size, maps = scaled(24, width), scaled(48, width)
        self.embedding = embedding(size)
        self.dropout1 = nn.Dropout(0.3)
        self.conv = nn.Conv1d(size, maps, 3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool1d(5)
        self.mean = nn.AvgPool1d(LENGTH // 5)
        self.flatten = nn.Flatten()
        self.dropout2 = nn.Dropout(0.4)
        self.fc = nn.Linear(maps, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map N x words to N x 2 logits."""
        x = self.dropout1(self.embedding(x.long())).transpose(1, 2)
        x = self.flatten(self.mean(self.pool(self.relu(self.conv(x)))))
        logits: Tensor = self.fc(self.dropout2(x))
        return logits


class Block(nn.Module):
    """Attention over all words, then two layers for each (Vaswani et al., 2017; norms first)."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.size, self.heads = size, heads
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query, self.key, self.value = (nn.Linear(size, size) for _ in range(3))
        self.out = nn.Linear(size, size)
        self.wide = nn.Linear(size, 2 * size)
        self.relu = nn.ReLU()
        self.narrow = nn.Linear(2 * size, size)
        self.dropout1, self.dropout2 = nn.Dropout(0.3), nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """Map words x size, the words of all reviews in one row, to the same."""
        x = x + self.dropout1(self.out(self._attend(self.norm1(x))))
        out: Tensor = x + self.dropout2(self.narrow(self.relu(self.wide(self.norm2(x)))))
        return out

    def _attend(self, x: Tensor) -> Tensor:
        # Queries are not divided by the root of their length: their layer learns that.
        query, key, value = (
            layer(x).reshape(-1, LENGTH, self.heads, self.size // self.heads).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        weights = torch.softmax(torch.matmul(query, key.transpose(2, 3)), dim=-1)
        return torch.matmul(weights, value).transpose(1, 2).reshape(-1, self.size)


class ReviewTransformer(nn.Module):
    """Words and learned places, one encoder block, the mean over all words."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        heads = 2
        self.size = size = heads * scaled(12, width)
        self.embedding = embedding(size)
        self.position = nn.Parameter(torch.zeros(1, LENGTH, size))
        self.dropout = nn.Dropout(0.3)
        self.block = Block(size, heads)
        self.norm = nn.LayerNorm(size)
        self.fc = nn.Linear(size, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map N x words to N x 2 logits."""
        x = self.dropout(self.embedding(x.long()) + self.position)
        # In rows, layers are the products of two matrices that runtimes have integer kernels for.
        x = self.norm(self.block(x.reshape(-1, self.size)))
        logits: Tensor = self.fc(torch.mean(x.reshape(-1, LENGTH, self.size), 1))
        return logits
