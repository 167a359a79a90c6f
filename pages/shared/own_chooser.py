"""Files that lie on the machine of the app, where its owner allows to choose from a folder."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from compress_core.intake import chooser
from compress_core.refusal import IntakeError
from pages.shared import words
from pages.shared.retell import tell
from pages.shared.words import _


def choose_here(key: str, take: Callable[[Path], None], *, folders: bool = False) -> None:
    """Draw the way to a file in FITTING_ROOM_FOLDER; nothing where that is off."""
    root = chooser.folder_to_choose_from(st.get_option("server.address") or "")
    if root is None:
        return
    with st.expander(_("Or choose it on this machine"), icon=":material/folder_open:", key=key):
        inside = st.session_state.get(f"{key}.inside", "")
        try:
            items = chooser.list_items(root, inside)
        except IntakeError as error:
            st.error(tell(str(error)))
            items = ()
        named = {item.path: item for item in items}
        st.caption(f"{root.name}/{inside}")
        chosen = st.selectbox(
            _("File or folder"),
            list(named),
            None,
            key=f"{key}.{inside}",
            format_func=lambda path: _shown(named[path]),
            placeholder=_("What lies here"),
        )
        with st.container(horizontal=True):
            _buttons(key, root, inside, named.get(chosen or ""), take, folders)


def _buttons(
    key: str,
    root: Path,
    inside: str,
    item: chooser.Item | None,
    take: Callable[[Path], None],
    folders: bool,
) -> None:
    if item is not None and item.folder:
        st.button(_("Open"), key=f"{key}.open", on_click=_go, args=(key, item.path))
    if item is not None and (folders or not item.folder):
        st.button(
            _("Take this"), key=f"{key}.take", on_click=_take, args=(key, root, item.path, take)
        )
    if inside:
        up = inside.rpartition("/")[0]
        st.button(_("Up"), key=f"{key}.up", on_click=_go, args=(key, up))


def _go(key: str, inside: str) -> None:
    st.session_state[f"{key}.inside"] = inside


def _take(key: str, root: Path, inside: str, take: Callable[[Path], None]) -> None:
    try:
        take(chooser.choose(root, inside))
    except IntakeError:
        st.session_state[f"{key}.inside"] = (
            ""  # it went away meanwhile; the list shows what is left
        )


def _shown(item: chooser.Item) -> str:
    name = item.path.rpartition("/")[2]
    return f"{name}/" if item.folder else f"{name} ({words.size(item.size)})"
