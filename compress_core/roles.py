"""
The three roles a mark can play in a picture, in the order of the theme's categorical colours.

A chart names no colour: it maps these words to a nominal scale, so each theme, light or dark, gives
the original its blue, the compressed its orange and what is gone its grey.
"""

from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Roles:
    """The words of a legend, in the user's language."""

    original: str = "Original"
    compressed: str = "Compressed"
    gone: str = "Gone"

    @property
    def domain(self) -> list[str]:
        """The domain of a nominal colour scale; always all three, so that colours never shift."""
        return list(astuple(self))
