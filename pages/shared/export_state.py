"""What is exported: the network as the recipe leaves it, or as a run won it back."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from compress_core import wardrobe
from compress_core.recipe import Recipe
from pages.shared import attempts, cached, jobs, meter, recover, reopen, run_words, words
from pages.shared.words import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from compress_core.bundle import Bundle
    from compress_core.compressed import Compressed
    from compress_core.exporters.target import Target
    from compress_core.runs import Run
    from compress_core.sizes import Sizes
    from compress_core.worth import Worth
    from pages.shared.export_shelf import Made, Shelf

MOST_RUNS = 3
"""Of one recipe, that are offered; the newest, and the one last seen."""
AS_IT_IS = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanger:
    """The network to take along; *run* is None where it was not trained on."""

    scenario: str
    seed: int
    recipe: Recipe
    run: "Run | None"

    @property
    def state(self) -> str:
        """What names its weights: a recipe's digest or a checkpoint's hash."""
        kept = self.run.checkpoint if self.run else None
        return kept or self.recipe.digest()

    @property
    def stem(self) -> str:
        """How names of its files begin: lenet-5, or the title of a network that was brought."""
        if not wardrobe.is_own(self.scenario):
            return self.scenario.split("/")[1]
        return re.sub(r"[^A-Za-z0-9._-]+", "-", words.network(self.scenario)).strip("-.") or "own"

    def network(self) -> "Compressed":
        """Return it; read only. Raises ValueError when the state of a run is gone."""
        if self.run is None:
            return cached.compressed(self.scenario, self.seed, self.recipe)
        return _kept(self.state, self.run)

    def sizes(self) -> "Sizes":
        """Return its bytes."""
        if self.run is None:
            return cached.sizes(self.scenario, self.seed, self.recipe)
        return _sizes(self.state, self.run)

    def zipped(self) -> int:
        """Return the bytes of an ordinary zip."""
        if self.run is None:
            return cached.zipped(self.scenario, self.seed, self.recipe)
        return _zipped(self.state, self.run)

    def worth(self) -> tuple["Worth", "Worth"]:
        """Return what the untouched network and this one are worth, on the same samples."""
        was, _before, now = recover.standing(self.scenario, self.seed, self.recipe, self.run, ())
        return was, now

    def follow(self, show: "Callable[[Worth, Worth], None]") -> None:
        """Show the same, again and again while it is being measured on more samples."""
        if self.run is not None:
            show(*self.worth())
            return
        made_of = self.scenario, self.seed, self.recipe
        meter.begin(*made_of)
        meter.follow(lambda reading: show(reading.was, reading.now), *made_of)

    def whole_worth(self) -> tuple["Worth", "Worth"]:
        """Return what both are worth, measured on all validation samples."""
        if self.run is not None:
            return self.worth()
        was, now = (
            cached.worth(self.scenario, self.seed, recipe, None)
            for recipe in (Recipe(), self.recipe)
        )
        return was, now

    def made(self, target: "Target") -> "Made | None":
        """Return its file for *target* if it was made."""
        return shelf().get(self._name(target))

    def make(self, target: "Target") -> "Made":
        """Write its file for *target* and run it. Raises ExportError."""
        from compress_core.exporters.export import export

        network, data = self.network(), cached.scenario(self.scenario, self.seed).data
        made = shelf().put(self._name(target), lambda folder: export(network, target, folder, data))
        attempts.note_speed(self, made.proof)
        return made

    def bundle(self, made: "Made") -> "Bundle":
        """Return a made file with all that belongs to it."""
        from compress_core.bundle import Bundle

        return Bundle(
            scenario=self.scenario,
            compressed=self.network(),
            data=cached.scenario(self.scenario, self.seed).data,
            sizes=self.sizes(),
            proof=made.proof,
            content=made.path.read_bytes(),
        )

    def _name(self, target: "Target") -> str:
        return f"{self.scenario} {self.seed} {self.state} {target.name}"


@st.cache_resource(show_spinner=False)
def shelf() -> "Shelf":
    """Return the files that were made since the app started."""
    from pages.shared.export_shelf import Shelf

    return Shelf()


def choose(scenario: str, seed: int, recipe: Recipe) -> Hanger:
    """Let the user pick a state, where there is more than one; the best trained one comes first."""
    numbers = {run.id: number for number, run in _fitting(scenario, seed, recipe)}
    chosen: str | None = AS_IT_IS
    if numbers:
        seen = st.session_state.get(reopen.SHOWN)
        key = f"export.state.{scenario}.{seed}.{recipe.digest()}"
        if st.session_state.get(key) not in (None, AS_IT_IS, *numbers):
            del st.session_state[key]
        chosen = st.radio(
            _("Which state of it?"),
            [*numbers, AS_IT_IS],
            index=list(numbers).index(seen) if seen in numbers else 0,
            format_func=lambda each: _label(each, numbers),
            captions=[*map(_caption, numbers), _("Compressed, not trained since")],
            key=key,
            persist_state="session",
            help=_(
                "Training on after compression wins accuracy back; what was removed stays removed, "
                "and bits stay as they are."
            ),
        )
    return Hanger(scenario=scenario, seed=seed, recipe=recipe, run=jobs.find(chosen))


def _fitting(scenario: str, seed: int, recipe: Recipe) -> list[tuple[int, "Run"]]:
    """Return (number, run) of the runs of this recipe that left a state, newest first."""
    runs = jobs.store().list()
    fitting = [
        (len(runs) - place, run)
        for place, run in enumerate(runs)
        if run.outcome is not None
        and run.checkpoint is not None
        and run.recipe.finetune is not None
        and (run.scenario, run.seed, jobs.steps_of(run.recipe)) == (scenario, seed, recipe)
    ]
    seen = st.session_state.get(reopen.SHOWN)
    return [pair for place, pair in enumerate(fitting) if place < MOST_RUNS or pair[1].id == seen]


def _label(run_id: str, numbers: dict[str, int]) -> str:
    if run_id == AS_IT_IS:
        return _("As it is now")
    return _("After winning it back, run {number}").format(number=numbers[run_id])


def _caption(run_id: str) -> str:
    run = jobs.find(run_id)
    result = run_words.result(run) if run else None
    if run is None or result is None:
        return ""
    return _("{accuracy} on validation · {state}, {moment}").format(
        accuracy=words.percent(result.after.value),
        state=_(run_words.STATES[run.state]).lower(),
        moment=run_words.moment(run.ended or run.created),
    )


@st.cache_resource(max_entries=6, show_spinner=False)
def _kept(checkpoint: str, _run: "Run") -> "Compressed":
    from compress_core.checkpoint import from_bytes

    network = cached.scenario(_run.scenario, _run.seed).network
    return from_bytes(jobs.store().artifacts.get(checkpoint), network, _run.recipe)


@st.cache_data(max_entries=64, show_spinner=False)
def _sizes(checkpoint: str, _run: "Run") -> "Sizes":
    from compress_core.sizes import sizes

    return sizes(_kept(checkpoint, _run))


@st.cache_data(max_entries=64, show_spinner=False)
def _zipped(checkpoint: str, _run: "Run") -> int:
    from compress_core.packed import stored_arrays
    from compress_core.sizes import zipped_bytes

    return zipped_bytes(stored_arrays(_kept(checkpoint, _run)))
