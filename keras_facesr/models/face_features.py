"""A compact network that sees what faces look like, for perceptual losses and to judge enlarged faces.

The literature measures with networks trained on ImageNet or on photographs of millions of people. This one is trained on
age, gender and the attributes of CelebA, and is small enough to ship. Its figures have names of their own: a distance of its
features is neither LPIPS nor FaceNet's, and a Fréchet distance of its embeddings is not FID.
"""

import keras
import numpy as np
from keras import layers, ops

from keras_facesr.layers.blocks import ConvBlock
from keras_facesr.models.own_loss import OwnLoss

ATTRIBUTES = (  # CelebA's, in the order of its file
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair Blurry "
    "Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male "
    "Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns "
    "Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"
).split()
LABELS = (*ATTRIBUTES, "age")  # age in centuries; unknown labels are nan
AGE_WEIGHT = 1.0  # of the squared error in centuries; at 10, the forty attributes improve only after the age


@keras.saving.register_keras_serializable("keras_facesr")
class FaceFeatures(OwnLoss):
    """Faces (N, H, W, 3) in [0, 1] -> predictions (N, 41): logits of CelebA's attributes, and the age in centuries.

    It is trained on faces of 64 pixels and takes any size from 16 pixels on. ``fit`` takes images and labels (N, 41) in the
    order of ``LABELS``, nan where unknown. It compiles without a loss.

    Args:
        channels: widths of its stages, each of two convolutions, at half the size of the stage before.
        embedding_size: dimensions of the embedding.
        dropout: share of the embedding that a training step drops.

    Example:
        >>> network = fsr.load("face_features")
        >>> maps = network.maps(faces)                                             # a list, for perceptual losses
        >>> embedding = network.embedding(faces)                                   # (N, 128), of length 1
    """

    ARGUMENTS = ("channels", "embedding_size", "dropout")
    FIGURES = ("attribute_loss", "age_error")
    learns_images = False
    paper = "attributes: Liu et al.: Deep Learning Face Attributes in the Wild (2015)"

    def __init__(self, channels=(32, 64, 128, 256), embedding_size=128, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.embedding_size, self.dropout = tuple(channels), embedding_size, dropout
        dtype = self.dtype_policy
        self.stages = [
            keras.Sequential(
                [ConvBlock(width, 2 if k else 1, dtype=dtype), ConvBlock(width, dtype=dtype)], name=f"stage_{k + 1}"
            )
            for k, width in enumerate(self.channels)
        ]
        self.to_embedding = layers.Dense(embedding_size, name="to_embedding", dtype="float32")
        self.drop = layers.Dropout(dropout)
        self.head = layers.Dense(len(LABELS), kernel_initializer="zeros", name="head", dtype="float32")

    def build(self, input_shape=None):
        for stage, width in zip(self.stages, (3, *self.channels)):
            stage.build((None, None, None, width))
        self.to_embedding.build((None, self.channels[-1]))
        self.head.build((None, self.embedding_size))

    def call(self, images, training=None):
        return self.head(self.drop(self._embedded(self._maps(images, training)), training=training))

    def maps(self, images):
        """Feature maps of every stage, finest first: a list of (N, h, w, channels). Gradients pass."""
        return self._maps(images, training=False)

    def embedding(self, images):
        """Embeddings (N, embedding_size) of length 1; those of faces alike in age, gender and attributes are near."""
        return self.see(images)[1]

    def see(self, images):
        """``maps`` and ``embedding`` at once."""
        maps = self._maps(images, training=False)
        embedded = self._embedded(maps)
        return maps, embedded / ops.maximum(ops.norm(embedded, axis=-1, keepdims=True), 1e-6)

    def _maps(self, images, training):
        x, maps = 2.0 * ops.convert_to_tensor(images) - 1.0, []
        for stage in self.stages:
            x = stage(x, training=training)
            maps.append(x)
        return maps

    def _embedded(self, maps):
        return ops.relu(self.to_embedding(ops.mean(maps[-1], axis=(1, 2))))

    def target_shape(self, input_shape):
        return (input_shape[0], len(LABELS))

    def learn(self, images, labels):
        return self.minimise(lambda: self._objective(self(images, training=True), labels))

    def judged(self, images, labels):
        return self._objective(self(images, training=False), labels)

    def _objective(self, answers, labels):
        """The loss, the attributes' cross-entropy and the age's mean absolute error, means over known labels.

        The loss is the weighted sum of the cross-entropy and of the age's squared error.
        """
        known = ops.cast(ops.logical_not(ops.isnan(labels)), "float32")
        labels = ops.where(known > 0, labels, ops.zeros_like(labels))
        logits, attributes, known_attributes = (x[:, :-1] for x in (answers, labels, known))
        entropy = known_attributes * (ops.softplus(logits) - attributes * logits)
        attribute_loss = ops.sum(entropy) / ops.maximum(ops.sum(known_attributes), 1.0)
        error = known[:, -1] * (answers[:, -1] - labels[:, -1])
        ages = ops.maximum(ops.sum(known[:, -1]), 1.0)
        loss = attribute_loss + AGE_WEIGHT * ops.sum(ops.square(error)) / ages
        return loss, attribute_loss, ops.sum(ops.abs(error)) / ages


def labels_of(image_set):
    """The labels of an ``ImageSet`` of CelebA or UTKFace: float32 (N, 41) in the order of ``LABELS``, nan where unknown."""
    labels = np.full((len(image_set), len(LABELS)), np.nan, np.float32)
    for column, name in enumerate(ATTRIBUTES):
        if name in image_set.labels:
            labels[:, column] = image_set.labels[name]
    for name, column, scale in (("age", len(ATTRIBUTES), 0.01), ("gender", ATTRIBUTES.index("Male"), 1)):
        if name in image_set.labels:
            known = image_set.labels[name] >= 0
            labels[known, column] = image_set.labels[name][known] * scale
    if "gender" in image_set.labels:  # 0 is male there
        male = ATTRIBUTES.index("Male")
        labels[:, male] = 1 - labels[:, male]
    return labels
