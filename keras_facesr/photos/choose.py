"""Chooses the network that enlarges a face, by the face's width in the photograph, from ear to ear."""

from keras_facesr import presets
from keras_facesr.errors import CallError

SMALLEST, LARGEST = 8, 256  # pixels: a smaller face has too little left, a larger one gains nothing by a network for faces
CLEAN = "clean"  # what stands for the networks for photographs that were only reduced, without noise, blur or JPEG
BY_WIDTH = {  # least width in pixels, and the preset; docs/photos.md has the measurements
    None: ((SMALLEST, "sam"), (17, "sam_real_x4"), (30, "cagface_real_x4")),
    CLEAN: ((SMALLEST, "sam"), (19, "sam_small_x4"), (30, "cagface")),
}
ASIDE = 0.8  # a face whose nose is farther aside (``Face.aside``) is a profile


def choose(face, model=None):
    """The name of the preset for a face, and None; or None, and why the face is left to the background's network.

    Args:
        face: a ``detect.Face``.
        model: name of one preset for faces of every width; or one of ``BY_WIDTH``.

    Returns:
        (name, None), or (None, "tiny", "profile" or "large").
    """
    if face.width < SMALLEST:
        return None, "tiny"
    if face.aside > ASIDE:
        return None, "profile"
    if model not in BY_WIDTH:
        return model, None
    if face.width > LARGEST:
        return None, "large"
    return [preset for least, preset in BY_WIDTH[model] if face.width >= least][-1], None


def check_model(name):
    """Raise CallError if a preset, unless it is one of ``BY_WIDTH``, does not enlarge faces, or its framing is not known."""
    if name in BY_WIDTH:
        return
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
    if model not in BY_WIDTH:
        rest = "profiles and doubtful faces: the background's network"
        return [f"faces from {SMALLEST} px wide: {presets.full_name(model)}", f"under {SMALLEST} px, {rest}"]
    by_width = BY_WIDTH[model]
    ends = [*(least for least, _ in by_width[1:]), LARGEST]
    rows = [f"faces {least} to {end} px wide: {presets.full_name(name)}" for (least, name), end in zip(by_width, ends)]
    return [*rows, f"under {SMALLEST} px, over {LARGEST} px, profiles and doubtful faces: the background's network"]
