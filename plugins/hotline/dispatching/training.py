"""Learning categories from examples: `python -m plugins.hotline.dispatching.training` reads them
from its input (JSON: a list of `[text, category]`) and writes what it learnt to its output.

It runs in a process of its own: scikit-learn takes over a second to load and training takes all of
a processor, neither of which a worker that answers requests should pay.
"""

import base64
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from plugins.hotline.dispatching.learning import N_GRAMS, Learnt, plain

LEAST: Final = 100
"""Examples below which nothing is learnt."""
LEAST_OF_CLASS: Final = 5
"""Examples below which a category is not told apart."""
FOLDS: Final = 5
TERMS: Final = 20_000
CELLS: Final = 2_000_000
"""How many weights are kept at most: with many categories there are fewer terms."""

Example = tuple[str, str]


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt, and how well: shares of examples named rightly by what had not seen them."""

    examples: int
    classes: int
    accuracy: float
    level1: float
    baseline: float
    weights: str = ""


def usable(examples: Sequence[Example]) -> list[Example]:
    """Return the examples of categories that have enough of them."""
    count = Counter(category for _, category in examples)
    return [one for one in examples if count[one[1]] >= LEAST_OF_CLASS]


def enough(examples: Sequence[Example]) -> bool:
    """Return whether something can be learnt: there are enough examples, and not all alike."""
    found = usable(examples)
    return len(found) >= LEAST and len({category for _, category in found}) > 1


def train(examples: Sequence[Example]) -> Trained | None:
    """Return what was learnt of the usable examples, None where they are not enough."""
    if not enough(examples):
        return None
    found = usable(examples)
    accuracy, level1, baseline = measure(found)
    learnt = learn(found)
    return Trained(
        examples=len(found),
        classes=len(learnt.classes),
        accuracy=accuracy,
        level1=level1,
        baseline=baseline,
        weights=base64.b64encode(learnt.to_bytes()).decode(),
    )


def measure(examples: Sequence[Example], *, rounds: int = 1) -> tuple[float, float, float]:
    """Return the cross-validated accuracy of the category and of its first level, and that of
    always naming the most frequent first level."""
    import numpy as np
    from sklearn.model_selection import RepeatedStratifiedKFold

    texts = np.array([text for text, _ in examples], dtype=object)
    labels = np.array([category for _, category in examples], dtype=object)
    above = np.array([category.partition("/")[0] for _, category in examples], dtype=object)
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=rounds, random_state=0)
    exact, first, most = [], [], []
    for seen, unseen in folds.split(texts, labels):
        model = _pipeline(len(set(labels[seen]))).fit(texts[seen], labels[seen])
        named = model.predict(texts[unseen])
        exact.append(float(np.mean(named == labels[unseen])))
        tops = np.array([one.partition("/")[0] for one in named], dtype=object)
        first.append(float(np.mean(tops == above[unseen])))
        frequent = Counter(above[seen]).most_common(1)[0][0]
        most.append(float(np.mean(above[unseen] == frequent)))
    return float(np.mean(exact)), float(np.mean(first)), float(np.mean(most))


def learn(examples: Sequence[Example]) -> Learnt:
    """Return the weights that were learnt of examples."""
    import numpy as np

    labels = [category for _, category in examples]
    model = _pipeline(len(set(labels))).fit([text for text, _ in examples], labels)
    words, machine = model[0], model[1]
    weights, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:  # one row says both
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return Learnt(
        [str(one) for one in machine.classes_],
        [str(one) for one in words.get_feature_names_out()],
        words.idf_,
        weights,
        bias,
    )


def _pipeline(classes: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(
        TfidfVectorizer(
            analyzer="char",
            preprocessor=plain,
            ngram_range=N_GRAMS,
            sublinear_tf=True,
            min_df=2,
            max_features=min(TERMS, CELLS // classes),
        ),
        LinearSVC(class_weight="balanced", random_state=0),
    )


def main() -> None:
    """Train on what comes in, and say what was learnt: `null` for too few examples."""
    examples = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Example])
    sys.stdout.buffer.write(msgspec.json.encode(train(examples)))


if __name__ == "__main__":
    main()
