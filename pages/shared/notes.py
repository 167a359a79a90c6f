"""What has to be said beside the accuracy of a built-in network: limits, and a plain baseline."""

from compress_core.catalogue import Baseline, Entry
from compress_core.measured import Measured
from pages.shared import cached, words
from pages.shared.words import _


def lines(shown: Entry) -> list[str]:
    """Return the sentences below the numbers of a card."""
    data_set = shown.name.split("/")[0]
    baseline = cached.baseline(data_set)
    found = [
        note(data_set),
        _played(shown.name, shown.seed),
        _compared(baseline, shown.test) if baseline else "",
    ]
    return [line for line in found if line]


def note(data_set: str) -> str:
    """Return what the accuracy on a data set does not tell; empty where nothing is to be said."""
    return {
        "speech": _(
            "Telephone prompts by four speakers, one of whom speaks both English and Spanish: it "
            "may know the voice as well as the language. What is said in one part of the data is "
            "said in no other."
        ),
        "breast-cancer": _(
            "No medical device: 569 samples of one hospital, for learning about compression only."
        ),
        "watch": _(
            "Ten people. The two that it is tested on are none of those it learned from; others "
            "may move in other ways."
        ),
        "lander": _(
            "A game, simulated. Accuracy counts how often it does what its teacher would do."
        ),
        "driving": _(
            "Simulated; no real road data. Accuracy counts how often it does what its teacher "
            "would do, on tracks it has never seen."
        ),
        "reviews": _(
            "Great is five stars of five. English reviews until 2012; no product of one part is "
            "in another."
        ),
        "photos": _(
            "Its weights were trained by others, and nobody labelled these photos: what counts is "
            "whether it still answers as the original does. A small network trained from scratch "
            "would need labels, so there is none to compare with."
        ),
    }.get(data_set, "")


def method(baseline: Baseline) -> str:
    """Return what a baseline is called, as the beginning of a sentence."""
    return {
        "majority": _("Always giving the most frequent answer"),
        "logistic": _("Logistic regression, a far simpler model,"),
        "ridge": _("Linear regression, a far simpler model,"),
        "tfidf": _("Logistic regression on counted words, a far simpler model,"),
    }[baseline.method]


def _played(name: str, seed: int) -> str:
    found = cached.played(name, seed)
    if found is None:
        return ""
    mean = found.mean_return
    return _(
        "Mean return {value} ±{half} over {count} unseen games; its teacher reaches {teacher}."
    ).format(
        value=words.three(mean.value),
        half=words.three((mean.high - mean.low) / 2),
        count=mean.n,
        teacher=words.three(found.teacher.value),
    )


def _compared(baseline: Baseline, reached: Measured) -> str:
    return _("{method} reaches {accuracy}: {verdict}.").format(
        method=method(baseline),
        accuracy=words.accuracy(baseline.test),
        verdict=_verdict(baseline.test, reached),
    )


def _verdict(simple: Measured, reached: Measured) -> str:
    if reached.low > simple.high:
        return _("this network beats it")
    if reached.high < simple.low:
        return _("this network does not reach it")
    return _("on so few samples the two cannot be told apart")
