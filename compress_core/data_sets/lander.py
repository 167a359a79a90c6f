"""LunarLander-v3 of gymnasium: eight numbers of a landing craft, and what its teacher would do."""

from compress_core.data_sets.data_set import DataSet
from compress_core.data_sets.recorded import Recording

MOMENTS = Recording(
    name="lander",
    labels=("Nothing", "Left engine", "Main engine", "Right engine"),
    # Near the mean and deviation of the training moments; the feet are as they are.
    mean=(0.0, 0.5, 0.0, -0.2, 0.0, 0.0, 0.0, 0.0),
    std=(0.3, 0.5, 0.3, 0.3, 0.2, 0.2, 1.0, 1.0),
)

LANDER = DataSet(
    load=MOMENTS.load,
    input_shape=(8,),
    title="Moon landings",
    question="Which engine should fire now?",
    licence="MIT",
)
