"""LunarLander-v3 of gymnasium: eight numbers of a landing craft, and what its teacher would do."""

from compress_core.data_sets.data_set import DataSet
from compress_core.data_sets.recorded import Recording

MOMENTS = Recording(
    name="lander",
    labels=("Nothing", "Left engine", "Main engine", "Right engine"),
    # The middle and an eighth of the range of each number, so that all reach from -4 to 4.
    mean=(0.0, 0.7, 0.0, -0.35, 0.0, 0.0, 0.5, 0.5),
    std=(0.25, 0.2, 0.25, 0.18, 0.15, 0.15, 0.125, 0.125),
)

LANDER = DataSet(
    load=MOMENTS.load,
    input_shape=(8,),
    title="Moon landings",
    question="Which engine should fire now?",
    licence="MIT",
)
