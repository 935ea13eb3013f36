"""Agreement of predicted and true parts of a face."""

import numpy as np


def intersection_over_union(found, truth, groups):
    """Intersection over union of groups of classes, over all pixels of all pictures together.

    Args:
        found, truth: integer (..., H, W), a class for each pixel.
        groups: name -> the classes that count as one.

    Returns:
        name -> share in [0, 1]; nan if the group is in neither.
    """
    shares = {}
    for name, classes in groups.items():
        here, there = np.isin(found, classes), np.isin(truth, classes)
        union = np.count_nonzero(here | there)
        shares[name] = np.count_nonzero(here & there) / union if union else float("nan")
    return shares
