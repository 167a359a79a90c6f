"""Questions people ask, answered in a few plain words, each with a setting that shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared.choice import Choice
from pages.shared.lessons.parts import setting, show_me
from pages.shared.lessons.speeds import speedup
from pages.shared.words import N_, _

LENET, VGG = "fashion-mnist/lenet-5", "fashion-mnist/vgg-small"
WIDTH = 860


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody asks, what is answered, and the setting that shows it."""

    asked: str
    answer: str
    """May hold names of `FIGURES` in braces."""
    shown: Choice
    plan: tuple[tuple[str, Any], ...] = ()
    """Fields of a fine-tuning, where that is what shows it."""


FIGURES: dict[str, Callable[[], str]] = {
    "zeros": lambda: speedup("zeros", "onnx"),
    "channels_phone": lambda: speedup("channels", "executorch"),
    "small_int8": lambda: speedup("integers", "onnx", (LENET,)),
    "large_int8": lambda: speedup("integers", "onnx", (VGG,)),
    "four_bits": lambda: speedup("fewer bits", "onnx"),
    "phone_int8": lambda: speedup("integers", "executorch", (VGG,)),
    "litert_int8": lambda: speedup("integers", "litert", (VGG,)),
    "small_phone_int8": lambda: speedup("integers", "executorch", (LENET,)),
}
"""What answers quote: measured by `python -m benchmarks.exports --facts`, shipped with the app."""

QUESTIONS: dict[str, Question] = {
    "nothing-smaller": Question(
        asked=N_("I pruned 90 % of the weights. Why is nothing smaller or faster?"),
        answer=N_(
            "A pruned weight is a zero, and in most files a zero takes as much room as any other "
            "number. It is multiplied like any other, too: with half of all weights zero, ONNX "
            "Runtime was measured {zeros} as fast. Two things help. Our packed file stores zeros "
            "in a fraction of a bit, so **it** gets smaller. And removing **whole channels** makes "
            "every shape smaller, for every file and every runtime: 30 % fewer channels were "
            "{channels_phone} as fast in ExecuTorch."
        ),
        shown=setting(share=90),
    ),
    "int8-slower": Question(
        asked=N_("My int8 network is slower than the original. Why?"),
        answer=N_(
            "Rounding values on their way from layer to layer costs time as well. Where layers are "
            "small it costs more than integers save: LeNet-5 in int8 was measured {small_int8} as "
            "fast in ONNX Runtime, the larger VGG-small {large_int8}. Also, weights **and** "
            "activations have to be rounded; with weights alone everything is still computed in "
            "float ({four_bits})."
        ),
        shown=setting(weight_bits=8, activation_bits=8),
    ),
    "which-bits": Question(
        asked=N_("Which bit width should I take?"),
        answer=N_(
            "Begin with 8: it rarely costs accuracy, and it is what most processors compute in. "
            "6 to 4 bits make the packed file smaller, not the network faster. Below 4 most "
            "networks need to be trained on. Move the slider and watch the accuracy: it is "
            "measured, and a drop within ± may be chance."
        ),
        shown=setting(weight_bits=4),
    ),
    "dynamic-static": Question(
        asked=N_("What is dynamic and what is static quantization?"),
        answer=N_(
            "Activations, the values between layers, need a range too. **Dynamic**: it is found "
            "anew for each input, which takes time whenever the network runs. **Static**: it is "
            "found once, on sample data, and then fixed. This app does it statically, and what it "
            "shows is what the file computes."
        ),
        shown=setting(VGG, weight_bits=8, activation_bits=8),
    ),
    "calibration": Question(
        asked=N_("What is calibration?"),
        answer=N_(
            "Looking at samples to decide which range of values a few bits should cover. A wide "
            "range has coarse steps, a narrow one cuts off large values. Only training samples are "
            "looked at, never those that accuracy is measured on. See “Clipping or rounding” among "
            "the concepts."
        ),
        shown=setting(weight_bits=4, activation_bits=4, calibration="mse"),
    ),
    "why-retrain": Question(
        asked=N_("Why train again after compression?"),
        answer=N_(
            "The weights were found for a network in which all of them were there and exact. When "
            "some go and the rest are rounded, the others can move a little to make up for it. "
            "What was removed stays removed, and every value stays one of the allowed ones: the "
            "file does not grow. A few passes over the training samples often win most of a loss "
            "back."
        ),
        shown=setting(share=80, weight_bits=4, activation_bits=8, allocation="lamp"),
        plan=(("epochs", 3),),
    ),
    "two-of-four": Question(
        asked=N_("Does 2:4 make it faster on my laptop or phone?"),
        answer=N_(
            "No. Two of each four weights are zero so that certain graphics processors can skip "
            "them; processors of laptops and phones, and the runtimes here, multiply them all "
            "(zeros were measured {zeros} as fast). Without such hardware, whole channels are the "
            "way to be faster."
        ),
        shown=setting(granularity="n:m", n_of_m="2:4"),
    ),
    "plus-minus": Question(
        asked=N_("What does ± mean?"),
        answer=N_(
            "Accuracy is counted on some samples; others would have given a slightly different "
            "number. With ± comes the range in which the true one lies in 95 of 100 cases (the "
            "95 % interval, after Wilson, 1927). More samples, narrower range. The difference of "
            "two networks is counted on the same samples."
        ),
        shown=setting("digits/simple-nn", share=60, weight_bits=4),
    ),
    "estimates": Question(
        asked=N_("Can I trust an estimate?"),
        answer=N_(
            "Whatever was not run is marked with ≈ and drawn hollow, and says what it was worked "
            "out from. It shows where to look, not what you ship. In Export each file is written, "
            "run on test samples and timed here, and what was found is its certificate."
        ),
        shown=setting(share=30, weight_bits=6, activation_bits=8),
    ),
    "which-file": Question(
        asked=N_("Which file for Android, iPhone, the web or a microcontroller?"),
        answer=N_(
            "**Android or iPhone app**: ExecuTorch (VGG-small in int8 was measured {phone_int8} as "
            "fast as in float) or, on Android, LiteRT ({litert_int8}); on Apple devices also Core "
            "ML, which is written but cannot be run here. **Web, desktop, server**: ONNX. "
            "**Microcontroller**: LiteRT, whose small sister reads the same file; have all "
            "weights and activations in 8 bits. **To send or keep**: the packed file."
        ),
        shown=setting(VGG, weight_bits=8, activation_bits=8),
    ),
    "collapsed": Question(
        asked=N_("The accuracy collapsed. What now?"),
        answer=N_(
            "In this order: give each channel a scale of its own; let the range with the least "
            "error be chosen; let each weight's rounding be learned; spare the layer that suffers "
            "most (the list under the picture shows what each loses alone); train on. Here 3 bits "
            "are rounded the learned way."
        ),
        shown=setting(weight_bits=3, calibration="mse", learned=True),
    ),
    "small-from-scratch": Question(
        asked=N_("Why not train a small network from the start?"),
        answer=N_(
            "A fair question, and the only honest comparison. Small networks of the same kind were "
            "trained from scratch and stored in 8 bits; under the sizes you read how large one has "
            "to be to be as accurate as yours. If it is smaller than your file, take it."
        ),
        shown=setting(share=50, weight_bits=4, activation_bits=8),
    ),
    "channels-hurt": Question(
        asked=N_("Why do removed channels hurt so much at once?"),
        answer=N_(
            "A channel is many weights, useful ones among them, and the layers behind have counted "
            "on it. So the accuracy falls far, and is mostly won back by training on: the network "
            "is then truly smaller, and faster everywhere."
        ),
        shown=setting("fashion-mnist/resnet-20", granularity="channel", share=30),
    ),
}
"""Name -> question, in the order in which they are shown."""


def questions() -> None:
    """Draw all questions; each answer unfolds."""
    st.markdown(
        _(
            "Speeds are times as fast as the untouched network in the same runtime, measured once "
            "with the networks of this app; Export times yours here."
        ),
        width=WIDTH,
    )
    for name, question in QUESTIONS.items():
        with st.expander(_(question.asked), key=f"learn.question.{name}", width=WIDTH):
            st.markdown(answer(question))
            show_me(f"question.{name}", question.shown, plan=dict(question.plan))


def answer(question: Question) -> str:
    """Return the answer with what was measured."""
    text = _(question.answer)
    named = {name: say() for name, say in FIGURES.items() if f"{{{name}}}" in text}
    return text.format(**named)
