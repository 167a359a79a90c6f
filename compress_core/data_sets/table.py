"""The built-in data sets by name."""

from compress_core.data_sets.breast_cancer import BREAST_CANCER
from compress_core.data_sets.data_set import DataSet
from compress_core.data_sets.digits import DIGITS
from compress_core.data_sets.driving import DRIVING
from compress_core.data_sets.fashion_mnist import FASHION_MNIST
from compress_core.data_sets.lander import LANDER
from compress_core.data_sets.photos import PHOTOS
from compress_core.data_sets.reviews import REVIEWS
from compress_core.data_sets.speech import SPEECH
from compress_core.data_sets.watch import WATCH

DATA_SETS: dict[str, DataSet] = {
    "digits": DIGITS,
    "fashion-mnist": FASHION_MNIST,
    "speech": SPEECH,
    "reviews": REVIEWS,
    "breast-cancer": BREAST_CANCER,
    "watch": WATCH,
    "lander": LANDER,
    "driving": DRIVING,
    "photos": PHOTOS,
}
