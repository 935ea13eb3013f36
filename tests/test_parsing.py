"""Agreement of masks, counted by hand."""

import numpy as np
import pytest

from keras_facesr.metrics.parsing import intersection_over_union


def test_a_share_is_what_both_have_of_what_either_has_over_all_pictures_together():
    truth = np.array([[[1, 1, 2, 0]], [[1, 2, 2, 0]]])
    found = np.array([[[1, 2, 2, 2]], [[1, 1, 3, 0]]])
    shares = intersection_over_union(found, truth, {"one": (1,), "two or three": (2, 3), "four": (4,)})
    assert shares["one"] == pytest.approx(2 / 4)
    assert shares["two or three"] == pytest.approx(2 / 5)
    assert np.isnan(shares["four"])
