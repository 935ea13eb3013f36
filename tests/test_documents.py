"""What the documents say, done: links lead somewhere, figures are those that were released.

Their Python is run by test_document_code.py, their commands by test_commands.py.
"""

import importlib
import json
import re
import subprocess
import sys

import pytest
from documents import BESIDE, PAGES, ROOT, commands, named

from keras_facesr import presets
from keras_facesr.training import recipes

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")
NUMBER = re.compile(r"\d\.\d\d")
SOURCE = re.compile(r"`(facesr|python|pytest|tools/)|[Pp]aper|Table \d")  # what a figure comes from


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=named)
def test_links_and_pictures_are_there_and_scripts_too(page):
    text = page.read_text()
    for target, place in LINK.findall(text):
        file = page.parent / target if target else page
        assert file.exists(), f"{target} of {named(page)}"
        if place:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert place in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    for script in re.findall(r"python ((?:[\w-]+/)*\w+\.py)", text):
        assert (ROOT / script).exists() or (page.parent / script).exists(), f"{script} of {named(page)}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_example_gives_a_portrait_to_a_network_that_learnt_from_one_small_size(page):
    for call in commands(page, "facesr upscale"):
        if "portrait" in call:
            model = re.search(r"--model (\S+)", call)
            assert presets.find(model[1] if model else "sam").own_size is None, call


def test_the_reference_shows_what_there_is_and_the_members_that_it_names():
    """The site's builder shows a class's own members, inherited ones where it is asked to, and passes over a wrong name."""
    text = (ROOT / "docs" / "reference.md").read_text()
    for path, options in re.findall(r"^::: (\S+)(?:\n    options: \{(.+)\})?$", text, re.MULTILINE):
        module, name = path.rsplit(".", 1)
        shown = getattr(importlib.import_module(module), name)
        lists = {key: set(re.findall(r"\w+", names)) for key, names in re.findall(r"(\w+): \[(.*?)\]", options)}
        own = {*vars(shown)} | {*lists.get("inherited_members", ())} & {*dir(shown)}
        assert lists.get("members", set()) <= own | {*getattr(shown, "__annotations__", ())}, path


def test_how_well_the_judge_judges_is_as_released():
    share = presets.find("face_features").figures["ranked_rightly"]["mean"]
    assert f"ranks CelebA's attributes correctly in {share:.1%} of the pairs" in (ROOT / "docs" / "measuring.md").read_text()


@pytest.mark.parametrize("preset", presets.list_models())
def test_a_card_has_the_figures_of_its_configuration_and_its_limits(preset, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    from card import written_anew

    folder = presets.find(preset).folder
    text, entry = (folder / "README.md").read_text(), json.loads((folder / "config.json").read_text())
    assert written_anew(text, entry, recipes.find(preset)) == text, "python tools/card.py writes it anew"


@pytest.mark.parametrize("preset", presets.list_models())
def test_a_card_has_the_stages_of_its_recipe_or_says_that_more_came_since(preset):
    card = (presets.find(preset).folder / "README.md").read_text()
    told = re.findall(r"^\| \d+ \| [-\d] \| ([\d,]+) \| (\d+) \|", card, re.MULTILINE)
    stages = [(f"{stage.steps:,}", f"{stage.batch_size}") for stage in recipes.find(preset).stages]
    assert told == stages[: len(told)] and (told == stages) != ("the recipe has had a" in card)


def test_a_card_counts_what_the_network_it_goes_on_from_has_seen_as_that_ones_card_does():
    cards = {preset: (presets.find(preset).folder / "README.md").read_text() for preset in presets.list_models()}
    told = [line for card in cards.values() for line in re.findall(r"beyond the ([\d,]+) of `(\w+)`", card)]
    assert told
    for images, origin in told:
        assert f" {images} images seen in all" in cards[origin], origin


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=named)
def test_no_table_of_figures_without_what_made_them(page):
    for section in re.split(r"^#+ ", page.read_text(), flags=re.MULTILINE):
        rows = [line for line in section.splitlines() if line.startswith("|") and NUMBER.search(line)]
        assert not rows or "~=" in section or SOURCE.search(section), section.splitlines()[0]


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "tables.md"], ids=named)
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


def test_the_choice_of_a_model_excepts_those_that_learnt_from_other_than_bicubic_pairs():
    text = (ROOT / "docs" / "models.md").read_text()
    excepted = re.search(r"All released models, except (.+?),\s+were\s+trained", text, re.DOTALL)[1]
    words = re.findall(r"`(\w+)`", excepted)
    endings = tuple(word for word in words if word.startswith("_"))
    models = {presets.find(word).name for word in words if word not in endings}
    for name in presets.list_models():
        degradation = recipes.find(name).degradation
        assert (name in models or name.endswith(endings)) == (degradation != "bicubic"), f"{name}: {degradation}"


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
        assert f"{ours:.3f} and {bicubic:.3f}" in text and f"{ours / bicubic:.2f} of " in text


def test_the_gallery_shows_every_released_model_in_small_files():
    page = (ROOT / "docs" / "gallery.md").read_text()
    shown = [preset.name for preset in map(presets.find, presets.list_models()) if preset.enlarges_faces]
    labels = re.findall(r"!\[(.+?)\]\(gallery/\d+_to_\d+(?:_head)?_\d\.jpg\)", page)
    sheets = [name for names in labels for name in names.split(", ")]
    assert sorted(sheets) == shown, "run python tools/gallery.py"
    files = {file.name: file.stat().st_size for file in (ROOT / "docs" / "gallery").iterdir()}
    assert {*files} == {*re.findall(r"\(gallery/(.+?)\)", page)}
    assert max(files.values()) < 150_000


def test_the_site_is_built_without_a_warning(tmp_path):
    for module in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        pytest.importorskip(module, reason="the site is built where the extra docs is installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert all((tmp_path / "site" / page / "index.html").exists() for page in ("papers/sam", "gallery", "reference"))
