"""Which network enlarges a face: by its width in the photograph, from ear to ear."""

from keras_facesr import presets
from keras_facesr.errors import CallError

SMALLEST, LARGEST = 8, 256  # pixels; below, nothing is left of a face; above, the background's network sees as much
BY_WIDTH = (  # pixels from which on, and the preset; docs/photos.md has the measurements
    (SMALLEST, "sam"),
    (20, "cagface"),
)
ASIDE = 0.8  # of half the face's width: where the tip of the nose is in a profile


def choose(face, model=None):
    """The preset's name for a ``Face``, and None; or None, and why it is left to the background's network.

    Args:
        face: as ``detect.find_faces`` gives it.
        model: name of the preset for all faces in place of the table's.
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
    """CallError where a preset does not enlarge faces, or where they lie in its pictures is not known."""
    preset = presets.find(name)
    if not preset.enlarges_faces or preset.own_size and not preset.framing:
        raise CallError(f"{name} does not enlarge faces of a known framing: give sam, cagface or another such (facesr models)")


def check_background(name):
    """CallError where a preset does not enlarge pictures of any size four times."""
    preset = presets.find(name)
    if preset.scale != 4 or preset.own_size:
        raise CallError(f"{name} does not enlarge pictures of any size 4 times: give edsr_small_x4 or cagface")


def table():
    """What is chosen, as lines for people."""
    ends = [*(least for least, _ in BY_WIDTH[1:]), LARGEST]
    rows = [f"faces {least} to {end} px wide: {presets.full_name(name)}" for (least, name), end in zip(BY_WIDTH, ends)]
    return [*rows, f"under {SMALLEST} px, over {LARGEST} px, profiles and doubtful faces: the background's network"]
