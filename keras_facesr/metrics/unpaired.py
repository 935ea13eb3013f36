"""Real small faces have no true large ones, so the set of their enlargements is compared with a set of clean faces."""

from keras_facesr.errors import FacesrError
from keras_facesr.metrics.perceptual import SeenSet, impressions
from keras_facesr.metrics.protocol import BATCH, with_bicubic


def evaluate_unpaired(methods, small, clean, scale, judge, *, inception=None, on_image=None):
    """Measure methods, and Pillow's bicubic, on small faces without truth (SSRVAE, Tables 2 and 3, with another network).

    Args:
        methods: dict of name -> object with ``upscale_batch(lr)``, uint8 (N, h, w, 3) -> uint8 (N, H, W, 3).
        small: uint8 (N, h, w, 3), at least two.
        clean: uint8 (M, scale * h, scale * w, 3), at least two, other faces.
        scale: the enlargement factor.
        judge: object with ``name`` and ``see(images)``, uint8 (N, H, W, 3) -> (feature maps, embeddings (N, D)).
        inception: object with ``embed(images)``, uint8 (N, H, W, 3) -> (N, D), such as ``published.Inception()``, or None.
        on_image: called with the number of pictures done.

    Returns:
        ``{"protocol": {...}, "images": N, "models": {"bicubic": {"textures", "frechet"}, ...}}``: Fréchet distances between
        the judge's features of the enlargements and of the clean faces (``metrics.perceptual.impressions``); with
        ``inception``, ``fid`` as well.

    Raises:
        FacesrError: fewer than two faces; sizes that do not fit each other; a method called "bicubic".
    """
    if min(len(small), len(clean)) < 2:
        raise FacesrError(f"{len(small)} small and {len(clean)} clean faces: a distance of sets needs two of each")
    expected = (len(clean), small.shape[1] * scale, small.shape[2] * scale, 3)
    if clean.shape != expected:
        raise FacesrError(f"clean faces are {clean.shape}, enlarged ones would be {expected}")
    methods = with_bicubic(methods, scale)

    def looked_at(images):
        pooled = {"fid": inception.embed(images)} if inception else {}
        return {**impressions(judge.see(images)), **pooled}

    seen = {name: SeenSet() for name in methods}
    for start in range(0, len(small), BATCH):
        lr = small[start : start + BATCH]
        for name, method in methods.items():
            seen[name].add(looked_at(method.upscale_batch(lr)))
        if on_image:
            on_image(min(start + BATCH, len(small)))
    truth = SeenSet()
    for start in range(0, len(clean), BATCH):
        truth.add(looked_at(clean[start : start + BATCH]))
    return {
        "protocol": {
            "scale": scale,
            "lr_size": list(small.shape[1:3]),
            "crop": "centre square",
            "rounding": "8 bits",
            "clean": len(clean),
            "judge": judge.name,
        },
        "images": len(small),
        "models": {name: enlarged.distances(truth) for name, enlarged in seen.items()},
    }
