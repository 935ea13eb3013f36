"""Chooses the network that enlarges a face, by the face's width in the photograph, from ear to ear."""

from keras_facesr import presets
from keras_facesr.errors import CallError

SMALLEST, LARGEST = 8, 256  # pixels: a smaller face has too little left, a larger one gains nothing by a network for faces
BY_WIDTH = (  # least width in pixels, and the preset; docs/photos.md has the measurements
    (SMALLEST, "sam"),
    (19, "sam_small_x4"),
    (30, "cagface"),
)
ASIDE = 0.8  # a face whose nose is farther aside (``Face.aside``) is a profile


def choose(face, model=None):
    """The name of the preset for a face, and None; or None, and why the face is left to the background's network.

    Args:
        face: a ``detect.Face``.
        model: name of one preset for faces of every width; None: by ``BY_WIDTH``.

    Returns:
        (name, None), or (None, "tiny", "profile" or "large").
    """
    if face.width < SMALLEST:
        return None, "tiny"
    if face.aside > ASIDE:
        return None, "profile"
    if model:
        return model, None
    if face.width > LARGEST:
        return None, "large"
    return [preset for least, preset in BY_WIDTH if face.width >= least][-1], None


def check_model(name):
    """Raise CallError if a preset does not enlarge faces, or if the framing that it needs is not known."""
    preset = presets.find(name)
    if not preset.enlarges_faces or preset.own_size and not preset.framing:
        raise CallError(f"{name} does not enlarge faces of a known framing: give sam, cagface or another such (facesr models)")


def check_background(name):
    """Raise CallError if a preset does not enlarge pictures of any size 4 times."""
    preset = presets.find(name)
    if preset.scale != 4 or preset.own_size:
        raise CallError(f"{name} does not enlarge pictures of any size 4 times: give edsr_small_x4 or cagface")


def table(model=None):
    """The networks by width, or the one for faces of every width, as lines to print."""
    if model:
        rest = "profiles and doubtful faces: the background's network"
        return [f"faces from {SMALLEST} px wide: {presets.full_name(model)}", f"under {SMALLEST} px, {rest}"]
    ends = [*(least for least, _ in BY_WIDTH[1:]), LARGEST]
    rows = [f"faces {least} to {end} px wide: {presets.full_name(name)}" for (least, name), end in zip(BY_WIDTH, ends)]
    return [*rows, f"under {SMALLEST} px, over {LARGEST} px, profiles and doubtful faces: the background's network"]
