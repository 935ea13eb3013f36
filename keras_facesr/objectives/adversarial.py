"""Objectives of a critic and of the generator it judges. Scores are (N, 1), without an activation; losses are scalar means.

A critic of pixels scores (N, H, W, 1); the score of an image, of which the penalties are, is the mean.
"""

from keras import ops

from keras_facesr import backend

OBJECTIVES = ("wasserstein", "standard", "relativistic", "paired")
RELATIVE = ("relativistic", "paired")  # those whose generator is judged beside the truth
PENALISED = ("wasserstein", "paired")  # those whose critic's slope is penalised


def wasserstein_critic(real, fake):
    """E[D(fake)] - E[D(real)] (Arjovsky et al., 2017; VarSR, eq. 8 without the penalty)."""
    return ops.mean(fake) - ops.mean(real)


def wasserstein_generator(fake):
    """-E[D(fake)]."""
    return -ops.mean(fake)


def gradient_penalty(critic, real, fake, share):
    """Mean (||gradient of D at x||_2 - 1)^2, x = share * real + (1 - share) * fake (Gulrajani et al., 2017).

    Args:
        critic: callable, images (N, H, W, C) -> scores.
        real, fake: images.
        share: (N, 1, 1, 1) in [0, 1], drawn uniformly.
    """
    slope = _slope(critic, share * real + (1.0 - share) * fake)
    steepness = ops.sqrt(ops.sum(ops.square(slope), axis=(1, 2, 3)) + 1e-12)  # the root has no slope at zero
    return ops.mean(ops.square(steepness - 1.0))


def zero_centred_penalty(critic, images):
    """Mean ||gradient of D at x||^2 / 2: R1 of true images, R2 of generated ones (Mescheder et al., 2018).

    ``critic`` as of ``gradient_penalty``; ``images`` (N, H, W, C).
    """
    return ops.mean(ops.sum(ops.square(_slope(critic, images)), axis=(1, 2, 3))) / 2.0


def _slope(critic, images):
    """Gradient of each image's score."""

    def scores(images):
        each = critic(images)
        return ops.mean(each, axis=tuple(range(1, len(each.shape))))

    return backend.input_gradient(scores, images)


def standard_critic(real, fake):
    """Cross-entropy of real as 1 and fake as 0 (Goodfellow et al., 2014)."""
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))


def standard_generator(fake):
    """Cross-entropy of fake as 1: -log sigmoid(D(fake))."""
    return ops.mean(ops.softplus(-fake))


def relativistic_critic(real, fake):
    """The standard loss of scores relative to the mean of the other kind (Jolicoeur-Martineau, 2018; ESRGAN, eq. 1)."""
    return standard_critic(real - ops.mean(fake), fake - ops.mean(real))


def relativistic_generator(real, fake):
    """The same with real and fake exchanged."""
    return relativistic_critic(fake, real)


def paired_critic(real, fake):
    """The standard loss of each true image's score less that of the one generated beside it (R3GAN, Huang et al., 2024)."""
    return ops.mean(ops.softplus(fake - real))


def paired_generator(real, fake):
    """The same with real and fake exchanged."""
    return paired_critic(fake, real)
