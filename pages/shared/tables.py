"""Small tables whose numbers stand in line."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st


def facts(rows: Sequence[Sequence[str]], header: Sequence[str] | None = None, *, alt: str) -> None:
    """Show rows of a name and its numbers, the numbers right-aligned."""
    texts = [text for row in rows for text in row[1:]]
    width = len(rows[0])
    columns = list(header) if header else [str(i) for i in range(width)]
    frame = pd.DataFrame({columns[0]: [row[0] for row in rows]})
    # Streamlit aligns by type, numbers to the right: each cell holds the place of its text.
    for place, column in enumerate(columns[1:]):
        frame[column] = range(place, len(texts), width - 1)
    style = frame.style.format({name: lambda at: texts[int(str(at))] for name in columns[1:]})
    st.table(style, border="horizontal", hide_index=True, hide_header=header is None, alt=alt)
