"""CAGFace, Tables 2 and 3: large faces, and whole faces of 256 pixels.

DATA_DIR holds faces of at least 512 pixels in ``faces_512`` and CelebAMask-HQ in ``celebamask``, as for training.
"""

from keras_facesr.tables.table import BICUBIC, Figure, Part, Table, rows
from keras_facesr.tables.trials import Pairs
from keras_facesr.training.recipes.cagface import FACES

PAPER = "Component Attention Guided Face Super-Resolution Network: CAGFace"
FIGURES = (
    Figure("PSNR", ("psnr",)),
    Figure("SSIM", ("ssim",), ".3f"),
    Figure("MS-SSIM", ("ms_ssim",), ".3f"),
    Figure("FID", ("frechet",), ".4g", "Fréchet distance of what face_features sees", higher_is_better=False),
)
METHODS = (BICUBIC, "SRCNN", "FSRCNN", "EDSR", "SRGAN", "ESRGAN", "EnhanceNet", "SRFBN", "CAGFace")
RECIPES = (
    BICUBIC,
    "srcnn_x4",
    "fsrcnn_x4",
    "edsr_small_x4",
    "srgan_small_x4",
    "esrgan_small_x4",
    "enhancenet_small_x4",
    "srfbn_small_x4",
    "cagface_small_x4",
)
TABLE_2 = (
    (31.87, 27.40, 24.71, 28.34, 21.49, 19.84, 29.42, 27.90, 34.10),
    (0.872, 0.801, 0.804, 0.827, 0.515, 0.353, 0.832, 0.822, 0.906),
    (0.956, 0.924, 0.951, 0.933, 0.807, 0.782, 0.934, 0.931, 0.971),
    (10.65, 31.84, 23.97, 15.54, 60.67, 72.73, 19.07, 17.14, 12.40),
)
TABLE_3 = (
    (25.57, 23.12, 22.45, 22.47, 17.57, 15.43, 23.64, 21.96, 27.42),
    (0.766, 0.688, 0.709, 0.706, 0.415, 0.267, 0.701, 0.693, 0.816),
    (0.935, 0.900, 0.930, 0.901, 0.757, 0.747, 0.897, 0.895, 0.958),
    (135.51, 147.21, 139.78, 129.14, 156.07, 166.36, 116.38, 132.59, 74.43),
)
REMARK = """The paper takes the other methods as their authors trained them, on any pictures; here all are trained on the same \
faces. CAGFace is trained by Muon, the others by Adam. CAGFace and EnhanceNet add their output to the bicubic enlargement of \
their input, SRFBN to a bilinear one; the others make the whole image. No method has more multiply-adds than CAGFace without \
its component network. SRGAN and ESRGAN are also trained on the feature maps of face_features, which judges here."""


def table(number, source, columns, remark=""):
    side = source.size
    part = Part(
        f"{side // 4} to {side} pixels", FIGURES, rows(METHODS, RECIPES, *columns), Pairs(source, 4, judge="face_features")
    )
    return Table(f"cagface{number}", f"{PAPER}, Table {number}", 48_000, (part,), f"{REMARK}{remark}")


LARGE, WHOLE = FACES
TABLES = [
    table(2, LARGE, TABLE_2, " The paper's large faces have 1024 pixels."),
    table(3, WHOLE, TABLE_3, " The paper trains networks on whole faces for this table; here one training serves both tables."),
]
