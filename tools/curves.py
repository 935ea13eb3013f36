"""Draw the training curve of each released network that enlarges faces: held-out PSNR over the images that it has seen.

    python tools/curves.py

It writes docs/figures/training_curves.svg from the curves that ``tools/release.py`` keeps in the presets' ``config.json``. If a
curve still rises at its end, longer training would improve the network.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

from keras_facesr import presets  # noqa: E402
from keras_facesr.data.files import written_whole  # noqa: E402

TARGET = Path(__file__).parents[1] / "docs" / "figures" / "training_curves.svg"


def main():
    released = [preset for preset in map(presets.find, presets.list_models()) if preset.enlarges_faces and preset.curve]
    matplotlib.rcParams["svg.hashsalt"] = TARGET.stem  # the same curves make the same file
    with written_whole(TARGET) as temporary:
        drawn(released).savefig(temporary, format="svg", metadata={"Date": None})


def drawn(released):
    """A panel for each scale: PSNR over the logarithm of the images."""
    scales = sorted({preset.scale for preset in released})
    figure, panels = plt.subplots(1, len(scales), figsize=(4 * len(scales), 3.6), layout="constrained", squeeze=False)
    for panel, scale in zip(panels[0], scales):
        for preset in released:
            if preset.scale == scale:
                panel.plot(*zip(*preset.curve), label=preset.name, linewidth=1.2)
        panel.set_xscale("log")
        panel.set_title(f"x{scale}", fontsize=9)
        panel.set_xlabel("images seen", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=6)
    panels[0][0].set_ylabel("held-out PSNR, dB", fontsize=8)
    return figure


if __name__ == "__main__":
    main()
