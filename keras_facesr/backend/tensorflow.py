"""TensorFlow: gradient tapes, TensorFlow Probability, tf.distribute. See the package's docstring for the interface."""

import contextlib

import tensorflow as tf


def gradients(loss_fn, variables):
    """Call ``loss_fn() -> (loss, ...)`` and differentiate its first value with respect to the Keras ``variables``."""
    with tf.GradientTape() as tape:
        values = loss_fn()
    return values, tape.gradient(values[0], [variable.value for variable in variables])


def input_gradient(function, x):
    """Gradient of the sum of ``function(x)`` with respect to the tensor x; it can be differentiated again."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x))
    return tape.gradient(total, x)


def is_symbolic(x):
    """Whether a tensor belongs to a graph that is being traced."""
    return tf.is_symbolic_tensor(x)


def no_gradients():
    """Does nothing: without a tape TensorFlow keeps nothing, and a graph leaves out what no gradient needs."""
    return contextlib.nullcontext()


def diagonal_gaussian(mean, stddev):
    """A tfp ``Independent`` normal: one event of the shape ``mean.shape[1:]`` per batch entry."""
    import tensorflow_probability as tfp  # 5 s to import, so only where a model trains

    return tfp.distributions.Independent(tfp.distributions.Normal(mean, stddev), reinterpreted_batch_ndims=len(mean.shape) - 1)


def sample(distribution, seed):
    """One reparameterised draw, which depends only on ``seed``: two integers, Python's or tensors."""
    return distribution.sample(seed=tf.stack([tf.cast(part, tf.int32) for part in seed]))


def kl_divergence(q, p):
    """KL(q || p) in nats, shape (batch,)."""
    import tensorflow_probability as tfp

    return tfp.distributions.kl_divergence(q, p)


def resize(images, height, width):
    """Bilinear, pixel centres kept, not antialiased: (N, h, w, C) -> (N, height, width, C); sizes may be tensors."""
    return tf.image.resize(images, (height, width))


def of_shape(x, shape, message):
    """``x`` if it has this shape, else ``ValueError`` with the message; a graph checks unknown sizes when it runs."""
    known = tf.TensorShape([size if isinstance(size, int) else None for size in shape])
    if not known.is_compatible_with(x.shape):
        raise ValueError(message)
    if not tf.is_tensor(x):
        return x
    sizes = [(found, size) for found, size in zip(tf.unstack(tf.shape(x)), shape) if size is not None]
    with tf.control_dependencies([tf.debugging.assert_equal(found, size, message) for found, size in sizes]):
        return tf.ensure_shape(x, known)


def compiled(function):
    """``function`` of tensors as a graph; calls with different shapes share one."""
    return tf.function(function, reduce_retracing=True)


def scope_of(model):
    """The scope of the strategy that the model was made under."""
    return model.distribute_strategy.scope()


def is_made_for(model, optimizer):
    """Whether the optimiser's own variables were made under the model's strategy."""
    return model.distribute_strategy.extended.variable_created_in_scope(optimizer.variables[0].value)


def replica_count():
    """Replicas whose gradients ``optimizer.apply`` will sum."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """This replica's number, 0 outside a strategy: replicas draw different noise."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def replica_mean(value):
    """Mean of a tensor over the replicas; gradients do not pass."""
    context = tf.distribute.get_replica_context()
    value = tf.stop_gradient(value)
    return value if context is None else context.all_reduce(tf.distribute.ReduceOp.MEAN, value)
