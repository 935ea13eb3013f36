"""What pyproject.toml cannot say: the released weights stand beside the package in a checkout and inside it in a wheel."""

from setuptools import find_packages, setup

WEIGHTS = "keras_facesr.saved_models"

setup(
    packages=[*find_packages(include=["keras_facesr", "keras_facesr.*"]), WEIGHTS],
    package_dir={WEIGHTS: "saved_models"},
    package_data={WEIGHTS: ["*/*.json", "*/*.h5", "*/*.tflite", "*/*.md"]},
    include_package_data=False,
)
