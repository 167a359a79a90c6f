"""
What something far simpler reaches: `python -m compress_core.data_sets.baseline reviews`.

It learns from the same part as the networks, its strength is chosen on the validation part, and the
test part is looked at once. Writes `assets/<data set>/baseline.json`.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from compress_core.data_sets import reviews
from compress_core.data_sets.data_set import ASSETS, PARTS
from compress_core.data_sets.table import DATA_SETS
from compress_core.measured import Measured, proportion

STRENGTHS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Inverse strengths of regularization that are tried."""
BASELINES = {
    "digits": "logistic",
    "fashion-mnist": "ridge",
    "speech": "majority",
    "reviews": "tfidf",
    "breast-cancer": "logistic",
    "watch": "majority",
    "lander": "majority",
    "driving": "majority",
}
"""Data set -> the method that its networks are compared with, a key of `METHODS`."""


def majority(data_set: str) -> Measured:
    """Always give the answer that is most frequent in the training part."""
    data = DATA_SETS[data_set].load()
    answer = int(data.train.y.bincount().argmax())
    return proportion(int((data.test.y == answer).sum()), len(data.test))


def logistic(data_set: str) -> Measured:
    """Logistic regression on the values that a network is shown, every one for itself."""
    return _regression(*_values(data_set))


def ridge(data_set: str) -> Measured:
    """Linear regression on the same towards 1 for the right class, else -1: for many samples."""
    from sklearn.linear_model import RidgeClassifier

    x, y = _values(data_set)
    doubles = [values.astype("float64") for values in x]  # pixels that are always black: no inverse
    return _best([RidgeClassifier(alpha=1 / c) for c in STRENGTHS], doubles, y)


def tfidf(data_set: str) -> Measured:
    """Logistic regression on TF-IDF weights (Sparck Jones, 1972) of words and pairs of words."""
    # Imported here: it takes seconds that only this needs.
    from sklearn.feature_extraction.text import TfidfVectorizer

    assert data_set == "reviews"  # no other data set has texts
    drawn = [reviews.parts()[name].tolist() for name in PARTS]
    taught, *judged = ([reviews.texts()[i] for i in numbers] for numbers in drawn)
    counter = TfidfVectorizer(
        tokenizer=reviews.words, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True
    )
    counted = [counter.fit_transform(taught), *(counter.transform(texts) for texts in judged)]
    return _regression(counted, [[reviews.verdicts()[i] for i in numbers] for numbers in drawn])


METHODS: dict[str, Callable[[str], Measured]] = {
    "majority": majority,
    "logistic": logistic,
    "ridge": ridge,
    "tfidf": tfidf,
}
"""What a baseline is called -> its accuracy on the test part of a data set."""


def _values(data_set: str) -> tuple[list[Any], list[Any]]:
    data = DATA_SETS[data_set].load()
    parts = (data.train, data.validation, data.test)
    return [part.inputs().flatten(1).numpy() for part in parts], [p.y.numpy() for p in parts]


def _regression(x: list[Any], y: list[Any]) -> Measured:
    from sklearn.linear_model import LogisticRegression

    return _best([LogisticRegression(C=c, max_iter=1000) for c in STRENGTHS], x, y)


def _best(models: list[Any], x: list[Any], y: list[Any]) -> Measured:
    """Fit each model, choose on validation, count on test; *x* and *y* are three parts."""
    fitted = [model.fit(x[0], y[0]) for model in models]
    best = max(fitted, key=lambda model: float(model.score(x[1], y[1])))
    right = best.predict(x[2]) == y[2]
    return proportion(int(right.sum()), len(right))


def main() -> None:
    """Measure the baseline of one data set and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_set", choices=sorted(BASELINES))
    name = parser.parse_args().data_set
    record = {
        "method": BASELINES[name],
        "command": f"python -m compress_core.data_sets.baseline {name}",
        "test": asdict(METHODS[BASELINES[name]](name)),
    }
    (ASSETS / name / "baseline.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
