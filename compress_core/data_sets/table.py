"""The built-in data sets by name."""

from compress_core.data_sets.data_set import DataSet
from compress_core.data_sets.digits import DIGITS
from compress_core.data_sets.driving import DRIVING
from compress_core.data_sets.fashion_mnist import FASHION_MNIST
from compress_core.data_sets.lander import LANDER
from compress_core.data_sets.reviews import REVIEWS

DATA_SETS: dict[str, DataSet] = {
    "digits": DIGITS,
    "fashion-mnist": FASHION_MNIST,
    "reviews": REVIEWS,
    "lander": LANDER,
    "driving": DRIVING,
}
