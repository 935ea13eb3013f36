"""Errors of a network's features in place of pixels (Johnson et al., 2016); in float32, whatever precision it computes in."""

import keras
from keras import ops

from keras_facesr.errors import FacesrError

VGG_MEAN = (123.68, 116.779, 103.939)  # RGB levels that are subtracted for ImageNet's VGG networks


def feature_error(features, true, made):
    """Mean squared error of feature maps, summed over the maps; gradients pass through ``made`` alone.

    Args:
        features: callable, images (N, H, W, 3) in [0, 1] -> one feature map or a list of them, (N, h, w, C) each.
        true, made: images in [0, 1].
    """
    true, made = (maps if isinstance(maps, list | tuple) else [maps] for maps in (features(true), features(made)))
    return sum(maps_error(*pair) for pair in zip(true, made))


def maps_error(true, made):
    """Mean squared difference of feature maps of one shape; gradients pass through ``made`` alone."""
    return ops.mean(ops.square(ops.cast(ops.stop_gradient(true), "float32") - ops.cast(made, "float32")))


def texture_error(true, made, side):
    """Squared difference of the Gram matrices of square patches, mean over the patches (Gatys et al.; EnhanceNet).

    Args:
        true, made: feature maps (N, h, w, C); gradients pass through ``made`` alone.
        side: side of the patches; rows and columns that fill no whole patch are left out.
    """
    difference = _gram_matrices(ops.stop_gradient(true), side) - _gram_matrices(made, side)
    return ops.mean(ops.sum(ops.square(difference), axis=(-2, -1)))


def _gram_matrices(maps, side):
    """(N, h, w, C) -> (N, h // side, w // side, C, C)."""
    maps = ops.cast(maps, "float32")
    batch, height, width, channels = ops.shape(maps)
    rows, columns = height // side, width // side
    patches = ops.reshape(maps[:, : rows * side, : columns * side], (batch, rows, side, columns, side, channels))
    patches = ops.reshape(ops.transpose(patches, (0, 1, 3, 2, 4, 5)), (batch, rows, columns, side * side, channels))
    return ops.matmul(ops.swapaxes(patches, -2, -1), patches)


def vgg19_features(*layers):
    """Features of ImageNet's VGG19, by default those of SRGAN's phi_5,4: images (N, H, W, 3) in [0, 1] -> (N, h, w, C).

    For several layers, such as ``"block1_conv1", "block2_pool"``, it gives a list.

    As in SRGAN, they are scaled by 1 / 12.75, so that their errors are about as large as those of pixels.

    Raises:
        FacesrError: the weights are not in Keras' cache and cannot be fetched.
    """
    try:
        network = keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # Keras passes on the errors of urllib and of its hash check
        raise FacesrError(
            f"ImageNet's VGG19 cannot be fetched ({' '.join(str(error).split())}): put "
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 into ~/.keras/models, or take the features of face_features"
        ) from error
    maps = [network.get_layer(layer).output for layer in layers or ("block5_conv4",)]
    network = keras.Model(network.input, maps)
    network.trainable = False

    def features(images):
        levels = 255.0 * ops.convert_to_tensor(images) - ops.convert_to_tensor(VGG_MEAN)
        return keras.tree.map_structure(lambda maps: maps / 12.75, network(levels[..., ::-1]))  # in the order blue, green, red

    return features
