"""Packs the weights that setup.py of the repository leaves out, from the same saved_models/: build it within the repository."""

from runpy import run_path

from setuptools import setup

YARDSTICKS = run_path("../keras_facesr/yardsticks.py")
WEIGHTS = YARDSTICKS["DISTRIBUTION"]

setup(
    version=run_path("../keras_facesr/version.py")["__version__"],
    packages=[WEIGHTS],
    package_dir={WEIGHTS: "../saved_models"},
    package_data={WEIGHTS: [f"{name}/*.{kind}" for name in YARDSTICKS["NAMES"] for kind in ("h5", "tflite")]},
    include_package_data=False,
)
