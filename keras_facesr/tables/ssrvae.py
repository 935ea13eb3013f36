"""SSRVAE, Tables 1 to 5: faces degraded by styleVAE, real small faces, styleVAE for other networks, and two ablations.

DATA_DIR holds CelebA in ``celeba``, real small faces in ``wider_lq/train`` and ``wider_lq/test``, and LFW in ``lfw``. The
paper's distances are of Inception's features (FID); ours are of face_features' textures and of its embeddings.
"""

from keras_facesr.tables.table import BICUBIC, Figure, Part, Table, rows
from keras_facesr.tables.trials import MadeFaces, Pairs, RealFaces
from keras_facesr.training.recipes.recipe import JUDGE, Source
from keras_facesr.training.recipes.ssrvae import CLEAN, REAL

PAPER = "Style-based Variational Autoencoder for Real-World Super-Resolution"
PSNR, SSIM = Figure("PSNR", ("psnr",)), Figure("SSIM", ("ssim",), ".4f")
TEXTURES = Figure(
    "FID", ("textures",), ".4g", "Fréchet distance of textures as face_features sees them", higher_is_better=False
)
FACES = Figure(
    "FID of faces", ("frechet",), ".4g", "Fréchet distance of faces as face_features sees them", higher_is_better=False
)
DISTANCES = (TEXTURES, FACES)
LFW = Source("lfw", 64, "lfw")
STYLEVAE = "stylevae_wider"
REAL_FACES = RealFaces(REAL, CLEAN, 4, JUDGE)

METHODS = (BICUBIC, "SRCNN", "SRGAN", "EDSR", "RDN", "SSRVAE")
RECIPES = (
    BICUBIC,
    "srcnn_x4_bicubic",
    "srgan_small_x4_bicubic",
    "edsr_small_x4_bicubic",
    "rdn_small_x4_bicubic",
    "ssrvae_x4",
)
TABLE_1 = ((21.19, 19.57, 20.36, 20.44, 18.18, 24.16), (0.5570, 0.4030, 0.5007, 0.5137, 0.4063, 0.7197))  # PSNR, SSIM
TABLE_2 = (288.47, 256.78, 179.7, 129.93, 162.03, 98.61)
ON_PAIRS = ("SRCNN, bicubic pairs", "SRCNN, styleVAE's", "EDSR, bicubic pairs", "EDSR, styleVAE's")
TABLE_3 = (256.78, 198.75, 129.93, 107.63)
ATTENTION = {"none": "_plain", "local": "_local", "global": "_global", "global and local": ""}
TABLE_4 = (30.08, 30.18, 30.27, 30.43)
STYLES = {
    BICUBIC: BICUBIC,
    "neither": f"{STYLEVAE}_plain",
    "mutual information": f"{STYLEVAE}_no_adain",
    "AdaIN": f"{STYLEVAE}_no_information",
    "both": STYLEVAE,
}
TABLE_5 = (31.20, 26.6, 25.78, 24.63, 18.77)


def table(number, title, figures, made_rows, trial, remarks=""):
    return Table(f"ssrvae{number}", f"{PAPER}, Table {number}", 32_000, (Part(title, figures, made_rows, trial),), remarks)


TABLES = [
    table(
        1,
        "LFW x4, degraded by styleVAE",
        (PSNR, SSIM),
        rows(METHODS, RECIPES, *TABLE_1),
        Pairs(LFW, 4, degradation=STYLEVAE),
    ),
    table(
        2,
        "real small faces x4",
        DISTANCES,
        rows(METHODS, RECIPES, TABLE_2, [None] * 6),
        REAL_FACES,
        remarks="SRGAN is also trained on the feature maps of face_features, which judges here.",
    ),
    table(
        3,
        "real small faces x4",
        DISTANCES,
        rows(
            ON_PAIRS,
            [f"{name}_x4_{pairs}" for name in ("srcnn", "edsr_small") for pairs in ("bicubic", "style")],
            TABLE_3,
            [None] * 4,
        ),
        REAL_FACES,
    ),
    table(
        4,
        "SSRVAE on LFW x4, by its attention",
        (PSNR,),
        rows(ATTENTION, [f"ssrvae_x4_bicubic{which}" for which in ATTENTION.values()], TABLE_4),
        Pairs(LFW, 4),
    ),
    table(
        5,
        "small faces of styleVAEs, with and without AdaIN and mutual information, beside real ones",
        DISTANCES,
        rows(STYLES, STYLES.values(), TABLE_5, [None] * 5),
        MadeFaces(CLEAN, REAL, 4, JUDGE),
        remarks="Our styleVAEs are also trained for the appearance of real faces, and change the reduced face scale by scale.",
    ),
]
