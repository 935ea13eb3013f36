"""Self-ensemble: the mean of a network's answers to the picture and to its mirror image.

EDSR's self-ensemble (Lim et al., section 3.3) has seven transformed pictures; here only one is used, as faces are upright.
"""


class FlipEnsemble:
    """A model that returns the mean of another model's answers to the picture and, mirrored back, to the mirrored picture."""

    def __init__(self, model):
        self.model = model

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, lr):
        """(N, H, W, C) -> (N, scale * H, scale * W, 3) in [0, 1], both NumPy: PyTorch's tensors take no negative step."""
        return _with_mirrored(lambda images: self.model.eagerly(self.model, images), lr)

    def predict_on_batch(self, lr):
        """The same, as the model's own ``predict_on_batch`` does it."""
        return _with_mirrored(self.model.predict_on_batch, lr)


def _with_mirrored(answer, lr):
    return (answer(lr) + answer(lr[:, :, ::-1])[:, :, ::-1]) / 2
