"""How well a network predicts attributes."""

import numpy as np
from scipy.stats import mannwhitneyu


def ranked_rightly(scores, truth):
    """For each attribute, how often a face that has it scores above one that lacks it: the area under the ROC curve.

    It needs no threshold, so rare attributes are judged as fairly as common ones.

    Args:
        scores: (N, A), higher is surer.
        truth: (N, A), 1 or 0, nan where unknown.

    Returns:
        float (A,) of shares in [0, 1]; 0.5 is chance; nan for an attribute that all have or all lack.
    """
    shares = []
    for score, true in zip(np.transpose(scores), np.transpose(truth)):
        with_it, without = score[true == 1], score[true == 0]
        judged = len(with_it) and len(without)
        shares.append(mannwhitneyu(with_it, without).statistic / (len(with_it) * len(without)) if judged else np.nan)
    return np.array(shares)
