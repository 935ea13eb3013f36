"""Training: ``train`` runs a recipe, stage by stage, in a folder from which it can be resumed."""


def __getattr__(name):
    if name == "train":  # imports Keras, which reading recipes does not need
        from keras_facesr.training.run import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
