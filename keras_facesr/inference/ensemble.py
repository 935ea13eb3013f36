"""A network asked twice: about the picture and about its mirror image.

The self-ensemble of EDSR (Lim et al., section 3.3) with one of its seven turns: faces are upright.
"""


class FlipEnsemble:
    """A model whose answer is the mean of its own and of that to the mirrored picture, mirrored back."""

    def __init__(self, model):
        self.model = model

    def __getattr__(self, name):
        return getattr(self.model, name)

    def __call__(self, lr):
        """(N, H, W, C) -> (N, scale * H, scale * W, 3) in [0, 1]."""
        return _with_mirrored(self.model, lr)

    def predict_on_batch(self, lr):
        """The same of NumPy images."""
        return _with_mirrored(self.model.predict_on_batch, lr)


def _with_mirrored(answer, lr):
    return (answer(lr) + answer(lr[:, :, ::-1])[:, :, ::-1]) / 2
