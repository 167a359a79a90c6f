"""What an upload may be at most. Beyond it, a sentence; below it, whatever is written works."""

MEMORY = 3 << 30
"""Bytes of address space of the process that reads."""
SECONDS = 4 * 3600.0
"""That it may take in all."""
SILENCE = 60.0
"""Seconds that one sample may take."""
MOST_WRITTEN = 64 << 30
"""Bytes of one file that it writes."""

MOST_SAMPLE = 128 << 20
"""Bytes of one picture or sound."""
MOST_PIXELS = 50_000_000
"""Of one picture."""

MOST_ROWS = 5_000_000
MOST_COLUMNS = 100_000
MOST_FIELD = 1 << 20
"""Characters of one field of a table."""
MOST_LINE = 16 << 20
"""Characters of one row."""
MOST_CLASSES = 20_000
MOST_VALUES = 1 << 26
"""Numbers in one sample as the network reads it."""
