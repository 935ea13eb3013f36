"""What networks with losses of their own share: the training step, its figures, and the options of ``fit`` that it takes."""

import functools

import keras
from keras import ops

from keras_facesr import backend
from keras_facesr.models.base import FaceSR, Network


class OwnLoss(Network):
    """Base of networks with losses of their own: they compile without one.

    A subclass defines ``learn`` and ``judged``.
    """

    FIGURES = ()  # names of the figures that training reports besides the loss
    figure_means = ()  # their metrics, once the network is compiled

    @property
    def figures(self):
        """The names of the current phase's figures, by default ``FIGURES``."""
        return self.FIGURES

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, **how):
        """As Keras' own, without a loss. ``metrics`` measure ``validation_answer``, which training then computes as well.

        Raises:
            ValueError: a loss is given.
        """
        if loss is not None or loss_weights is not None:
            raise ValueError(f"{type(self).__name__} has a loss of its own: compile it without loss and loss_weights")
        super().compile(optimizer, **how)
        with backend.scope_of(self):
            # Bypasses Keras, which would count them as parts of the network, and refuses new parts once it is built.
            self.__dict__["figure_means"] = [keras.metrics.Mean(name) for name in self.figures]

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, class_weight=None, **how):
        if class_weight is not None:
            raise ValueError(f"{type(self).__name__} knows no classes: fit it without class_weight")
        return super().fit(*args, **how)

    @property
    def metrics(self):
        """The mean of the loss, the means of ``figures``, and the metrics that the network is compiled with."""
        own = super().metrics
        return [*own[:1], *self.figure_means, *own[1:]]

    def train_step(self, data):
        x, y = self.pair(data)
        return self.report(self.learn(x, y), x, y)

    def test_step(self, data):
        x, y = self.pair(data)
        return self.report(self.judged(x, y), x, y)

    def learn(self, x, y):
        """One training step on a batch; returns its loss and the values of ``figures``, means over the batch."""
        raise NotImplementedError

    def judged(self, x, y):
        """The loss of a batch, as ``evaluate`` and ``validation_data`` report it, and the values of ``figures``, if any."""
        raise NotImplementedError

    def pair(self, data):
        """Inputs and targets of a batch, as tensors, float ones in float32: generators and ``tf.data`` may give float64.

        Raises:
            ValueError: they do not belong together (``checked_target``), or there are sample weights.
        """
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise ValueError(f"{type(self).__name__} weighs all of a batch alike: fit and evaluate it without sample_weight")
        pair = ops.convert_to_tensor(x), ops.convert_to_tensor(self.checked_target(x, y))
        kinds = (keras.backend.standardize_dtype(part.dtype) for part in pair)
        return [ops.cast(part, "float32") if keras.backend.is_float_dtype(kind) else part for part, kind in zip(pair, kinds)]

    def report(self, values, x, y):
        """Update the metrics of a step's values and those that the network is compiled with; their results by name."""
        reported = self.metrics[: len(values)]
        for metric, value in zip(reported, values):
            metric.update_state(value, sample_weight=ops.shape(x)[0])
        results = {metric.name: metric.result() for metric in reported}
        for given in super().metrics[1:]:
            with backend.no_gradients():
                given.update_state(y, self.validation_answer(x))
            results |= given.result()
        return results


class OwnLossSR(OwnLoss, FaceSR):
    """Base of super-resolution networks with losses of their own."""

    def judged(self, lr, hr):
        """The mean squared error of the answer, of values in [0, 1]."""
        return (ops.mean(ops.square(hr - self.validation_answer(lr))),)


class PhasedSR(OwnLossSR):
    """Base of networks that train in phases. ``phase`` is saved with the model; compile again for each phase."""

    def get_config(self):
        return {**super().get_config(), "phase": self.phase}

    @classmethod
    def from_config(cls, config):
        arguments = dict(config)
        phase = arguments.pop("phase", None)
        model = super().from_config(arguments)
        if phase is not None:  # a preset's config has none
            model.phase = phase
        return model


class ObjectiveSR(OwnLossSR):
    """Base of networks with one ``objective``.

    A subclass defines ``objective(lr, hr)``, for images in [0, 1], which returns the loss and the values of ``FIGURES``.
    """

    def learn(self, lr, hr):
        return self.minimise(lambda: self.objective(lr, hr))
