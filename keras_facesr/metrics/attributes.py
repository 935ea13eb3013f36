"""How well attributes are told."""

import numpy as np


def balanced_accuracy(found, truth):
    """Mean of the shares found among those that have an attribute and among those that lack it, mean over attributes.

    An attribute that all have or all lack is left out.

    Args:
        found: bool (N, A).
        truth: (N, A), 1 or 0, nan where unknown.

    Returns:
        share in [0, 1]; 0.5 is chance; nan if no attribute can be judged.
    """
    shares = []
    for attribute, true in zip(np.asarray(found).T, np.asarray(truth, float).T):
        with_it, without = attribute[true == 1], attribute[true == 0]
        if len(with_it) and len(without):
            shares.append((with_it.mean() + 1 - without.mean()) / 2)
    return float(np.mean(shares)) if shares else float("nan")
