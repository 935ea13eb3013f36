"""SAM, Tables 1 and 2: PSNR and SSIM compared with five methods, and the best of several answers.

The paper has two data sets. In Table 1 the networks here see one of them, UTKFace, which is DATA_DIR. Table 2 measures released
networks, on ``utkface`` and ``celeba`` below DATA_DIR.
"""

from keras_facesr.tables.table import BICUBIC, Figure, Part, Row, Table, rows
from keras_facesr.tables.trials import Pairs
from keras_facesr.training.recipes.recipe import Source

PSNR, SSIM = Figure("PSNR", ("psnr_best", "psnr")), Figure("SSIM", ("ssim_best", "ssim"), ".4f")
SAMPLED_FACES = 100  # faces of the test part that are measured when each is enlarged up to a thousand times
CONFOUNDED = """The table does not compare methods alone. SAM is trained by Muon, the others by Adam. SAM, here with \
`backbone="lr"`, and VDSR add their output to the bicubic enlargement of their input; SRCNN, SRResNet, URDGN and Wavelet-SRNet \
make the whole image."""
NO_NETWORK = "No network of this scale is released for CelebA's framing at 128 pixels."
SPREAD = """The answers of the paper are drawn independently, and so are those of the rows with its figures. The others are \
spread evenly over the latent, as `facesr evaluate --samples N` draws them. Each row's answers are its own: the ten are none \
of the hundred."""
NO_CELEBA = "The small networks of this table are trained on UTKFace alone: no recipe trains them on CelebA at 128 pixels."
METHODS = (BICUBIC, "SRCNN", "VDSR", "SRResNet", "URDGN", "Wavelet-SRNet", "SAM")
RECIPES = (BICUBIC, "srcnn", "vdsr_small", "srresnet_small", "urdgn_small", "wavelet_srnet_small", "sam_small")
TABLE_1 = {  # data set and scale: the rows' PSNR, the rows' SSIM
    ("UTKFace", 4): ((28.04, 31.69, 33.44, 31.48, 30.79, 31.88, 33.52), (0.86, 0.91, 0.93, 0.90, 0.90, 0.91, 0.94)),
    ("UTKFace", 8): ((23.11, 25.21, 26.73, 26.51, 25.52, 26.66, 27.86), (0.71, 0.76, 0.81, 0.80, 0.77, 0.82, 0.85)),
    ("UTKFace", 16): ((19.51, 20.88, 21.75, 22.73, 21.82, 22.53, 23.44), (0.59, 0.62, 0.65, 0.70, 0.66, 0.66, 0.74)),
    ("CelebA", 4): ((24.88, 27.32, 29.03, 28.00, 27.09, 28.35, 29.24), (0.76, 0.83, 0.88, 0.84, 0.83, 0.86, 0.88)),
    ("CelebA", 8): ((21.15, 23.10, 24.38, 24.05, 23.49, 23.80, 24.91), (0.60, 0.67, 0.73, 0.72, 0.69, 0.72, 0.76)),
    ("CelebA", 16): ((17.95, 19.47, 20.17, 20.79, 20.29, 20.34, 21.33), (0.48, 0.52, 0.56, 0.60, 0.57, 0.56, 0.64)),
}
TABLE_2 = {  # PSNR and SSIM of the mean latent's answer, and of the best of 10, 100 and 1000
    ("UTKFace", 4): ((33.5196, 0.9362), (33.5262, 0.9362), (33.5291, 0.9363), (33.5314, 0.9363)),
    ("UTKFace", 8): ((27.8597, 0.8457), (27.9778, 0.8478), (28.1203, 0.8507), (28.2345, 0.8528)),
    ("UTKFace", 16): ((23.4414, 0.7384), (23.5632, 0.7433), (23.7190, 0.7486), (23.8462, 0.7530)),
    ("CelebA", 4): ((29.2391, 0.8816), (29.2744, 0.8822), (29.2949, 0.8826), (29.3100, 0.8828)),
    ("CelebA", 8): ((24.9094, 0.7574), (25.0080, 0.7600), (25.0905, 0.7627), (25.1572, 0.7646)),
    ("CelebA", 16): ((21.3295, 0.6339), (21.4404, 0.6394), (21.5698, 0.6454), (21.6533, 0.6496)),
}


def recipe(name, data, scale):
    """The name of a method's recipe for a data set and scale; None if there is none."""
    if name == BICUBIC:
        return BICUBIC
    return f"{name}_x{scale}_utkface" if data == "UTKFace" else None


def compared(data, scale):
    """Table 1 for one data set and scale."""
    made = rows(METHODS, [recipe(name, data, scale) for name in RECIPES], *TABLE_1[data, scale])
    ours = data == "UTKFace"
    trial = Pairs(Source("utkface", 128), scale) if ours else None
    return Part(f"{data} x{scale}", (PSNR, SSIM), made, trial, unfilled="" if ours else NO_CELEBA)


def best_of_samples(data, scale):
    """Table 2 for one data set and scale."""
    sam = {"UTKFace": f"sam_small_x{scale}", "CelebA": "sam_small_x8_celeba" if scale == 8 else None}[data]
    drawn = [
        Row(f"best of {n}", sam, paper, n, independent=True) for n, paper in zip((10, 100, 1000), TABLE_2[data, scale][1:])
    ]
    spread = [Row(f"{row.method}, spread", sam, (None, None), row.samples) for row in drawn]
    mean = Row("mean", sam, TABLE_2[data, scale][0], 0)
    folder = data.lower()
    trial = Pairs(Source(folder, 128), scale, limit=SAMPLED_FACES) if sam else None
    figures = (PSNR, SSIM)
    return Part(f"{data} x{scale}", figures, (mean, *drawn, *spread), trial, folder, unfilled="" if sam else NO_NETWORK)


TABLES = [
    Table(
        "sam1",
        "Stochastic Attribute Modeling for Face Super-Resolution, Table 1",
        32_000,
        tuple(compared(*which) for which in TABLE_1),
        CONFOUNDED,
    ),
    Table(
        "sam2",
        "Stochastic Attribute Modeling for Face Super-Resolution, Table 2",
        None,
        tuple(best_of_samples(*which) for which in TABLE_2),
        SPREAD,
    ),
]
