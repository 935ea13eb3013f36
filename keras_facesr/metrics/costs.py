"""What a network costs to run, in multiply-adds: a figure of the network alone, whatever machine it runs on."""

import math


def multiply_adds(model, height=16, width=16, channels=3):
    """Multiply-adds of all convolutions and matrix products for one input, counted in TensorFlow's graph, not by layers.

    Args:
        model: a network on the TensorFlow backend.
        height, width, channels: the input's; channels beyond 3 are those that ``model.prepare`` adds.
    """
    import tensorflow as tf

    call = tf.function(lambda lr: model(lr, training=False))
    total = 0
    for operation in call.get_concrete_function(tf.TensorSpec((1, height, width, channels))).graph.get_operations():
        if operation.type in ("Conv2D", "DepthwiseConv2dNative"):
            _, rows, columns, _ = operation.outputs[0].shape
        elif operation.type == "Conv2DBackpropInput":  # a transposed convolution: each input pixel meets each tap
            _, rows, columns, _ = operation.inputs[2].shape
        elif operation.type.startswith("BatchMatMul"):
            total += math.prod(operation.outputs[0].shape) * operation.inputs[0].shape[-1]
            continue
        else:
            continue
        total += math.prod(operation.inputs[1].shape) * rows * columns
    return total
