"""What every model of the zoo promises."""

import keras
from keras import ops

from keras_facesr import backend


class Network(keras.Model):
    """Base of all networks, whatever they answer."""

    ARGUMENTS = ()  # of the constructor that are attributes of the same name; a subclass names its own beyond its base's
    preset = None  # name of the preset whose released weights these are

    @property
    def learning_variables(self):
        """What the compiled optimiser changes: all trainable variables, unless others are an opponent's."""
        return self.trainable_variables

    @property
    def updates(self):
        """How often the compiled optimiser has changed the weights, an integer tensor: what a step's seed follows from."""
        return ops.convert_to_tensor(self.optimizer.iterations)

    def minimise(self, loss_fn, variables=None, optimizer=None):
        """One step on ``variables``, by default of the compiled optimiser on ``learning_variables``.

        ``loss_fn() -> (loss, ...)`` is the mean over this replica's batch; replicas are summed by the optimiser, so
        each contributes its share. Returns the values of ``loss_fn``.
        """
        variables = self.learning_variables if variables is None else variables
        optimizer = optimizer or self.optimizer

        def shared_loss():
            loss, *others = loss_fn()
            return optimizer.scale_loss(loss / backend.replica_count()), loss, *others

        (_, *values), gradients = backend.gradients(shared_loss, variables)
        optimizer.apply(gradients, variables)
        return values

    def report(self, values):
        """Update ``metrics``, in their order, with a step's values: what ``train_step`` returns."""
        for metric, value in zip(self.metrics, values):
            metric.update_state(value)
        return self.get_metrics_result()

    def uncompile(self):
        """Forget the optimiser and what was traced for it, as they belong to one phase: compile again."""
        self.train_function = None
        self.compiled = False

    def get_config(self):
        names = [name for base in type(self).__mro__ for name in vars(base).get("ARGUMENTS", ())]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class FaceSR(Network):
    """Base of all super-resolution networks.

    ``model(lr)`` takes float32 (N, H, W, 3) images in [0, 1], H and W multiples of ``size_multiple`` and no less than
    ``least_size``, and returns float32 (N, scale * H, scale * W, 3) images in [0, 1]. Range conversion and bicubic
    enlargement are inside.

    Attributes:
        scale: how many times the output is as high and wide as the input.
        size_multiple: the heights and widths that the network takes are the multiples of this number.
        least_size: the least height and width that it takes.
        largest_side: height and width in input pixels that the network's memory allows at once; None: any.
        own_size: (height, width) of the images that released weights have learnt from; None: any, or weights of one's own.
        is_stochastic: whether the model is ``Stochastic``: has ``sample``, ``encode`` and ``decode`` beside ``call``.
        is_autoregressive: whether an answer takes a pass for each of its values, in a loop that only a SavedModel can hold.
        paper: where the method was published.
    """

    ARGUMENTS = ("scale",)
    is_stochastic = is_autoregressive = False
    least_size = (1, 1)
    largest_side = own_size = None
    paper = None

    def __init__(self, scale, size_multiple=1, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.size_multiple = size_multiple

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grow = lambda size: None if size is None else size * self.scale  # noqa: E731
        return (batch, grow(height), grow(width), channels)

    def validation_answer(self, lr):
        """The output by which training judges its progress: what the present phase improves."""
        return self(lr)

    def prepare(self, lr):
        """What the network must see whole pictures for, done before they are cut into tiles or patches.

        ``lr`` (N, h, w, 3) in [0, 1] -> (N, h, w, C) in [0, 1], which ``call`` takes in its place; here ``lr`` itself.
        """
        return lr

    def eagerly(self, function, images):
        """NumPy images (N, H, W, C) through a function of this network, without a graph: ``predict`` would want one C."""
        with backend.no_gradients():
            return ops.convert_to_numpy(function(images))

    @staticmethod
    def to_image(sr, training):
        """Clip a network's output to [0, 1], but let a training step see what lies outside, gradients included."""
        return sr if training else ops.clip(sr, 0.0, 1.0)

    def upscale(self, source, tile=None):
        """Enlarge a picture: path, PIL image, or uint8 HxWx3 / NxHxWx3 array, to a uint8 array of ``scale`` times the size.

        ``tile`` is the side in input pixels of the overlapping squares that a large picture is cut into; by default
        pictures too large for one pass are cut by themselves. Raises ``ImageError`` for what is not a picture.
        """
        from keras_facesr.inference import upscale  # the layer above; here for the sake of the one-liner

        return upscale(self, source, tile=tile)


class OwnLossSR(FaceSR):
    """Base of networks with losses of their own: they compile without one."""

    def test_step(self, data):
        """For ``evaluate`` and ``validation_data``: as "loss" the mean squared error of the answer, of values in [0, 1]."""
        lr, hr = (ops.convert_to_tensor(images) for images in keras.utils.unpack_x_y_sample_weight(data)[:2])
        loss = self.metrics[0]
        loss.update_state(ops.square(hr - self.validation_answer(lr)))
        return {"loss": loss.result()}


class PhasedSR(OwnLossSR):
    """Base of networks that train in phases: ``phase``, which is saved with the model."""

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

    FIGURES = ()  # what training reports beside the loss

    def __init__(self, scale, size_multiple=1, **kwargs):
        super().__init__(scale, size_multiple, **kwargs)
        self.loss_metrics = [keras.metrics.Mean(name) for name in ("loss", *self.FIGURES)]

    @property
    def metrics(self):
        return self.loss_metrics

    def train_step(self, data):
        lr, hr = (ops.convert_to_tensor(images) for images in keras.utils.unpack_x_y_sample_weight(data)[:2])
        return self.report(self.minimise(lambda: self.objective(lr, hr)))


class SubPixelSR(FaceSR):
    """Base of networks that work at the input's size and enlarge at their end: ``stem``, ``body`` and ``upsampler``.

    Each takes maps of ``channels`` channels, the stem images.
    """

    def build(self, input_shape=None):
        features = (None, None, None, self.channels)
        self.stem.build((None, None, None, 3))
        self.body.build(features)
        self.upsampler.build(features)
