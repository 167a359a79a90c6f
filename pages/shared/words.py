"""What the app says: translation, and numbers with their units."""

import gettext
import math
from pathlib import Path

from compress_core import wardrobe
from compress_core.measured import Measured
from compress_core.roles import Roles

LOCALES = Path(__file__).resolve().parents[2] / "assets" / "locale"
_TRANSLATION = gettext.translation("fitting-room", LOCALES, fallback=True)
_, ngettext = _TRANSLATION.gettext, _TRANSLATION.ngettext

MINUS = "−"
PENDING = "…"
ROLES = Roles(original=_("Original"), compressed=_("Compressed"), gone=_("Removed"))

NETWORKS = {
    "simple-nn": _("SimpleNN"),
    "lenet-300-100": _("LeNet-300-100"),
    "lenet-5": _("LeNet-5"),
    "vgg-small": _("VGG-small"),
    "resnet-20": _("ResNet-20"),
}
DATA_SETS = {"digits": _("Handwritten digits"), "fashion-mnist": _("Fashion-MNIST")}
QUESTIONS = {
    "digits": _("Which digit is this?"),
    "fashion-mnist": _("Which garment is this?"),
}
PARTS = {"train": _("training"), "validation": _("validation"), "test": _("test"),
         "random": _("random")}  # fmt: skip


def network(scenario: str) -> str:
    """Return the name of a scenario's network: LeNet-5."""
    if wardrobe.is_own(scenario):
        known = _own(scenario)
        return known.title if known else _("A removed network")
    architecture = scenario.split("/")[1]
    return NETWORKS.get(architecture, architecture)


def data_set(scenario: str) -> str:
    """Return the name of a scenario's data: Fashion-MNIST."""
    if wardrobe.is_own(scenario):
        known = _own(scenario)
        return (known.data if known else "") or _("no data")
    name = scenario.split("/")[0]
    return DATA_SETS.get(name, name)


def question(scenario: str) -> str:
    """Return the task of a scenario as a person would ask it."""
    if wardrobe.is_own(scenario):
        return own_question(wardrobe.record(scenario))
    return QUESTIONS[scenario.split("/")[0]]


def own_question(known: wardrobe.Record) -> str:
    """Return the task of a network that somebody brought, as far as it is known."""
    if known.against == "nothing":
        return _("Your own, without data.")
    if known.against == "original":
        return _("Does it still answer as it did?")
    return _("Which of {count} classes is this?").format(count=f"{len(known.labels):,}")


def _own(scenario: str) -> wardrobe.Record | None:
    try:
        return wardrobe.record(scenario)
    except ValueError:
        return None


def counted(against: str) -> str:
    """Return what a share of answers is called: accuracy, or agreement without labels."""
    return _("Agreement") if against == "original" else _("Accuracy")


def counted_help(against: str) -> str:
    """Say what an accuracy is counted against."""
    if against == "original":
        return _("Share of answers that are still those of the original: there are no labels.")
    return _("Share of answers that are right.")


def three(value: float) -> str:
    """Return a number with three significant digits and no exponent: 0.0213, 14.1, 1,230."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    digits = 2 - math.floor(math.log10(abs(float(f"{value:.2e}"))))
    rounded = round(value, digits)
    return f"{rounded:,.{max(0, digits)}f}".replace("-", MINUS)


def size(count: float) -> str:
    """Return bytes in decimal units: 812 B, 14.1 kB, 1.27 MB."""
    for unit, factor in ((_("MB"), 1e6), (_("kB"), 1e3)):
        if count >= factor * 0.9995:
            return f"{three(count / factor)} {unit}"
    return f"{count:,.0f} {_('B')}"


def amount(count: float) -> str:
    """Return a count that fits a small place: 840, 61.7 k, 4.12 M."""
    for unit, factor in ((_("M"), 1e6), (_("k"), 1e3)):
        if count >= factor * 0.9995:
            return f"{three(count / factor)} {unit}"
    return f"{count:,.0f}"


def percent(fraction: float, decimals: int = 1) -> str:
    """Return a fraction as percent: 89.7 %."""
    return f"{100 * fraction:.{decimals}f} %"


def points(difference: float) -> str:
    """Return the difference of two fractions with its sign, in percentage points: −1.2 pt."""
    return f"{signed(100 * difference)} {_('pt')}"


def signed(value: float, decimals: int = 1) -> str:
    """Return a number with its sign, ± for what rounds to nothing."""
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return f"±{text}"
    return f"{MINUS if value < 0 else '+'}{text}"


def change(before: float, after: float) -> str:
    """Return the relative change with its sign, −94 %; a dash where there is none."""
    if before in (0, after):
        return "–"
    value = 100 * (after / before - 1)
    return f"{signed(value, 0 if abs(value) >= 10 else 1)} %"


def times(ratio: float) -> str:
    """Return a ratio: 17.4×, 8.03×."""
    return f"{three(ratio)}×"


def half_width(measured: Measured) -> str:
    """Return the half width of the 95 % interval in percentage points: ±1.9."""
    return f"±{50 * (measured.high - measured.low):.1f}"


def accuracy(measured: Measured, against: str = "labels") -> str:
    """
    Return an accuracy with its interval, 89.7 % ±1.9; dots where nothing was counted yet.

    Against nothing it is unknown, and will stay so.
    """
    if against == "nothing":
        return _("unknown")
    return f"{percent(measured.value)} {half_width(measured)}" if measured.n else PENDING


def difference(before: Measured, after: Measured, against: str = "labels") -> str:
    """Return what an accuracy gained or lost, −1.2 pt; dots where nothing was counted yet."""
    if against == "nothing":
        return "–"
    return points(after.value - before.value) if after.n else PENDING


def samples(count: int, part: str) -> str:
    """Return where an accuracy comes from: 1,000 validation samples."""
    return _("{count} {part} samples").format(count=f"{count:,}", part=PARTS.get(part, part))


def measured_on(measured: Measured, part: str) -> str:
    """Return the badge of a measured number."""
    return _("measured · {samples}").format(samples=samples(measured.n, part))
