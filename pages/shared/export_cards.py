"""One card for each target: for whom it is, and its file; nothing is offered that was not run."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import export_words as w
from pages.shared import frame
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from compress_core.exporters.target import Target
    from compress_core.recipe import Recipe
    from pages.shared.export_shelf import Made
    from pages.shared.export_state import Hanger

PER_ROW = 3
SHOWN, _FAILED = "export.shown", "export.failed"


def targets() -> tuple["Target", ...]:
    """Return all targets, those to be had elsewhere last."""
    from compress_core.exporters.targets import targets

    return tuple(sorted(targets(), key=lambda target: not target.available))


def shown(hanger: "Hanger") -> "Made | None":
    """Return the file whose certificate is open: the one last made or asked for, or any."""
    made = {target.name: hanger.made(target) for target in targets()}
    return made.get(st.session_state.get(SHOWN, "")) or next(filter(None, made.values()), None)


def first_step(place: "DeltaGenerator", hanger: "Hanger", made: "Made | None") -> str | None:
    """Draw the page's primary button; returns the target that it asks for."""
    if made is not None:
        label = _("Save {file}").format(file=made.proof.file)
        download(place, hanger, made, label, "export.take", primary=True)
        return None
    able = {target.name: target for target in targets() if target.available}
    first = next((able[name] for name in (*w.RECOMMENDED, *able) if name in able), None)
    asked = first is not None and place.button(
        _("Make the {target} file").format(target=first.title),
        key="export.first",
        type="primary",
        icon=":material/download:",
        help=_("The format that most tools read. Others are below."),
    )
    return first.name if first and asked else None


def promise(recipe: "Recipe") -> None:
    """Say what this page does."""
    st.title(_("Take it with me"), anchor=False)
    st.markdown(
        _(
            "Pick where it is going. Each file is **written and run before it is offered**: it "
            "answers test samples in its own runtime, and what was found becomes its certificate, "
            "also where it is not flattering."
        )
    )
    if not recipe.steps:
        st.markdown(_("Nothing is compressed yet: the files will hold the network as trained."))


def grid(hanger: "Hanger", wanted: str | None) -> None:
    """Draw all cards; *wanted* is the target that the page's first button asked for."""
    every = targets()
    for start in range(0, len(every), PER_ROW):
        columns = st.columns(PER_ROW, gap="medium")
        for column, target in zip(columns, every[start:], strict=False):
            with column, st.container(border=True, height="stretch", key=f"export.{target.name}"):
                _card(hanger, target, target.name == wanted)


def download(
    place: "DeltaGenerator",
    hanger: "Hanger",
    made: "Made",
    label: str,
    key: str,
    primary: bool = False,
) -> None:
    """Draw the button that hands the zip over; it is put together when it is asked for."""
    name = f"{hanger.stem}-{made.proof.target}.zip"
    place.download_button(
        label,
        lambda: hanger.bundle(made).zipped(),
        file_name=name,
        mime="application/zip",
        type="primary" if primary else "secondary",
        icon=":material/download:",
        on_click="ignore",
        key=key,
        help=_(
            "A zip with the file, its recipe, its certificate, ten lines that load it, one sample "
            "to try and the licence notice."
        ),
    )


def _card(hanger: "Hanger", target: "Target", wanted: bool) -> None:
    title, more = w.purpose(target)
    with st.container(height="stretch", gap="small"):
        st.subheader(f"{_(target.title)} :gray[{target.suffix}]", anchor=False)
        st.markdown(f"**{title}.** {more}")
        if target.missing:
            _missing(target)
            return
        made = hanger.made(target)
        if made is None:
            runs = _("Runs in {runtime}, which is here.")
            written = _("Not run here: this system has no {runtime}. The file is only written.")
            st.caption((runs if target.open else written).format(runtime=target.runtime))
            _failure(hanger, target)
        else:
            st.markdown(w.in_short(made.proof))
    if made is None:
        _make(hanger, target, wanted)
        return
    row = st.container(horizontal=True)
    with row:
        download(row, hanger, made, _("Save"), f"export.save.{target.name}")
        st.button(
            _("Certificate"),
            key=f"export.show.{target.name}",
            type="tertiary",
            on_click=_show,
            args=(target.name,),
            help=_("Opens at the top of the page."),
        )


def _missing(target: "Target") -> None:
    st.markdown(
        _("**Not to be had here yet:** it needs {parts}.").format(
            parts=", ".join(f"`{name}`" for name in target.missing)
        )
    )
    st.caption(tell(target.remedy))


def _make(hanger: "Hanger", target: "Target", wanted: bool) -> None:
    from compress_core.exporters.target import ExportError

    failed = st.session_state.setdefault(_FAILED, {})
    row = st.container(horizontal=True)
    asked = row.button(
        _("Try again") if (hanger.state, target.name) in failed else _("Make this file"),
        key=f"export.make.{target.name}",
        help=_("Writes the file, runs it on test samples and shows what was found."),
    )
    if (hanger.state, target.name) in failed and row.button(
        _("Change the recipe"), key=f"export.change.{target.name}", type="tertiary"
    ):
        st.switch_page(frame.EXPLORE)
    if not (asked or wanted):
        return
    try:
        with st.spinner(_("Writing the file, then running it …"), show_time=True):
            hanger.make(target)
        failed.pop((hanger.state, target.name), None)
        _show(target.name)
    except ExportError as error:
        failed[hanger.state, target.name] = tell(str(error))
    st.rerun()


def _failure(hanger: "Hanger", target: "Target") -> None:
    problem = st.session_state.get(_FAILED, {}).get((hanger.state, target.name))
    if problem:
        st.error(problem, icon=":material/error:")
        st.caption(_("No file was kept. Take another target, or change the recipe."))


def _show(name: str) -> None:
    st.session_state[SHOWN] = name
