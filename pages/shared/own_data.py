"""The second step of an intake: samples, or none; what is in them, what is broken, how to scale."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import own_desk as desks
from pages.shared import own_pictures, own_survey, words
from pages.shared.own_chooser import choose_here
from pages.shared.own_desk import Desk
from pages.shared.retell import tell
from pages.shared.words import _

if TYPE_CHECKING:
    from compress_core.intake.choices import Choices
    from compress_core.intake.scaling import Scaling
    from compress_core.intake.survey import Survey
    from compress_core.measured import Measured
    from compress_core.network import Network
    from compress_core.take_in import Samples

_UPLOAD, _SCALING = "own.data", "own.scaling"


@dataclass(frozen=True, eq=False, kw_only=True)
class Ready:
    """All that is needed to take a network in; *samples* is None where there are none."""

    samples: "Samples | None" = None
    scaling: "Scaling | None" = None
    pictures: bytes = b""


def step(desk: Desk, network: "Network") -> Ready | None:
    """Draw what belongs to the data; returns something when everything is decided."""
    if desk.without:
        _without(desk)
        return Ready()
    if desk.data is None:
        _bring(desk)
        return None
    survey = _survey(desk, network, desk.data)
    if survey is None:
        return None
    own_survey.show(survey)
    if survey.questions:
        if answered := own_survey.questions(survey, desk.choices):
            desk.choices = answered
            st.rerun()
        return None
    return _read(desk, network, desk.data, survey)


def _bring(desk: Desk) -> None:
    st.markdown(
        _(
            "**Now samples**, the kind that the network was made for. A zip with one folder for "
            "each class, a CSV or parquet table, an .npz, a zip of WAV sounds; or pictures without "
            "labels, then *agreement* with the original takes the place of accuracy."
        )
    )
    st.file_uploader(
        _("Data file"),
        key=_UPLOAD,
        max_upload_size=desks.most_megabytes(),
        on_change=_receive,
        args=(desk,),
        help=_("It stays on the machine that this app runs on."),
    )
    choose_here("own.data.here", partial(_put, desk), folders=True)
    st.button(
        _("Go on without data"),
        key="own.without",
        on_click=partial(_set_without, desk, True),
        help=_(
            "Sizes, speed and everything that looks at weights alone work; accuracy stays unknown."
        ),
    )


def _receive(desk: Desk) -> None:
    file = st.session_state.get(_UPLOAD)
    if file is not None:
        _put(desk, desks.save(desk.folder / "data", file.name, file))


def _put(desk: Desk, data: Path) -> None:
    desk.data, desk.without = data, False


def _set_without(desk: Desk, without: bool) -> None:
    desk.without = without


def _without(desk: Desk) -> None:
    st.info(
        _(
            "**No data.** Weights can be pruned and rounded, and sizes, files and speed are "
            "measured. Whether answers are still right is unknown, and what looks at samples "
            "(rounding activations, learned rounding, training on) has to rest."
        ),
        icon=":material/visibility_off:",
    )
    st.button(_("Add data after all"), key="own.with", on_click=partial(_set_without, desk, False))


def _other(desk: Desk) -> None:
    """Offer to take other data, where those at hand will not do."""
    st.button(_("Take other data"), key="own.other", on_click=_forget, args=(desk,))


def _forget(desk: Desk) -> None:
    from compress_core.intake.choices import Choices

    desk.data, desk.choices, desk.skip_broken = None, Choices(), False


def _survey(desk: Desk, network: "Network", data: Path) -> "Survey | None":
    from compress_core.intake.load_data import survey_data

    work = partial(survey_data, data, network, desk.choices)
    job = desk.ask(("survey", id(network), data, desk.choices), work)
    found: Survey | None = desks.outcome(job, _("Looking through {file} …").format(file=data.name))
    if found is None and job.problem:
        _other(desk)
    return found


def _read(desk: Desk, network: "Network", data: Path, survey: "Survey") -> Ready | None:
    """Read all samples, let the scaling be chosen, and say so where some are broken."""
    from compress_core.intake.load_data import BrokenSamples, progress_of

    picture = survey.preview and survey.preview[0].x.dtype == "uint8"
    blind = _blind_scaling(network) if picture and survey.against == "original" else None
    work = partial(_open, data, network, desk.choices, desk.skip_broken, blind)
    key = ("read", id(network), data, desk.choices, desk.skip_broken, blind)
    job = desk.ask(key, work)
    text = _("Reading {n} samples …").format(n=f"{survey.samples:,}")
    found: Any = desks.outcome(job, text, partial(progress_of, data, network, desk.choices))
    if found is None:
        if job.problem:
            _other(desk)
        return None
    if isinstance(found, BrokenSamples):
        st.warning(tell(str(found)), icon=":material/broken_image:")
        own_survey.broken(found.broken, found.broken_count)
        st.button(
            _("Go on without them"), key="own.skip", on_click=partial(_skip, desk), type="primary"
        )
        _other(desk)
        return None
    samples: Samples = found
    scaling = blind
    if survey.against == "labels":
        scaling = _scored_scaling(desk, network, samples)
        if scaling is None:
            return None
    shown = [own_pictures.picture(p.x) for p in own_survey.different(survey.preview)[:3]]
    pictures = own_pictures.strip([each for each in shown if each is not None])
    return Ready(samples=samples, scaling=scaling, pictures=pictures)


def _skip(desk: Desk) -> None:
    desk.skip_broken = True


def _open(
    data: Path, network: "Network", choices: "Choices", skip: bool, scaling: "Scaling | None"
) -> "Samples | Exception":
    from compress_core.intake.load_data import BrokenSamples, open_parts, prepare
    from compress_core.take_in import Samples

    folder = prepare(data, network, choices)
    try:
        read = open_parts(folder, network, skip_broken=skip, scaling=scaling)
    except BrokenSamples as error:
        return error
    return Samples(file=data.name, data=read, folder=folder)


def _blind_scaling(network: "Network") -> "Scaling":
    """Let the way to scale pictures be chosen where no label says which one is right."""
    from compress_core.intake.scaling import PICTURES, Scaling

    if (network.mean, network.std) != (0, 1):
        return Scaling(mean=network.mean, std=network.std)
    channels = network.input_shape[0]
    ways = {
        name: way
        for name, way in PICTURES.items()
        if not isinstance(way.mean, tuple) or len(way.mean) == channels
    }
    name = st.selectbox(
        _("How were pictures scaled when it was trained?"),
        list(ways),
        key=f"{_SCALING}.blind",
        help=_("Without labels nothing here tells which is right; its makers know."),
    )
    return ways[name]


def _scored_scaling(desk: Desk, network: "Network", samples: "Samples") -> "Scaling | None":
    """Try the usual ways to scale samples and let one be chosen; the best one comes first."""
    from compress_core.intake.scaling import Scaling

    if (network.mean, network.std) != (0, 1):
        return Scaling(mean=network.mean, std=network.std)
    if not len(samples.data.train):
        return Scaling(mean=samples.data.train.mean, std=samples.data.train.std)
    job = desk.ask(("scores", id(network), id(samples)), partial(_scores, network, samples))
    found: dict[str, tuple[Scaling, Measured]] | None = desks.outcome(
        job, _("Trying the usual ways to scale samples …")
    )
    if not found:
        return None
    name: str = st.radio(
        _("How were samples scaled when it was trained? Right answers to training samples:"),
        list(found),
        key=f"{_SCALING}.{id(samples)}",
        format_func=_named(found),
        help=_("All were tried; the one with most right answers is proposed."),
    )
    best = next(iter(found.values()))[1]
    if best.low < 1.5 / max(2, len(network.labels)):
        st.warning(
            _(
                "None of them is much better than guessing. The classes may stand in another "
                "order, or samples may be prepared otherwise than they were for training."
            ),
            icon=":material/help:",
        )
    return found[name][0]


def _named(found: "dict[str, tuple[Scaling, Measured]]") -> Callable[[str], str]:
    return lambda name: f"{name}: {words.accuracy(found[name][1])}"


def _scores(network: "Network", samples: "Samples") -> "dict[str, tuple[Scaling, Measured]]":
    from compress_core.intake.scaling import AS_STORED, PICTURES, own_scaling, score_scalings

    ways = {**PICTURES, "as stored": AS_STORED, "own mean and deviation": own_scaling(samples.data)}
    scored = score_scalings(network, samples.data)
    return {name: (ways[name], measured) for name, measured in scored.items()}
