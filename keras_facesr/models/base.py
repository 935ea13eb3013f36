"""The base classes: what every model of the package offers."""

import inspect
import math
from numbers import Real

import keras
from keras import ops

from keras_facesr import backend
from keras_facesr.errors import CallError, check_above_zero, check_whole_number
from keras_facesr.inference.sizes import fitting_size


class Network(keras.Model):
    """Base of all networks, whatever their output is."""

    ARGUMENTS = ()  # constructor arguments that are kept as attributes; a subclass lists those that its base does not have
    FROM_ONE = ("scale", "critic_steps", "penalty_every")  # counts of which none makes no sense
    preset = None  # name of the preset whose released weights these are
    learns_images = True  # whether its targets are images, too

    def __new__(cls, *args, **kwargs):
        """CallError if an argument is not of its default's kind, such as text for a number: it would fail later, or never."""
        own = [*inspect.signature(cls.__init__).parameters][1:]
        bases = [base for base in reversed(cls.__mro__) if issubclass(base, Network)]  # they take what a class passes on
        defaults = {name: one.default for base in bases for name, one in inspect.signature(base.__init__).parameters.items()}
        for name, value in {**dict(zip(own, args)), **kwargs}.items():
            _check_kind(value, defaults.get(name), f"{cls.__name__}: {name}", least=int(name in cls.FROM_ONE))
        return super().__new__(cls, *args, **kwargs)

    def compile(self, optimizer="rmsprop", loss=None, **how):
        """As Keras' own; also builds the whole network and the optimiser's state, as the first step needs both.

        Keras alone would build only what ``call`` uses, and give the optimiser all trainable variables.

        Raises:
            ValueError: the network was made in a strategy's scope, and the optimiser outside of it.
        """
        with backend.scope_of(self):
            super().compile(optimizer, loss, **how)
            if not self.built:
                self.build((None, None, None, 3))
            if self.optimizer is not None:
                self.build_optimizer(self.optimizer, self.learning_variables)

    def build_optimizer(self, optimizer, variables):
        """Build an optimiser's state for these variables; errors as for ``compile``."""
        if not backend.is_made_for(self, optimizer):
            advice = f'make it within the scope that {type(self).__name__} was made in, or give its name, such as "adam"'
            raise ValueError(f"the optimiser is none of the strategy's, so each device would count its own steps: {advice}")
        optimizer.build(variables)

    def compile_from_config(self, config):
        """Compile as the saved model was compiled."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def learning_variables(self):
        """The variables that the compiled optimiser changes: all trainable ones, except those of a critic."""
        return self.trainable_variables

    @property
    def steps_taken(self):
        """How many batches the compiled optimiser has seen, an integer tensor; a step's seed is made from it."""
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        return ops.convert_to_tensor(optimizer._iterations)  # `iterations` stands still while gradients are accumulated

    def minimise(self, loss_fn, variables=None, optimizer=None):
        """One step of an optimiser on ``variables``; by default of the compiled one, on ``learning_variables``.

        ``loss_fn() -> (loss, ...)`` is the mean over this replica's batch. The optimiser sums over replicas, so each loss
        is divided by their number. Returns the values of ``loss_fn``.
        """
        variables = self.learning_variables if variables is None else variables
        optimizer = optimizer or self.optimizer

        def shared_loss():
            loss, *others = loss_fn()
            return optimizer.scale_loss(loss / backend.replica_count()), loss, *others

        (_, *values), gradients = backend.gradients(shared_loss, variables)
        optimizer.apply(gradients, variables)
        return values

    def validation_answer(self, x):
        """The output that validation measures: the one that the current phase improves."""
        return self(x)

    def target_shape(self, input_shape):
        """The shape of the targets for inputs of ``input_shape``; None where any size is allowed."""
        raise NotImplementedError

    def checked_target(self, x, y):
        """The targets ``y``, checked to fit the inputs: others would fail later, or be broadcast without an error.

        Raises:
            ValueError: there are no targets, they do not have the ``target_shape``, or images are no batch, or of integers:
                their values would be taken for values far above 1.
        """
        name = type(self).__name__
        if y is None:
            raise ValueError(f"{name} learns from pairs of inputs and targets: there are no targets")
        if len(x.shape) != 4:
            raise ValueError(f"{name} learns from batches of images, (N, H, W, 3), not from the shape {tuple(x.shape)}")
        given, wanted, found = (tuple(shape) for shape in (x.shape, self.target_shape(x.shape), y.shape))
        message = f"{name} learns {wanted} from {given}: targets of the shape {found} do not belong to these inputs"
        y = backend.of_shape(y, self.target_shape(ops.shape(x)), message)
        for images in (x, y) if self.learns_images else (x,):
            kind = keras.backend.standardize_dtype(images.dtype)
            if not keras.backend.is_float_dtype(kind):
                raise ValueError(f"{name} learns from images of float values in [0, 1], not from {kind}")
        return y

    def uncompile(self):
        """Forget the optimiser and the traced step, as they belong to one phase: compile again."""
        self.train_function = None
        self.compiled = False

    @property
    def dropout_states(self):
        """The states of the network's dropout, which Keras does not save: without them a resumed training would differ."""
        return {f"dropout_{k}": v for k, v in enumerate(v for v in self.variables if v.name == "seed_generator_state")}

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for name, state in self.dropout_states.items():
            store[name] = state

    def load_own_variables(self, store):
        states = {name: state for name, state in self.dropout_states.items() if name in store}  # released files have none
        super().load_own_variables({name: store[name] for name in store.keys() if name not in states})
        for name, state in states.items():
            state.assign(store[name])

    def get_config(self):
        names = [name for base in type(self).__mro__ for name in vars(base).get("ARGUMENTS", ())]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _check_kind(value, default, name, least=0):
    """CallError if the argument of that name is no count, or no finite number from 0 on, or not several, as its default is."""
    if type(default) is tuple:
        if not hasattr(value, "__len__") or isinstance(value, str):
            raise CallError(f"{name} must be several numbers, such as {default}, not {value!r}")
        for each in value:
            _check_kind(each, default[0], name, least=1)
    elif type(default) is int:
        check_whole_number(value, name, least)
    elif type(default) is float and not (isinstance(value, Real) and 0.0 <= value < math.inf):
        raise CallError(f"{name} must be a number from 0 on, not {value!r}")


class FaceSR(Network):
    """Base of all super-resolution networks.

    ``model(lr)`` takes float32 (N, H, W, 3) images in [0, 1], H and W multiples of ``size_multiple`` and no less than
    ``least_size``, and returns float32 (N, scale * H, scale * W, 3) images in [0, 1]. Range conversion and bicubic
    enlargement are inside.

    Attributes:
        scale: the output is this many times as high and wide as the input.
        size_multiple: the network takes heights and widths that are multiples of this number.
        least_size: the smallest (height, width) that it takes.
        largest_side: the largest height and width, in input pixels, for which memory suffices in one pass; None: any.
        own_size: (height, width) of the inputs that the released weights were trained on; None: any, or the weights are
            not released ones.
        is_stochastic: whether the model is ``Stochastic``: has ``sample``, ``encode`` and ``decode`` besides ``call``.
        is_autoregressive: whether each value of an answer takes a pass of its own, in a loop that only a SavedModel can hold.
        paper: where the method was published.
    """

    ARGUMENTS = ("scale",)
    is_stochastic = is_autoregressive = False
    least_size = (1, 1)
    largest_side = own_size = None
    paper = None

    def __init__(self, scale, size_multiple=1, **kwargs):
        super().__init__(autocast=False, **kwargs)  # else 16 bits would round the images before they are enlarged
        self.scale = scale
        self.size_multiple = size_multiple

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grow = lambda size: None if size is None else size * self.scale  # noqa: E731
        return (batch, grow(height), grow(width), channels)

    def target_shape(self, input_shape):
        return (*self.compute_output_shape(input_shape)[:3], 3)

    def checked_target(self, lr, hr):
        """As for any network; small images of a size that it does not take are refused, too."""
        hr, size = super().checked_target(lr, hr), tuple(lr.shape[1:3])
        if None not in size and (fitting := fitting_size(self, *size)) != size:
            raise ValueError(f"{type(self).__name__} takes no images of {size} pixels; the next size is {fitting}")
        return hr

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Keras' own loss of the images; ``sample_weight`` (N,) weights whole images."""
        y = self.checked_target(x, y)
        if sample_weight is not None and len(sample_weight.shape) == 1:
            sample_weight = sample_weight[:, None, None]  # as many axes as a loss of images has
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def prepare(self, lr):
        """Compute what needs the whole picture, before it is cut into tiles or patches.

        ``lr`` (N, h, w, 3) in [0, 1] -> (N, h, w, C) in [0, 1], which ``call`` takes in place of ``lr``; here ``lr`` itself.
        The first three channels are ``lr``; the others show no pixels, so that patches can be spoilt anew beside them.
        """
        return lr

    def eagerly(self, function, images):
        """Apply a function of the network to NumPy images (N, H, W, C), without a graph; ``predict`` would allow only one C."""
        with backend.no_gradients():
            return ops.convert_to_numpy(function(images))

    @staticmethod
    def to_image(sr, training):
        """Clip a network's output to [0, 1]; not in training, so that values outside still have gradients."""
        return sr if training else ops.clip(sr, 0.0, 1.0)

    def upscale(self, source, tile=None, ensemble=False):
        """Enlarge a picture: path, PIL image, or uint8 HxWx3 / NxHxWx3 array, to a uint8 array of ``scale`` times the size.

        ``tile`` is the side in input pixels of the overlapping tiles that a large picture is cut into; by default only
        pictures that are too large for one pass are cut. ``ensemble`` returns the mean of the answers to the picture and to
        its mirror image, closer to the truth at twice the cost. Raises ``ImageError`` if the source is not a picture.
        """
        from keras_facesr.inference.pictures import upscale  # imported when it is first used

        return upscale(self, source, tile=tile, ensemble=ensemble)


class CentredSR(FaceSR):
    """Base of networks that compute on ``img_range * (image - mean)``, by default on values in [-1, 1].

    Args:
        mean: red, green and blue of the colour that becomes 0, in [0, 1]; convolutions pad with it.
        img_range: factor, above 0.
    """

    ARGUMENTS = ("mean", "img_range")

    def __init__(self, scale, mean=(0.5, 0.5, 0.5), img_range=2.0, **kwargs):
        super().__init__(scale, **kwargs)
        check_above_zero(img_range, f"{type(self).__name__}: img_range")
        red, green, blue = mean
        self.mean, self.img_range = (red, green, blue), img_range

    def centred(self, image):
        """Images in [0, 1] -> what the network computes on."""
        image = ops.convert_to_tensor(image)
        return self.img_range * (image - ops.convert_to_tensor(self.mean, image.dtype))

    def uncentred(self, values):
        """The way back."""
        return values / self.img_range + ops.convert_to_tensor(self.mean, values.dtype)


class SubPixelSR(FaceSR):
    """Base of networks that work at the input's size and enlarge at their end: ``stem``, ``body`` and ``upsampler``.

    The stem takes images, the other two take feature maps of ``channels`` channels.
    """

    def build(self, input_shape=None):
        features = (None, None, None, self.channels)
        self.stem.build((None, None, None, 3))
        self.body.build(features)
        self.upsampler.build(features)
