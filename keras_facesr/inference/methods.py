"""Networks as ``metrics.protocol`` sees them: methods, judges, degradations and readers of uint8 images."""

import numpy as np

from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.inference.pictures import check_enlarges, upscale
from keras_facesr.inference.tiles import passes


class KerasMethod:
    """A network, or an exported file in one of ``runtimes``, as a method of ``metrics.protocol.evaluate``.

    With ``ensemble``, ``upscale_batch`` answers as ``upscale(..., ensemble=True)`` does; samples are the same as without. With
    ``independent``, samples are drawn independently of each other, not spread (``Stochastic.sample``).
    """

    def __init__(self, model, ensemble=False, independent=False):
        check_enlarges(model)
        self.model, self.ensemble, self.independent = model, ensemble, independent
        self.is_stochastic = model.is_stochastic

    def upscale_batch(self, lr):
        """uint8 (N, H, W, 3) -> uint8 (N, scale * H, scale * W, 3)."""
        return upscale(self.model, lr, ensemble=self.ensemble)

    def sample_batch(self, lr, n, seeds):
        """uint8 (N, H, W, 3) and a seed for each image -> ``n`` samples of each: uint8 (n, N, scale * H, scale * W, 3)."""
        from keras import ops

        draw = lambda part: self.model.sample(to_unit(lr[part]), n, seeds[part], self.independent)  # noqa: E731
        drawn = [to_uint8(ops.convert_to_numpy(draw(part))) for part in passes(lr, n * self.model.scale**2)]
        return np.concatenate(drawn, axis=1)


class KerasJudge:
    """A ``FaceFeatures`` network as the judge of ``metrics.protocol.evaluate``."""

    def __init__(self, name, network):
        self.name, self.network = name, network

    def see(self, images):
        """uint8 (N, H, W, 3) -> (list of feature maps (N, h, w, C), embeddings (N, D)), NumPy."""
        from keras import ops

        from keras_facesr import backend

        with backend.no_gradients():
            maps, embedding = self.network.see(to_unit(images))
            return [ops.convert_to_numpy(features) for features in maps], ops.convert_to_numpy(embedding)


class KerasDegradation:
    """A ``StyleVAE`` as the degradation of ``metrics.protocol.evaluate``."""

    def __init__(self, name, network):
        self.name, self.network = name, network

    def reduce(self, hr, seeds):
        """uint8 (N, H, W, 3) and a seed for each image, which draws its style -> uint8 (N, H / scale, W / scale, 3)."""
        chance = np.stack([np.random.default_rng(seed).normal(size=self.network.style_dim) for seed in seeds])
        return to_uint8(self.network.degrade(to_unit(hr), style=self.network.styles(chance.astype("float32"))))


class KerasReader:
    """A ``DigitClassifier`` network as the reader of ``metrics.protocol.evaluate``."""

    def __init__(self, name, network):
        self.name, self.network = name, network

    def read(self, images):
        """uint8 (N, H, W, 3) -> probabilities of the ten digits (N, 10), NumPy."""
        return np.asarray(self.network.predict_on_batch(to_unit(images)))
