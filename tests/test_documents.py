"""What the documents say, done: commands parse, links lead somewhere, figures are those that were released.

Their Python is run by test_document_code.py.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from keras_facesr import cli, presets, recipes
from keras_facesr.inference import demo_faces

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BESIDE = [
    *sorted(ROOT.glob("examples/*/README.md")),
    *sorted(ROOT.glob("saved_models/*/README.md")),
    ROOT / "benchmarks/README.md",
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")
NUMBER = re.compile(r"\d\.\d\d")
SOURCE = re.compile(r"`(facesr|python|pytest|tools/)|[Pp]aper|Table \d")  # what a figure comes from


def name(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page, *languages):
    return [text for language, text in BLOCK.findall(page.read_text()) if language in languages]


def commands(page):
    """The calls of ``facesr`` on a page, in blocks and in the text, without remarks: a list of arguments each."""
    lines = [line for text in blocks(page, "", "sh") for line in text.splitlines()]
    calls = [match[1] for line in lines for match in re.finditer(r"(?:^|&& |\$ )(?:[\w./]+/)?(facesr .+?)(?=\s{2,}|$)", line)]
    inline = [call for call in re.findall(r"`(facesr [^`]+)`", page.read_text()) if len(call.split()) > 2]
    plain = [call.replace("[", "").replace("]", "") for call in (*calls, *inline) if "..." not in call]
    return [["8" if word == "N" else word for word in shlex.split(call, comments=True)[1:]] for call in plain]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with what the pages speak of: face.png, portrait.jpg, and faces/ with eight of them."""
    (tmp_path / "faces").mkdir()
    for k, face in enumerate(demo_faces(8, 128)):
        Image.fromarray(face).save(tmp_path / "faces" / f"{k}.png")
    Image.fromarray(demo_faces(1, 17)[0]).save(tmp_path / "face.png")  # of a size that no network takes as it is
    Image.fromarray(demo_faces(1, 64)[0]).save(tmp_path / "portrait.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("page", [page for page in (*PAGES, *BESIDE) if commands(page)], ids=name)
def test_the_commands_of_a_page_parse_and_name_what_there_is(page):
    for arguments in commands(page):
        args = cli._parser().parse_args(arguments)
        for preset in getattr(args, "model", "").split(","):
            assert not preset or preset.isupper() or presets.find(preset)
        if hasattr(args, "recipe") and not args.recipe.isupper():
            assert recipes.find(args.recipe)


def cheap(arguments):
    """Whether a command lists models, or enlarges what ``here`` has without asking for a runtime that may be missing."""
    return arguments[0] in ("models", "upscale") and not {"--runtime", "NAME", "RUN_DIR"} & {*arguments}


CHEAP = sorted({shlex.join(arguments) for page in PAGES for arguments in commands(page) if cheap(arguments)})


@pytest.mark.parametrize("command", CHEAP)
def test_a_cheap_command_does_what_it_says(command, here, facesr):
    before = {*here.rglob("*.png")}
    result = facesr(*shlex.split(command))
    assert result.code == 0
    assert all("has learnt from" in line or "another size" in line for line in result.err.splitlines())  # face.png's is odd
    assert "models" in command or {*here.rglob("*.png")} > before


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=name)
def test_links_and_pictures_are_there_and_scripts_too(page):
    text = page.read_text()
    for target, place in LINK.findall(text):
        file = page.parent / target if target else page
        assert file.exists(), f"{target} of {name(page)}"
        if place:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert place in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    for script in re.findall(r"python ((?:[\w-]+/)*\w+\.py)", text):
        assert (ROOT / script).exists() or (page.parent / script).exists(), f"{script} of {name(page)}"


def test_how_well_the_judge_judges_is_as_released():
    share = presets.find("face_features").figures["ranked_rightly"]["mean"]
    assert f"ranks CelebA's attributes rightly in {share:.1%} of the pairs" in (ROOT / "docs" / "measuring.md").read_text()


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=name)
def test_no_table_of_figures_without_what_made_them(page):
    for section in re.split(r"^#+ ", page.read_text(), flags=re.MULTILINE):
        rows = [line for line in section.splitlines() if line.startswith("|") and NUMBER.search(line)]
        assert not rows or "~=" in section or SOURCE.search(section), section.splitlines()[0]


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "tables.md"], ids=name)
def test_tables_have_the_released_figures(page):
    text = page.read_text()
    names = presets.list_models()
    if page.name == "README.md":  # yardsticks are left to the tables
        names = [name for name in names if f"`{name}`" in text]
        assert {*presets.ALIASES.values()} <= {*names}
    for preset in map(presets.find, names):
        for report in (preset.figures, *preset.figures.get("others", [])):
            if preset.task == "super-resolution":
                bicubic, ours = report["models"]["bicubic"], report["models"][preset.name]
                gain = ours["psnr"] - bicubic["psnr"]
                ssim = f"{ours['ssim']:.4f}" if "ssim" in ours else "-"
                row = f"| {bicubic['psnr']:.2f} | {ours['psnr']:.2f} | {gain:+.2f} | {ssim} |"
                assert row in text, f"{preset.name}: {row}"


def test_the_tables_have_what_was_measured_of_spoilt_reduced_and_real_faces():
    text = (ROOT / "docs" / "tables.md").read_text()
    spoilt, reduced = (presets.find(name).figures for name in ("ssrvae_x4", "ssrvae_x4_bicubic"))
    names = set(spoilt["models"]) - {"bicubic"}
    assert names == set(reduced["models"]) - {"bicubic"} and len(names) == 6
    for name in names:
        cells = [f"[`{name}`](../saved_models/{name}/README.md)"]
        for models in (spoilt["models"], reduced["models"]):
            bicubic, ours = models["bicubic"]["psnr"], models[name]["psnr"]
            cells += [f"{bicubic:.2f}", f"{ours:.2f}", f"{ours - bicubic:+.2f}", f"{models[name]['ssim']:.4f}"]
        cells += [f"{spoilt['real_faces']['models'][name][key]:.3f}" for key in ("textures", "frechet")]
        assert f"| {' | '.join(cells)} |" in text
    made = presets.find("stylevae_wider").figures["models"]
    for key in ("textures", "frechet"):
        ours, bicubic = made["stylevae_wider"][key], made["bicubic"][key]
        assert f"{ours:.3f} to {bicubic:.3f}" in text and f"{ours / bicubic:.2f} of " in text


def test_the_gallery_shows_every_released_model_in_small_files():
    shown = {preset.name for preset in map(presets.find, presets.list_models()) if preset.enlarges_faces}
    files = {file.stem: file.stat().st_size for file in (ROOT / "docs" / "gallery").iterdir()}
    examples = {"samples", "varsr_samples", "traversal", "maps", "styles", "compared"}
    assert shown | examples == set(files), "run python tools/gallery.py"
    assert max(files.values()) < 150_000
    assert all(f"gallery/{file}.jpg" in (ROOT / "docs" / "gallery.md").read_text() for file in files)


def test_the_site_is_built_without_a_warning(tmp_path):
    for module in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        pytest.importorskip(module, reason="the site is built where the extra docs is installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert all((tmp_path / "site" / page / "index.html").exists() for page in ("papers/sam", "gallery", "reference"))
