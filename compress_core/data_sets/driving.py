"""CarRacing-v3 of gymnasium: a simulated road from above, and what its teacher would do."""

from compress_core.data_sets.data_set import DataSet
from compress_core.data_sets.recorded import Recording

MOMENTS = Recording(
    name="driving",
    labels=("Nothing", "Steer right", "Steer left", "Gas", "Brake"),
    # Near the mean and deviation of the training pixels.
    mean=140.0,
    std=50.0,
)

DRIVING = DataSet(
    load=MOMENTS.load,
    input_shape=(1, 48, 48),
    title="Simulated driving",
    question="What should the driver do now?",
    licence="MIT",
)
