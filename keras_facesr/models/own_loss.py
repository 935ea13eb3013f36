"""What networks with losses of their own share: their step, what it reports, and what of Keras' ``fit`` it honours."""

import functools

import keras
from keras import ops

from keras_facesr import backend
from keras_facesr.models.base import FaceSR, Network


class OwnLoss(Network):
    """Base of networks with losses of their own: they compile without one.

    A subclass gives ``learn`` and ``judged``.
    """

    FIGURES = ()  # names of what training reports beside the loss
    figure_means = ()  # the metrics of those, once the network is compiled

    @property
    def figures(self):
        """``FIGURES`` of the present phase."""
        return self.FIGURES

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, **how):
        """As Keras' own, without a loss. ``metrics`` are of ``validation_answer``, which training then makes as well.

        Raises:
            ValueError: a loss is given.
        """
        if loss is not None or loss_weights is not None:
            raise ValueError(f"{type(self).__name__} has a loss of its own: compile it without loss and loss_weights")
        super().compile(optimizer, **how)
        with backend.scope_of(self):
            # Past Keras, which would count them as parts of the network, and adds none to one that is built.
            self.__dict__["figure_means"] = [keras.metrics.Mean(name) for name in self.figures]

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, class_weight=None, **how):
        if class_weight is not None:
            raise ValueError(f"{type(self).__name__} knows no classes: fit it without class_weight")
        return super().fit(*args, **how)

    @property
    def metrics(self):
        """The mean of the loss, those of ``figures``, and what the network is compiled with."""
        own = super().metrics
        return [*own[:1], *self.figure_means, *own[1:]]

    def train_step(self, data):
        x, y = self.pair(data)
        return self.report(self.learn(x, y), x, y)

    def test_step(self, data):
        x, y = self.pair(data)
        return self.report(self.judged(x, y), x, y)

    def learn(self, x, y):
        """Make one step on a batch; its loss and the values of ``figures``, means over the batch."""
        raise NotImplementedError

    def judged(self, x, y):
        """The loss of a batch, as ``evaluate`` and ``validation_data`` report it, and the values of ``figures``, if any."""
        raise NotImplementedError

    def pair(self, data):
        """Inputs and targets of a batch, as tensors.

        Raises:
            ValueError: they do not belong together (``checked_target``), or are weighed.
        """
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise ValueError(f"{type(self).__name__} weighs all of a batch alike: fit and evaluate it without sample_weight")
        return ops.convert_to_tensor(x), ops.convert_to_tensor(self.checked_target(x, y))

    def report(self, values, x, y):
        """Update as many ``metrics`` as a step has values, and what the network is compiled with: what the step returns."""
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
    """Base of networks that train in phases: ``phase``, which is saved with the model. Compile anew for each."""

    def get_config(self):
        return {**super().get_config(), "phase": self.phase}

    @classmethod
    def from_config(cls, config):
        arguments = dict(config)
        phase = arguments.pop("phase")
        model = super().from_config(arguments)
        model.phase = phase
        return model


class ObjectiveSR(OwnLossSR):
    """Base of networks with one ``objective``.

    A subclass gives ``objective(lr, hr)``, for images in [0, 1], which returns the loss and the values of ``FIGURES``.
    """

    def learn(self, lr, hr):
        return self.minimise(lambda: self.objective(lr, hr))
