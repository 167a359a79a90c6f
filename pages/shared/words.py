"""
What the app says: translation, and numbers with their units.

`_` translates into the language of the session that runs, so it is called where something is said;
tables, which are made once for all sessions, mark their words with `N_`.
"""

import math
from collections.abc import Collection

from compress_core import wardrobe
from compress_core.measured import Measured
from compress_core.roles import Roles
from pages.shared import language

MINUS = "−"
PENDING = "…"


def N_(text: str) -> str:
    """Mark a text for translation and return it as it is: translate it where it is said."""
    return text


def _(text: str) -> str:
    """Return *text* in the language of the session."""
    return language.translation(language.spoken()).gettext(text) if text else ""


def ngettext(one: str, many: str, count: int) -> str:
    """Return the form of *one* or *many* that goes with *count*, in the session's language."""
    return language.translation(language.spoken()).ngettext(one, many, count)


def roles() -> Roles:
    """Return the words of a legend."""
    return Roles(original=_("Original"), compressed=_("Compressed"), gone=_("Removed"))


NETWORKS = {
    "simple-nn": N_("SimpleNN"),
    "lenet-300-100": N_("LeNet-300-100"),
    "lenet-5": N_("LeNet-5"),
    "vgg-small": N_("VGG-small"),
    "resnet-20": N_("ResNet-20"),
    "ds-cnn": N_("DS-CNN"),
    "mlp": N_("MLP"),
    "cnn": N_("CNN"),
    "conv": N_("Conv1d"),
    "gru": N_("GRU"),
    "transformer": N_("Transformer"),
    "efficientnet-lite0": N_("EfficientNet-Lite0"),
}
DATA_SETS = {
    "digits": N_("Handwritten digits"),
    "fashion-mnist": N_("Fashion-MNIST"),
    "speech": N_("Telephone prompts"),
    "breast-cancer": N_("Breast cancer"),
    "watch": N_("Smart-watch exercises"),
    "reviews": N_("Food reviews"),
    "lander": N_("Moon landings"),
    "driving": N_("Simulated driving"),
    "photos": N_("Photos"),
}
DOMAINS = {
    "pictures": N_("Pictures"),
    "speech": N_("Speech"),
    "text": N_("Text"),
    "medicine": N_("Medicine"),
    "motion": N_("Motion"),
    "driving": N_("Driving"),
    "games": N_("Games"),
    "own": N_("Your own"),
}
DOMAIN_OF = {
    "digits": "pictures",
    "fashion-mnist": "pictures",
    "photos": "pictures",
    "speech": "speech",
    "breast-cancer": "medicine",
    "watch": "motion",
    "reviews": "text",
    "lander": "games",
    "driving": "driving",
    wardrobe.OWN: "own",
}
"""Data set -> what it is about, a key of `DOMAINS`."""
QUESTIONS = {
    "digits": N_("Which digit is this?"),
    "fashion-mnist": N_("Which garment is this?"),
    "speech": N_("Which language is spoken?"),
    "breast-cancer": N_("Benign or malignant?"),
    "watch": N_("Which exercise is this?"),
    "reviews": N_("Does this review praise the food?"),
    "lander": N_("Which engine should fire now?"),
    "driving": N_("What should the driver do now?"),
    "photos": N_("What is in this photo?"),
}
MEASURES = {
    "radius": N_("radius"),
    "texture": N_("texture"),
    "area": N_("area"),
    "concave points": N_("dents of the outline"),
}
"""Of the cells in a sample of tissue."""
CLASSES = (
    *(N_("T-shirt/top"), N_("Trouser"), N_("Pullover"), N_("Dress"), N_("Coat"), N_("Sandal")),
    *(N_("Shirt"), N_("Sneaker"), N_("Bag"), N_("Ankle boot")),
    *(N_("Nothing"), N_("Left engine"), N_("Main engine"), N_("Right engine")),
    *(N_("Steer right"), N_("Steer left"), N_("Gas"), N_("Brake")),
    *(N_("other"), N_("great"), N_("malignant"), N_("benign")),
    *(N_("English"), N_("Spanish"), N_("French"), N_("Italian"), N_("Russian")),
    *(N_("Pendulum"), N_("Abduction"), N_("Forward elevation"), N_("Internal rotation")),
    *(N_("External rotation"), N_("Trapezius extension"), N_("Upright row")),
)
"""Of the data sets that come along; somebody's own are said as they are."""
PARTS = {"train": N_("training"), "validation": N_("validation"), "test": N_("test"),
         "random": N_("random")}  # fmt: skip


def network(scenario: str) -> str:
    """Return the name of a scenario's network: LeNet-5."""
    if wardrobe.is_own(scenario):
        known = _own(scenario)
        return known.title if known else _("A removed network")
    architecture = scenario.split("/")[1]
    return _(NETWORKS.get(architecture, architecture))


def data_set(scenario: str) -> str:
    """Return the name of a scenario's data: Fashion-MNIST."""
    if wardrobe.is_own(scenario):
        known = _own(scenario)
        return (known.data if known else "") or _("no data")
    name = scenario.split("/")[0]
    return _(DATA_SETS.get(name, name))


def domain(scenario: str) -> str:
    """Return what a scenario is about, a key of `DOMAINS`."""
    return DOMAIN_OF[scenario.split("/")[0]]


def measure(name: str) -> str:
    """Return what a number of a sample is called."""
    return _(MEASURES.get(name, name))


def question(scenario: str) -> str:
    """Return the task of a scenario as a person would ask it."""
    if wardrobe.is_own(scenario):
        return own_question(wardrobe.record(scenario))
    return _(QUESTIONS[scenario.split("/")[0]])


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


COUNTED_ON = {
    ("labels", "validation"): N_("Accuracy on validation"),
    ("labels", "test"): N_("Accuracy on test"),
    ("original", "validation"): N_("Agreement on validation"),
    ("original", "test"): N_("Agreement on test"),
    ("both", "validation"): N_("Accuracy or agreement on validation"),
    ("both", "test"): N_("Accuracy or agreement on test"),
}
"""What answers are counted against, and on which part -> what the share is called."""


def counted_on(against: Collection[str], part: str) -> str:
    """Return what shares of answers on a part are called, of networks that may be of two kinds."""
    both = len(set(against)) > 1 and "original" in against
    kind = "both" if both else "original" if "original" in against else "labels"
    return _(COUNTED_ON[kind, part])


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
    return _("{count} {part} samples").format(count=f"{count:,}", part=_(PARTS.get(part, part)))


def measured_on(measured: Measured, part: str) -> str:
    """Return the badge of a measured number."""
    return _("measured · {samples}").format(samples=samples(measured.n, part))
