"""Where each class is that a file may name: networks in a preset's ``config.json``, layers and optimisers, too, in Keras' own.

Keras looks for a class by its registered name, and registers it when its module is imported. Importing them all, and Keras
with them, would cost every user seconds; so modules are named as text here, and Keras is told where its classes are once it
is imported itself: ``keras.saving.load_model`` finds them after ``import keras_facesr``.
"""

import sys
from importlib import import_module

from keras_facesr.importing import import_keras

MODEL_CLASSES = {  # network -> module
    "SAM": "keras_facesr.models.sam",
    "SAMGAN": "keras_facesr.models.sam_gan",
    "VarSR": "keras_facesr.models.varsr",
    "CAGFace": "keras_facesr.models.cagface",
    "CAGFaceGAN": "keras_facesr.models.cagface_gan",
    "SSRVAE": "keras_facesr.models.ssrvae",
    "StyleVAE": "keras_facesr.models.stylevae",
    "ComponentNetwork": "keras_facesr.models.component_network",
    "FaceFeatures": "keras_facesr.models.face_features",
    "DigitClassifier": "keras_facesr.models.digit_classifier",
    "Autoencoder": "keras_facesr.models.baselines.autoencoder",
    "Bicubic": "keras_facesr.models.baselines.bicubic",
    "EDSR": "keras_facesr.models.baselines.edsr",
    "ESRGAN": "keras_facesr.models.baselines.esrgan",
    "EnhanceNet": "keras_facesr.models.baselines.enhancenet",
    "FSRCNN": "keras_facesr.models.baselines.fsrcnn",
    "MRGAN": "keras_facesr.models.baselines.mrgan",
    "MSRResNet": "keras_facesr.models.baselines.msrresnet",
    "PRSR": "keras_facesr.models.baselines.prsr",
    "RDN": "keras_facesr.models.baselines.rdn",
    "RRDBNet": "keras_facesr.models.baselines.rrdbnet",
    "SRCNN": "keras_facesr.models.baselines.srcnn",
    "SRFBN": "keras_facesr.models.baselines.srfbn",
    "SRGAN": "keras_facesr.models.baselines.srgan",
    "SRResNet": "keras_facesr.models.baselines.srresnet",
    "SRVGGNetCompact": "keras_facesr.models.baselines.srvgg",
    "URDGN": "keras_facesr.models.baselines.urdgn",
    "VDSR": "keras_facesr.models.baselines.vdsr",
    "WaveletSRNet": "keras_facesr.models.baselines.wavelet_srnet",
}

PARTS = {  # module -> its layers and optimisers
    "keras_facesr.layers.attention": "GaussianSmoothing GlobalAttention LocalAttention SpatialAttention",
    "keras_facesr.layers.blocks": "ConvBlock DeconvBlock DenseBlock GroupedConv ResidualBlock",
    "keras_facesr.layers.normalization": "AdaIN SpectralConv",
    "keras_facesr.layers.resampling": "BicubicEnlargement BicubicReduction NearestEnlargement PixelShuffle PixelUnshuffle",
    "keras_facesr.models.baselines.prsr": "CausalConv GatedLayer PixelCNN",
    "keras_facesr.models.baselines.rdn": "DenseTrunk",
    "keras_facesr.models.baselines.rrdbnet": "RRDB",
    "keras_facesr.models.baselines.srfbn": "FeedbackBlock",
    "keras_facesr.models.baselines.urdgn": "Discriminator",
    "keras_facesr.models.baselines.wavelet_srnet": "WaveletBlock",
    "keras_facesr.models.cagface": "AttentiveBlock",
    "keras_facesr.models.component_network": "ChannelGate SeparableBlock",
    "keras_facesr.models.critic": "Critic ResidualCritic UNetCritic",
    "keras_facesr.models.sam": "LatentHead",
    "keras_facesr.models.ssrvae": "AttentionBlock",
    "keras_facesr.training.optimizers": "ConvMuon",
}


def model_class(name):
    """The class of this name in ``MODEL_CLASSES``; FacesrError where Keras cannot start."""
    import_keras()
    return getattr(import_module(MODEL_CLASSES[name]), name)


def build_model(class_name, config):
    """A new, built network of a class in ``MODEL_CLASSES``, with weights as its constructor draws them."""
    model = model_class(class_name)(**config)
    model.build((None, None, None, 3))
    return model


def homes():
    """Name of every class that a saved file may hold -> the module that has it."""
    return MODEL_CLASSES | {name: module for module, names in PARTS.items() for name in names.split()}


class Unloaded:
    """Stands in Keras' registry for a class whose module nobody has imported yet; importing it puts the class in its place."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def from_config(self, config):
        return getattr(import_module(self.module), self.name).from_config(config)


def register(keras):
    """Tell Keras of all classes that it does not know yet."""
    known = keras.saving.get_custom_objects()
    for name, module in homes().items():
        known.setdefault(f"keras_facesr>{name}", Unloaded(module, name))


class AtImportOfKeras:
    """Has Keras found as ever (``sys.meta_path``), and ``register`` called as soon as it is there."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module):
                execute(module)
                sys.meta_path.remove(self)
                register(module)

            spec.loader.exec_module = execute_and_register
        return spec


def register_with_keras():
    """Register now, or else when Keras is imported."""
    if "keras" in sys.modules:
        register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, AtImportOfKeras())
