"""The Python of README and documents as a reader runs it: a process of its own, in a folder with the pictures that it names."""

from importlib.util import find_spec

import pytest
from documents import PAGES, ROOT, blocks, named
from films import write_film
from finding import installed
from PIL import Image
from processes import run_script

from keras_facesr.inference import demo_faces
from keras_facesr.models.sam import SAM


def scripts(page):
    """The blocks of README one by one, as they are copied; those of a document from top to bottom, which is slow."""
    codes, name = blocks(page, "python"), named(page)
    if page.name == "README.md":
        return [pytest.param(code, id=f"{name}, block {number}") for number, code in enumerate(codes, 1)]
    return [pytest.param("\n".join(codes), id=name, marks=pytest.mark.slow)] if codes else []


def write_pictures(folder, code):
    """Of face.png, portrait.jpg, film.mp4 and a folder of eight faces those that the code names."""
    for name, side in {"face.png": 17, "portrait.jpg": 64}.items():  # the first of a size that no network takes as it is
        if f'"{name}"' in code:
            Image.fromarray(demo_faces(1, side)[0]).save(folder / name)
    if '"film.mp4"' in code:
        write_film(folder / "film.mp4", [demo_faces(1, 40)[0]] * 3)
    if '"faces"' in code:
        (folder / "faces").mkdir()
        for k, face in enumerate(demo_faces(8, 128)):
            Image.fromarray(face).save(folder / "faces" / f"{k}.png")


def test_no_epoch_of_readme_repeats_the_batches_of_another(monkeypatch):
    def fit(model, batches, epochs=1, steps_per_epoch=None, **how):
        fits.append((len(batches), epochs * (steps_per_epoch or len(batches))))

    fits = []
    monkeypatch.setattr(SAM, "fit", fit)
    exec(next(code for code in blocks(ROOT / "README.md", "python") if "PairStream" in code), {})
    assert len(fits) == 2 and all(shown <= there for there, shown in fits)


@pytest.mark.parametrize("code", [script for page in PAGES for script in scripts(page)])
def test_the_code_of_a_page_runs_as_it_is_copied(code, tmp_path):
    if "restore_" in code and not installed() or "restore_video" in code and not find_spec("av"):
        pytest.skip("needs the extras photos and video")
    script, here = tmp_path / "page.py", tmp_path / "here"
    script.write_text(code)
    here.mkdir()
    write_pictures(here, code)
    run = run_script(script, cwd=here, KERAS_FACESR_CACHE=str(tmp_path / "cache"))
    assert run.returncode == 0, run.stderr
