"""VarSR, Tables 1 to 5: accuracy, identity, diversity and consistency of faces, and digits by their pixels and by a classifier.

The paper's mean squared errors are left out, as it does not give the range of the values. DATA_DIR is CelebA for Tables 1
and 2; for the others it holds MNIST in ``mnist`` and digits of licence plates in ``plates``.
"""

from keras_facesr.tables.table import Figure, Part, Row, Table, rows
from keras_facesr.tables.trials import JUDGED, Pairs
from keras_facesr.training.recipes.recipe import Source

PAPER = "VarSR: Variational Super-Resolution Network for Very Low Resolution Images"
PSNR = Figure("PSNR", ("psnr_best", "psnr"))
SSIM = Figure("SSIM", ("ssim_of_best_psnr", "ssim"), ".4f")
HIGHEST = Figure("best SSIM", ("ssim_best", "ssim"), ".4f", "the highest of all answers; SSIM is of the one with the best PSNR")
LPIPS = Figure("LPIPS", ("features_best", "features"), ".4f", "distance of face_features' maps", higher_is_better=False)
FACENET = Figure(
    "FaceNet", ("identity_best", "identity"), ".4f", "distance of face_features' embeddings", higher_is_better=False
)
BETWEEN_SAMPLES = "distance of face_features' maps between samples"
DIVERSITY = Figure("diversity", ("features_diversity",), ".4f", BETWEEN_SAMPLES, otherwise=0.0)  # of one answer
CONSISTENCY = Figure("consistency", ("consistency",), ".3f", "in 8-bit levels", higher_is_better=False)
READ_BEST, READ_MEAN = (Figure(f"{way}, %", (f"digits_{way}",), unit=0.01) for way in ("best", "mean"))
CELEBA = Pairs(Source("celeba", 64), 8, **JUDGED["celeba"])
DIGITS = {
    "MNIST": Pairs(Source("mnist", 24), 4, **JUDGED["mnist"], limit=1000),
    "plates": Pairs(Source("digits", (16, 8)), 4, **JUDGED["digits"]),
}
FOLDERS = {"MNIST": "mnist", "plates": "plates"}

OF_FACES = """All networks start training by Muon. Then, by Adam, those of lambda 0.01 go on from the weights of lambda 0.02, \
and those with a critic from the weights without one. Networks with a critic are also trained on the feature maps of \
face_features, which judges here."""
OF_DIGITS = """Only VarSR is also trained on the best of five draws (`draws=5`), which the paper's VarSR is not; and only \
MR-GAN has a critic, while the paper's VarSR has one too."""
FACE_METHODS = (
    "SRResNet",
    "VarSR, lambda 0.01",
    "VarSR, lambda 0.02",
    "SRGAN",
    "MR-GAN",
    "VarSR-GAN, lambda 0.01",
    "VarSR-GAN, lambda 0.02",
)
FACE_RECIPES = (
    "srresnet_x8_celeba64",
    "varsr_kl01_x8_celeba",
    "varsr_x8_celeba",
    "srgan_x8_celeba64",
    "mrgan_x8_celeba",
    "varsr_gan_kl01_x8_celeba",
    "varsr_gan_x8_celeba",
)
TABLE_1 = (  # PSNR, SSIM, the highest SSIM (not in the paper), LPIPS, FaceNet
    (22.57, 22.46, 22.74, 22.28, 21.21, 21.87, 22.14),
    (0.7242, 0.7162, 0.7278, 0.7042, 0.6476, 0.6855, 0.6948),
    (None,) * len(FACE_METHODS),
    (0.1172, 0.0885, 0.0927, 0.0679, 0.0591, 0.0539, 0.0538),
    (0.0463, 0.0425, 0.0430, 0.0463, 0.0434, 0.0422, 0.0426),
)
TABLE_2 = (  # diversity, consistency, of the last four methods
    (0.0, 0.0665, 0.0353, 0.0238),
    (3.595, 4.139, 3.402, 3.411),
)
DIGIT_METHODS = ("Det.", "PRSR", "MR-GAN", "VarSR")
TABLE_3 = {  # PSNR, SSIM
    "MNIST": ((20.64, 18.04, 21.05, 22.00), (0.8250, 0.7637, 0.8512, 0.8642)),
    "plates": ((21.16, 19.22, 21.54, 22.00), (0.9354, 0.8793, 0.9422, 0.9494)),
}
TABLE_4 = {  # best, mean, in %
    "MNIST": ((84.74, 84.42, 92.73, 92.79), (84.74, 70.22, 84.44, 85.58)),
    "plates": ((93.14, 96.10, 95.53, 96.33), (93.14, 92.19, 91.87, 93.01)),
}
TABLE_5 = {  # VarSR, by the number of distinct digits among five answers: share of inputs, share of these read correctly, %
    "MNIST": ((73.52, 20.18, 4.86, 0.83, 0.06), (94.83, 88.02, 82.95, 82.18, 87.96)),
    "plates": ((89.29, 9.67, 0.94, 0.08, 0.00), (96.85, 92.24, 89.92, 96.66, None)),
}


def digits(data, figures, *columns):
    """A table's part for one set of digits."""
    made = [f"{name}_x4_{data.lower()}" for name in ("autoencoder", "prsr", "mrgan", "varsr")]
    return Part(data, figures, rows(DIGIT_METHODS, made, *columns), DIGITS[data], FOLDERS[data])


def distinct(data):
    """Table 5 for one set of digits: one row, with two columns for each number of distinct digits."""
    shares, bests = TABLE_5[data]
    figures = [
        Figure(f"{count}: {what}, %", (f"digits_distinct.{count}.{key}",), higher_is_better=better, unit=0.01, otherwise=never)
        for count in range(1, 6)
        for what, key, better, never in (("share", "share", False, 0.0), ("right", "best", True, None))
    ]
    paper = tuple(figure for both in zip(shares, bests) for figure in both)
    return Part(data, tuple(figures), (Row("VarSR", f"varsr_x4_{data.lower()}", paper),), DIGITS[data], FOLDERS[data])


TABLES = [
    Table(
        "varsr1",
        f"{PAPER}, Table 1",
        64_000,
        (Part("CelebA x8", (PSNR, SSIM, HIGHEST, LPIPS, FACENET), rows(FACE_METHODS, FACE_RECIPES, *TABLE_1), CELEBA),),
        OF_FACES,
    ),
    Table(
        "varsr2",
        f"{PAPER}, Table 2",
        72_000,
        (Part("CelebA x8", (DIVERSITY, CONSISTENCY), rows(FACE_METHODS[3:], FACE_RECIPES[3:], *TABLE_2), CELEBA),),
        OF_FACES,
    ),
    Table(
        "varsr3",
        f"{PAPER}, Table 3",
        480_000,
        (
            digits("MNIST", (PSNR, SSIM, HIGHEST), *TABLE_3["MNIST"], (None,) * len(DIGIT_METHODS)),
            digits("plates", (PSNR, SSIM), *TABLE_3["plates"]),  # ours are too small for SSIM's window
        ),
        OF_DIGITS,
    ),
    Table(
        "varsr4",
        f"{PAPER}, Table 4",
        480_000,
        tuple(digits(data, (READ_BEST, READ_MEAN), *columns) for data, columns in TABLE_4.items()),
        OF_DIGITS,
    ),
    Table("varsr5", f"{PAPER}, Table 5", 480_000, tuple(map(distinct, TABLE_5)), OF_DIGITS),
]
