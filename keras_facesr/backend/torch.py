"""PyTorch: autograd and torch.distributions. See the package's docstring for the interface."""

import contextlib

import numpy as np
import torch


def gradients(loss_fn, variables):
    """Call ``loss_fn() -> (loss, ...)`` and differentiate its first value with respect to the Keras ``variables``."""
    values, tensors = loss_fn(), [variable.value for variable in variables]
    return values, list(torch.autograd.grad(values[0], tensors, allow_unused=True)) if tensors else []


def input_gradient(function, x):
    """Gradient of the sum of ``function(x)`` with respect to the tensor x; it can be differentiated again."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x, create_graph=True)[0]


def is_symbolic(x):
    """Whether a tensor has a shape but no values, such as Keras uses to find the shapes of outputs."""
    return x.is_meta


def no_gradients():
    """PyTorch's context; without it, every answer would keep all its feature maps in memory."""
    return torch.no_grad()


def diagonal_gaussian(mean, stddev):
    """A torch ``Independent`` normal: one event of the shape ``mean.shape[1:]`` per batch entry."""
    normal = torch.distributions.Normal(mean, stddev)
    return torch.distributions.Independent(normal, reinterpreted_batch_ndims=mean.ndim - 1)


def sample(distribution, seed):
    """One reparameterised draw, which depends only on ``seed``: two integers, Python's or tensors."""
    mean = distribution.mean
    mixed = np.random.SeedSequence([int(part) for part in seed]).generate_state(1, np.uint64)  # a CPU's sees 32 bits alone
    generator = torch.Generator(mean.device).manual_seed(int(mixed[0]))
    # torch.distributions draws from the global generator only, so the noise would depend on everything that ran before.
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + distribution.stddev * noise


def kl_divergence(q, p):
    """KL(q || p) in nats, shape (batch,)."""
    return torch.distributions.kl_divergence(q, p)


def resize(images, height, width):
    """Bilinear, pixel centres kept, not antialiased: (N, h, w, C) -> (N, height, width, C)."""
    planes = torch.nn.functional.interpolate(images.permute(0, 3, 1, 2), (height, width), mode="bilinear")
    return planes.permute(0, 2, 3, 1)


def of_shape(x, shape, message):
    """``x`` if it has this shape, else ``ValueError`` with the message."""
    if len(x.shape) != len(shape) or any(wanted not in (found, None) for found, wanted in zip(x.shape, shape)):
        raise ValueError(message)
    return x


def compiled(function):
    """``function`` itself."""
    return function


def scope_of(model):
    """No scope, see ``replica_count``."""
    return contextlib.nullcontext()


def is_made_for(model, optimizer):
    """Always true, see ``replica_count``."""
    return True


def replica_count():
    """One: only TensorFlow trains on several replicas."""
    return 1


def replica_index():
    """Zero, see ``replica_count``."""
    return 0


def replica_mean(value):
    """The value itself, see ``replica_count``; gradients do not pass."""
    return value.detach()
