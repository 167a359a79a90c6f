"""
What counting words reaches: `python -m compress_core.data_sets.review_baseline`.

Logistic regression on TF-IDF weights of words and pairs of words (Sparck Jones, 1972), of whole
reviews. It learns from the same part as the networks, its strength is chosen on the validation
part, and the test part is looked at once. Writes `assets/reviews/baseline.json`.
"""

import json
from dataclasses import asdict

from compress_core.data_sets.data_set import ASSETS
from compress_core.data_sets.reviews import parts, texts, verdicts, words
from compress_core.measured import Measured, proportion

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Inverse strengths of regularization that are tried."""


def measure() -> Measured:
    """Return the accuracy on the test part."""
    # Imported here: it takes seconds that only this needs.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    drawn = {name: numbers.tolist() for name, numbers in parts().items()}
    said = {name: [texts()[i] for i in numbers] for name, numbers in drawn.items()}
    great = {name: [verdicts()[i] for i in numbers] for name, numbers in drawn.items()}
    counter = TfidfVectorizer(
        tokenizer=words, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True
    )
    counted = {"train": counter.fit_transform(said["train"])}
    counted |= {name: counter.transform(said[name]) for name in ("validation", "test")}
    models = [
        LogisticRegression(C=strength, max_iter=1000).fit(counted["train"], great["train"])
        for strength in STRENGTHS
    ]
    best = max(models, key=lambda m: float(m.score(counted["validation"], great["validation"])))
    right = best.predict(counted["test"]) == great["test"]
    return proportion(int(right.sum()), len(right))


def main() -> None:
    """Measure and write what was measured."""
    record = {
        "method": "tfidf",
        "command": "python -m compress_core.data_sets.review_baseline",
        "test": asdict(measure()),
    }
    (ASSETS / "reviews" / "baseline.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
