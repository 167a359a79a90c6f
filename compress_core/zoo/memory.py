"""Architectures that remember: what a watch recorded in, one of seven exercises out."""

from torch import Tensor, nn

from compress_core.zoo.layers import scaled


class WatchGru(nn.Module):
    """Two convolutions leave 32 of 128 moments; a GRU goes over them, its last word decides."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        maps, hidden = scaled(32, width), scaled(48, width)
        self.conv1 = nn.Conv1d(6, maps, 5, 2, padding=2, bias=False)
        self.bn1, self.relu1 = nn.BatchNorm1d(maps), nn.ReLU()
        self.conv2 = nn.Conv1d(maps, maps, 5, 2, padding=2, bias=False)
        self.bn2, self.relu2 = nn.BatchNorm1d(maps), nn.ReLU()
        self.gru = nn.GRU(maps, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(hidden, 7)

    def forward(self, x: Tensor) -> Tensor:
        """Map N x 6 x 128 to N x 7 logits."""
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        states, _ = self.gru(x.transpose(1, 2))
        logits: Tensor = self.fc(self.dropout(states[:, -1]))
        return logits
