"""What networks trained against a critic share: the critic, its training steps, and the two phases."""

import functools

import keras
from keras import ops
from keras.optimizers import LossScaleOptimizer

from keras_facesr import backend
from keras_facesr.layers.resampling import BicubicReduction
from keras_facesr.models.critic import Critic, ResidualCritic, UNetCritic
from keras_facesr.models.own_loss import PhasedSR
from keras_facesr.objectives import adversarial
from keras_facesr.objectives.gaussian import normal_probability, standard_normal
from keras_facesr.objectives.grid import WINDOW, grid_error
from keras_facesr.objectives.perceptual import feature_error


class AdversarialSR(PhasedSR):
    """Base of networks that are trained by ``fidelity`` in phase 1, and in phase 2 against a critic and by features as well.

    A subclass builds its network in its constructor and defines ``fidelity`` and ``FIGURES``.

    Args:
        scale: enlargement.
        hr_size: (height, width) of the outputs in training; the critic is built for this size.
        objective: the critic's, a name in ``adversarial.OBJECTIVES``: ``"wasserstein"`` with gradient penalty, ``"standard"``,
            ``"relativistic"``, or ``"paired"``, relativistic with zero-centred penalties and a ``ResidualCritic``.
        adversarial_weight, perceptual_weight, fidelity_weight, consistency_weight: weights in phase 2 of the adversarial loss,
            of the features' squared error, of the fidelity, and of the squared error of the judged answer, reduced again,
            from the small image.
        grid_weight: weight in phase 2 of patterns that repeat over 8x8 of the small image's pixels (``grid_error``), which
            ``hr_size`` must hold.
        penalty_weight: weight of the penalty.
        penalty_every: steps from one penalty to the next, which then weighs so many times as much (Karras et al., 2020, lazy
            regularisation): it takes most of a critic's step.
        critic_steps: steps of the critic for each step of the network.
        critic: whether to build a critic; only phase 2 needs it.
        critic_convolutions, critic_channels: arguments of the critic, which halves the size after every second convolution.
        critic_cell: side of the cells of pixels that a ``ResidualCritic`` takes as one: that of the network's last pixel
            shuffle, where its answers would else repeat a pattern; 1 for none.
        critic_detail: gain of the images' detail, which a ``ResidualCritic`` then sees beside them; 0 for none.
        pixelwise_critic: whether the critic scores each pixel (``UNetCritic``) instead of the image.
        seed: determines the noise of the training steps, together with the step's number.
    """

    ARGUMENTS = (
        "objective adversarial_weight perceptual_weight fidelity_weight consistency_weight grid_weight penalty_weight "
        "penalty_every critic_steps critic_convolutions critic_channels critic_cell critic_detail pixelwise_critic seed"
    ).split()
    FIGURES = ("mse",)  # names of the figures that ``fidelity`` returns
    critic_optimizer = features = None  # until phase 2 is compiled

    def __init__(
        self,
        scale,
        hr_size,
        objective="wasserstein",
        adversarial_weight=1e-3,
        perceptual_weight=0.0,
        fidelity_weight=1.0,
        consistency_weight=0.0,
        grid_weight=0.0,
        penalty_weight=10.0,
        penalty_every=1,
        critic_steps=1,
        critic=False,
        critic_convolutions=8,
        critic_channels=64,
        critic_cell=1,
        critic_detail=0.0,
        pixelwise_critic=False,
        seed=0,
        **kwargs,
    ):
        if objective not in adversarial.OBJECTIVES:
            raise ValueError(f"objective is {objective!r}: choose one of {', '.join(adversarial.OBJECTIVES)}")
        if grid_weight and min(hr_size) < WINDOW * scale:
            raise ValueError(f"hr_size is {tuple(hr_size)}: a grid_weight needs {WINDOW * scale} pixels a side or more")
        super().__init__(scale, **kwargs)
        self.hr_size, self.objective = tuple(hr_size), objective
        self.adversarial_weight, self.perceptual_weight = adversarial_weight, perceptual_weight
        self.fidelity_weight, self.consistency_weight = fidelity_weight, consistency_weight
        self.grid_weight, self.penalty_weight, self.penalty_every = grid_weight, penalty_weight, penalty_every
        self.critic_steps, self.seed = critic_steps, seed
        self.critic_convolutions, self.critic_channels = critic_convolutions, critic_channels
        self.critic_cell, self.critic_detail = critic_cell, critic_detail
        self.pixelwise_critic = pixelwise_critic
        self.critic = self.new_critic() if critic else None
        self.phase = 1

    def build(self, input_shape=None):
        if self.critic:
            self.critic.build((None, *self.hr_size, 3))

    def new_critic(self):
        """A new critic, by default SRGAN's discriminator; a subclass may return one of its own."""
        if self.pixelwise_critic:
            return UNetCritic(self.critic_convolutions // 2, self.critic_channels, dtype=self.dtype_policy)
        if self.objective == "paired":
            how = (self.critic_convolutions // 2, self.critic_channels, self.critic_cell, self.critic_detail)
            return ResidualCritic(*how, dtype=self.dtype_policy)
        return Critic(self.critic_convolutions, self.critic_channels, dtype=self.dtype_policy)

    def fidelity(self, lr, hr, turn):
        """The objective without the critic, for ``lr`` in [0, 1] and ``hr`` in [-1, 1].

        ``turn`` is 0 when the network itself is trained, and 1, 2, ... in the critic's further steps: each draws its own noise.

        Returns:
            the output in [-1, 1], its loss, and the values of ``FIGURES``.
        """
        raise NotImplementedError

    def judged_answer(self, lr, hr, turn, sr=None):
        """What the critic judges beside the truth, in [-1, 1]: by default ``fidelity``'s output, ``sr`` if it is at hand."""
        return self.fidelity(lr, hr, turn)[0] if sr is None else sr

    @staticmethod
    def squared_error(hr, sr):
        """Squared error of images in [-1, 1] as if they were in [0, 1], a quarter; the weights of all losses refer to it."""
        return ops.square(hr - sr) / 4.0

    def inconsistency(self, lr, sr):
        """Mean squared error of answers in [-1, 1], reduced again by antialiased bicubic, from ``lr`` in [0, 1]."""
        return ops.mean(ops.square(BicubicReduction(self.scale, dtype="float32")((sr + 1.0) / 2.0) - lr))

    def grid(self, hr, sr):
        """``grid_error`` of images in [-1, 1] as if they were in [0, 1]: of what repeats with the small image's pixels."""
        return grid_error(hr, sr, self.scale) / 4.0

    def perceptual(self, hr, sr):
        """Perceptual loss of images in [0, 1], by the features that the network is compiled with."""
        return feature_error(self.features, hr, sr)

    @property
    def phase(self):
        """1: the network is trained by its fidelity. 2: it is trained against a critic, which is trained too."""
        return self._phase

    @phase.setter
    def phase(self, phase):
        if phase not in (1, 2):
            raise ValueError(f"phase is {phase!r}: {type(self).__name__} trains in phases 1 and 2")
        if phase == 2 and not self.critic:
            raise ValueError(f"phase 2 needs a critic: {type(self).__name__}(critic=True)")
        self._phase = phase
        self.uncompile()

    def compile(self, optimizer="adam", loss=None, *, critic_optimizer=None, features=None, **kwargs):
        """As Keras' own, and for phase 2:

        Args:
            critic_optimizer: the critic's optimiser; by default one like ``optimizer``. A schedule of its rate counts the
                critic's own steps, ``critic_steps`` for each batch.
            features: callable that gives feature maps (a list, or one) of images in [0, 1], for the perceptual loss, such as
                ``load("face_features").maps``. It is neither trained nor saved with the model.

        Raises:
            ValueError: phase 2 has a ``perceptual_weight``, but no ``features``.
        """
        if self.phase == 2 and self.perceptual_weight and not features:
            raise ValueError(
                f"perceptual_weight is {self.perceptual_weight:g}: phase 2 learns by features, "
                'such as compile(features=load("face_features").maps)'
            )
        super().compile(optimizer, loss, **kwargs)
        if self.phase == 2:
            own = getattr(self.optimizer, "inner_optimizer", self.optimizer)
            like = {name: value for name, value in own.get_config().items() if name != "use_ema"}  # MultiOptimizer has none
            with backend.scope_of(self):
                chosen = keras.optimizers.get(critic_optimizer or type(own).from_config(like))
                if own is not self.optimizer and not isinstance(chosen, LossScaleOptimizer):
                    chosen = LossScaleOptimizer(chosen)  # in float16, as Keras does with the network's
                self.critic_optimizer = chosen
                self.build_optimizer(self.critic_optimizer, self.critic.trainable_variables)
        self.__dict__["features"] = features  # bypasses Keras, which would count the features' weights as the model's

    def get_compile_config(self):
        """As Keras' own, with the critic's optimiser. Empty in phase 2 with features: compile again with them."""
        config = super().get_compile_config()  # empty until the phase is compiled
        if self.phase == 1 or not config:
            return config
        if self.features:
            return {}
        return {**config, "critic_optimizer": keras.saving.serialize_keras_object(self.critic_optimizer)}

    def checked_target(self, lr, hr):
        hr = super().checked_target(lr, hr)
        if self.phase == 1:
            return hr
        found, wanted = tuple(hr.shape), (None, *self.hr_size, 3)
        return backend.of_shape(hr, wanted, f"{type(self).__name__}: its critic judges {wanted}, not {found}: see hr_size")

    @property
    def learning_variables(self):
        opponents = {id(variable) for variable in self.critic.variables} if self.critic else set()
        return [variable for variable in self.trainable_variables if id(variable) not in opponents]

    @property
    def trainable_weights(self):
        """The weights that Keras overwrites with the optimiser's averages when ``fit`` ends; the critic has no averages."""
        return self.learning_variables

    @property
    def non_trainable_weights(self):
        """All others, the critic's too: ``summary`` counts both kinds."""
        trained = {id(variable) for variable in self.trainable_weights}
        return [variable for variable in self.weights if id(variable) not in trained]

    @property
    def figures(self):
        against_the_critic = "adversarial perceptual consistency grid critic penalty".split()
        return self.FIGURES if self.phase == 1 else (*self.FIGURES, *against_the_critic)

    def learn(self, lr, hr):
        hr = 2.0 * hr - 1.0
        if self.phase == 1:
            return self.minimise(lambda: self.fidelity(lr, hr, turn=0)[1:])
        *values, judged = self.minimise(lambda: self._loss(lr, hr))
        for turn in range(self.critic_steps):  # the network's own answer is the first that the critic learns from
            judged = ops.stop_gradient(self.judged_answer(lr, hr, turn) if turn else judged)
            loss = functools.partial(self._critic_loss, hr, judged, turn)
            verdict = self.minimise(loss, self.critic.trainable_variables, self.critic_optimizer)
        return [*values, *verdict[1:]]

    def _loss(self, lr, hr):
        """The network's loss against the critic, its parts, and what the critic judged."""
        sr, loss, *figures = self.fidelity(lr, hr, turn=0)
        judged = self.judged_answer(lr, hr, turn=0, sr=sr)
        scores = self.critic(judged)
        if self.objective in adversarial.RELATIVE:
            verdict = getattr(adversarial, f"{self.objective}_generator")(ops.stop_gradient(self.critic(hr)), scores)
        else:
            verdict = getattr(adversarial, f"{self.objective}_generator")(scores)
        perceptual = self.perceptual((hr + 1.0) / 2.0, (sr + 1.0) / 2.0) if self.features else ops.zeros(())
        consistency = self.inconsistency(lr, judged) if self.consistency_weight else ops.zeros(())
        grid = self.grid(hr, judged) if self.grid_weight else ops.zeros(())
        loss = self.fidelity_weight * loss + self.adversarial_weight * verdict
        loss = loss + self.perceptual_weight * perceptual + self.consistency_weight * consistency + self.grid_weight * grid
        return loss, *figures, verdict, perceptual, consistency, grid, judged

    def _critic_loss(self, hr, sr, turn):
        """The critic's loss: the sum, the objective alone, the penalty."""
        loss = getattr(adversarial, f"{self.objective}_critic")(self.critic(hr), self.critic(sr))
        if self.objective not in adversarial.PENALISED:
            return loss, loss, ops.zeros(())
        penalty = self._penalty(hr, sr, turn)
        return loss + self.penalty_weight * penalty, loss, penalty

    def _penalty(self, hr, sr, turn):
        """The objective's penalty, on the average over the steps; all of it falls on each ``penalty_every``-th."""

        def value():
            if self.objective == "paired":
                return sum(adversarial.zero_centred_penalty(self.critic, images) for images in (hr, sr))
            share = normal_probability(standard_normal((ops.shape(hr)[0], 1, 1, 1), self.step_seed(turn, purpose=1)))
            return adversarial.gradient_penalty(self.critic, hr, sr, share)

        if self.penalty_every == 1:
            return value()
        due = ops.equal(self.steps_taken % self.penalty_every, 0)
        return ops.cond(due, lambda: self.penalty_every * value(), lambda: ops.zeros(()))

    def step_seed(self, turn, purpose=0):
        """Seed of a draw, from the model's seed, the step, the turn and the replica: a resumed run draws the same."""
        return ((self.seed * 64 + backend.replica_index()) * 64 + turn) * 64 + purpose, self.steps_taken

    def get_config(self):
        return {**super().get_config(), "critic": self.critic is not None}
