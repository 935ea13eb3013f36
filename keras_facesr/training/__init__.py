"""Training: ``train`` runs a recipe, stage by stage, in a folder that it can be resumed from."""


def __getattr__(name):
    if name == "train":  # brings Keras, which reading recipes does without
        from keras_facesr.training.run import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
