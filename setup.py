"""What pyproject.toml cannot say: the released weights stand beside the package in a checkout and inside it in a wheel.

Configurations and cards of all of them; the yardsticks' weights are what yardsticks/setup.py packs.
"""

from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup

WEIGHTS = "keras_facesr.saved_models"
YARDSTICKS = run_path("keras_facesr/yardsticks.py")["NAMES"]
OWN = [folder.name for folder in Path("saved_models").iterdir() if folder.name not in YARDSTICKS]

setup(
    packages=[*find_packages(include=["keras_facesr", "keras_facesr.*"]), WEIGHTS],
    package_dir={WEIGHTS: "saved_models"},
    package_data={WEIGHTS: ["*/*.json", "*/*.md", *(f"{name}/*.{kind}" for name in OWN for kind in ("h5", "tflite"))]},
    include_package_data=False,
)
