"""The papers' tables: their figures as printed there, and a table made again at one budget, stopped and gone on with."""

import dataclasses
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_facesr as fsr
from keras_facesr import classes, presets, tables
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.images import read_picture
from keras_facesr.errors import TableError, TrainingError, TrainingStopped
from keras_facesr.exchange.pytorch import to_tensors
from keras_facesr.exchange.tensors import write_tensors
from keras_facesr.inference import KerasMethod
from keras_facesr.metrics.protocol import Protocol, evaluate
from keras_facesr.models.own_loss import OwnLoss
from keras_facesr.tables import Figure, Part, Row, Table, run, varsr
from keras_facesr.tables.markdown import markdown
from keras_facesr.tables.trials import Pairs, RealFaces
from keras_facesr.training import recipes
from keras_facesr.training.recipes import recipe as recipe_module
from keras_facesr.training.recipes.recipe import Recipe, Source, Stage

ROOT = Path(__file__).parents[1]
BUDGET = 80
STAGE = Stage(10, batch_size=4, learning_rate=1e-2, loss="mse", check_every=5, jit_compile=False)
SMALL = Recipe(
    name="thin_x2",
    model_class="VDSR",
    config={"scale": 2, "channels": 2, "depth": 2},
    sources=(Source("folder", 16),),
    stages=(STAGE,),
    validation_images=4,
)
WIDE = dataclasses.replace(
    SMALL,
    name="wide_x2",
    config={"scale": 2, "channels": 4, "depth": 2},
    stages=(STAGE, dataclasses.replace(STAGE, steps=5, batch_size=8)),
)
MINIATURE = Table(
    "miniature1",
    "A paper, Table 1",
    BUDGET,
    (
        Part(
            "faces x2",
            (Figure("PSNR", ("psnr",)), Figure("SSIM", ("ssim",), ".4f"), Figure("rare", ("of_few",), otherwise=0.0)),
            (
                Row("bicubic", "bicubic", (20.0, 0.5, None)),
                Row("Thin", "thin_x2", (22.5, 0.75, None)),
                Row("Wide", "wide_x2", (21.25, 0.625, None)),
                Row("Lost", None, (23.0, None, None)),
            ),
            Pairs(Source("folder", 16), 2),
            unfilled="Lost has no recipe: nobody knows it.",
        ),
    ),
)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Pieces of a portrait: 24 to train on, 6 to test."""
    from skimage.data import astronaut

    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for part, count in (("train", 24), ("test", 6)):
        (folder / part).mkdir()
        for index in range(count):
            top, left = rng.integers(0, 300, size=2)
            Image.fromarray(astronaut()[top : top + 160, left : left + 160]).resize((24, 24)).save(
                folder / part / f"{index}.png"
            )
    return folder


def test_pairs_without_antialiasing_need_no_network_that_spoils(faces):
    trial = Pairs(Source("folder", 24), 2, degradation="aliased", judge="face_features")
    assert trial.presets == ["face_features"]
    report = dataclasses.replace(trial, judge=None).measure({}, faces)
    assert report["protocol"]["degradation"] == "bicubic without antialiasing (a = -0.5)" and report["images"] == 6


@pytest.fixture(scope="module")
def made(faces, tmp_path_factory):
    """The miniature, made; its folder of runs, its report and what it said."""
    runs, said = tmp_path_factory.mktemp("runs"), []
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, faces)
        return runs, run.run(MINIATURE, faces, runs, say=said.append), said


def stand_in(patch, faces):
    """The stand-ins' recipes, budgets in small units, a cache of its own, no released networks."""
    patch.setenv("KERAS_FACESR_CACHE", str(faces.parent / "cache"))
    patch.setattr(recipe_module, "IMAGE_UNIT", 8)
    patch.setattr(presets, "CATALOGUE", faces.parent / "saved_models")
    patch.setitem(recipes.RECIPES, "thin_x2", SMALL)
    patch.setitem(recipes.RECIPES, "wide_x2", WIDE)


@pytest.fixture
def miniature(faces, made, monkeypatch):
    """The stand-ins, once more for one test."""
    stand_in(monkeypatch, faces)


def histories(runs):
    return {file.parent.name: file.read_text() for file in runs.glob("*/history.jsonl")}


def images_seen(folder):
    """By a run's log, of which each line tells the stage and the step of a check."""
    started = json.loads((folder / "recipe.json").read_text())
    last = {}
    for line in (folder / "history.jsonl").read_text().splitlines():
        check = json.loads(line)
        last[check["stage"]] = check["step"]
    return sum(step * started["stages"][stage - 1]["batch_size"] for stage, step in last.items())


def test_every_row_is_trained_on_as_many_images_whatever_its_stages(made):
    runs, report, said = made
    assert {name: images_seen(runs / name) for name in ("thin_x2", "wide_x2")} == {"thin_x2": BUDGET, "wide_x2": BUDGET}
    assert [row["images"] for row in report["parts"][0]["rows"]] == [None, BUDGET, BUDGET, None]
    assert said == ["thin_x2: training on 80 images", "wide_x2: training on 80 images"]


def test_our_figures_are_the_protocols_of_the_trained_weights(made, faces):
    runs, report, _ = made
    models = {"thin_x2": SMALL.model(), "wide_x2": WIDE.model()}
    for name, model in models.items():
        model.load_weights(runs / name / "model.weights.h5")
    pictures = [read_picture(file).rgb for file in open_dataset(faces, split="test").files]
    methods = {name: KerasMethod(model) for name, model in models.items()}
    expected = evaluate(methods, pictures, Protocol(2, 16))["models"]
    for row in report["parts"][0]["rows"][:3]:
        figures = expected[row["recipe"]]
        assert row["ours"] == pytest.approx({"PSNR": figures["psnr"], "SSIM": figures["ssim"], "rare": 0.0})
        assert row["ours_gain"] == pytest.approx(figures["psnr"] - expected["bicubic"]["psnr"])


def test_the_markdown_has_both_figures_both_gains_and_both_orders(made):
    report = made[1]
    text = markdown(report)
    bicubic, thin, wide, _ = report["parts"][0]["rows"]
    ours = f"{thin['ours']['PSNR']:.2f} | {thin['ours_gain']:+.2f} | 0.7500 | {thin['ours']['SSIM']:.4f}"
    assert f"| Thin | `thin_x2`, 80 images | 22.50 | +2.50 | {ours} |" in text
    assert "| Lost | - | 23.00 | +3.00 | - | - | - | - |" in text and "nobody knows it" in text
    ranked = sorted((bicubic, thin, wide), key=lambda row: -round(row["ours"]["PSNR"], 2))
    assert f"| PSNR | Thin > Wide > bicubic | {' > '.join(row['method'] for row in ranked)} |" in text
    assert "facesr table miniature1 DATA_DIR --out RUNS_DIR --budget 80" in text and "6 images; RGB" in text


def test_a_table_made_again_trains_and_measures_nothing_anew(made, miniature, faces, monkeypatch):
    runs, report, _ = made
    before = histories(runs)
    monkeypatch.setattr(run, "train", lambda *_, **__: pytest.fail("a finished row was trained"))
    monkeypatch.setattr(Pairs, "measure", lambda *_: pytest.fail("a finished row was measured"))
    assert run.run(MINIATURE, faces, runs, say=lambda _: None) == report
    assert histories(runs) == before


def test_a_row_is_measured_anew_once_reports_have_another_figure(made, miniature, faces, monkeypatch):
    measured, measure = [], Pairs.measure
    monkeypatch.setattr(Pairs, "measure", lambda *what: measured.append(list(what[1])) or measure(*what))
    monkeypatch.setattr(run, "COLUMNS", [*run.COLUMNS, "another"])
    assert run.run(MINIATURE, faces, made[0], say=lambda _: None) == made[1]
    assert measured == [["thin_x2"], ["wide_x2"]]


def test_a_row_is_measured_anew_once_a_test_picture_is_another_of_the_same_name(made, miniature, faces, monkeypatch):
    measured, measure = [], Pairs.measure
    monkeypatch.setattr(Pairs, "measure", lambda *what: measured.append(list(what[1])) or measure(*what))
    picture = next((faces / "test").glob("*.png"))
    kept = picture.read_bytes()
    Image.new("RGB", (24, 24)).save(picture)
    other = run.run(MINIATURE, faces, made[0], say=lambda _: None)
    picture.write_bytes(kept)
    assert measured == [["thin_x2"], ["wide_x2"]] and other["parts"] != made[1]["parts"]
    assert run.run(MINIATURE, faces, made[0], say=lambda _: None) == made[1] and len(measured) == 2


def test_a_row_is_measured_anew_once_a_test_digit_is_another(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "load", lambda name: None)
    monkeypatch.setattr(Pairs, "measure", lambda self, *_: {"images": len(self.test(self.source, tmp_path))})
    weights, digits, counts = tmp_path / "weights.h5", tmp_path / "test" / "7", []
    weights.touch()
    digits.mkdir(parents=True)
    for number in (1, 2):
        Image.new("L", (16, 16), number).save(digits / f"{number}.png")
        report = run._report(SMALL, "thin_x2", weights, Pairs(Source("digits", 16), 2), tmp_path, tmp_path / "runs", None)
        counts.append(report["images"])
    assert counts == [1, 2]


def test_a_guest_is_measured_beside_the_rows_that_enlarge_as_it_does(made, miniature, faces):
    runs, report, _ = made
    guest = presets.find(runs / "thin_x2")
    again = run.run(MINIATURE, faces, runs, guests=[guest], say=lambda _: None)
    *rows, added = again["parts"][0]["rows"]
    assert rows == report["parts"][0]["rows"] and (added["method"], added["images"]) == ("thin_x2", None)
    assert added["ours"] == next(row["ours"] for row in rows if row["recipe"] == "thin_x2")
    assert f"DATA_DIR --out RUNS_DIR --budget 80 --guest {guest.name}` (" in markdown(again)  # by which it is made again
    with pytest.raises(TableError, match="enlarges x8, and no part of miniature1 does"):
        run.run(MINIATURE, faces, runs, guests=[dataclasses.replace(guest, scale=8)], say=lambda _: None)


def test_a_guest_that_has_the_name_of_another_row_is_refused(made, miniature, faces):
    guest = presets.find(made[0] / "thin_x2")
    for guests in ([guest, guest], [dataclasses.replace(guest, name="thin_x2")], [dataclasses.replace(guest, name="a/Thin")]):
        with pytest.raises(TableError, match="another row of miniature1 has this name; leave it out, or rename its folder"):
            run.run(MINIATURE, faces, made[0], guests=guests, say=lambda _: None)


def test_a_row_trained_in_float32_where_bfloat16_is_not_faster_is_the_recipes(made, miniature, faces):
    run._check_run(made[0] / "thin_x2", dataclasses.replace(SMALL.for_images(BUDGET), precision="mixed_bfloat16"), faces)


def test_an_imported_network_is_a_guest_by_its_folder(made, miniature, faces, tmp_path):
    pytest.importorskip("safetensors")
    network = classes.build_model("SRVGGNetCompact", {"scale": 2, "channels": 4, "convolutions": 1})
    write_tensors(tmp_path / "net.SAFETENSORS", to_tensors(network), {})
    fsr.import_weights(tmp_path / "net.SAFETENSORS", tmp_path / "mine")
    report = run.run(MINIATURE, faces, made[0], guests=[presets.find(tmp_path / "mine")], say=lambda _: None)
    *_, added = report["parts"][0]["rows"]
    assert added["method"] == "mine" and added["ours"].keys() == report["parts"][0]["rows"][0]["ours"].keys()


def test_real_small_faces_are_counted_as_they_are_measured(faces):
    done = []
    trial = RealFaces(Source("folder", 8), Source("folder", 16), 2, "face_features")
    report = trial.measure({"thin": SMALL.model()}, faces, done.append)
    assert done[-1] == report["images"] > 1


def test_a_stopped_table_goes_on_with_the_row_it_stopped_in(made, miniature, faces, tmp_path, monkeypatch):
    trained, train, asked = [], run.train, [KeyboardInterrupt, TrainingStopped]

    def stopped_in_wide(recipe, data_dir, folder, resume):
        trained.append((recipe.name, resume))
        if recipe.name == "wide_x2" and asked:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe), indent=1))
            raise asked.pop()("in the midst")
        return train(recipe, data_dir, folder, resume=resume)

    monkeypatch.setattr(run, "train", stopped_in_wide)
    for signalled in (TrainingStopped, KeyboardInterrupt):  # by SIGTERM, by Ctrl+C
        with pytest.raises(signalled, match="wide_x2: stopped, .* the same command goes on"):
            run.run(MINIATURE, faces, tmp_path, say=lambda _: None)
    report = run.run(MINIATURE, faces, tmp_path, say=lambda _: None)
    assert trained == [("thin_x2", False), ("wide_x2", False), ("wide_x2", True), ("wide_x2", True)]
    assert report["parts"][0]["orders"] == made[1]["parts"][0]["orders"]


def test_a_run_of_another_budget_is_refused_before_anything_is_trained(made, miniature, faces, monkeypatch):
    monkeypatch.setattr(run, "train", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(
        TableError, match="thin_x2/recipe.json: its run sees 80 images, every row of this table 160: give --budget 80"
    ):
        run.run(MINIATURE, faces, made[0], budget=160)


def test_a_run_of_other_data_or_another_recipe_is_refused(made, miniature, faces, tmp_path, monkeypatch):
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        for file in list((faces / part).iterdir())[:5]:
            (tmp_path / part / file.name).write_bytes(file.read_bytes())
    with pytest.raises(TableError, match="thin_x2/data.json: its run is of other data"):
        run.run(MINIATURE, tmp_path, made[0])
    monkeypatch.setitem(recipes.RECIPES, "thin_x2", dataclasses.replace(SMALL, seed=1))
    with pytest.raises(TableError, match="thin_x2/recipe.json: its run is of another recipe"):
        run.run(MINIATURE, faces, made[0])


def test_a_network_that_judges_must_be_there_before_hours_of_training(miniature, faces, tmp_path):
    (part,) = MINIATURE.parts
    judged = dataclasses.replace(part, trial=dataclasses.replace(part.trial, judge="no_such_judge"))
    with pytest.raises(TableError, match="^no_such_judge is not released, and the table is measured with it: train"):
        run.run(dataclasses.replace(MINIATURE, parts=(judged,)), faces, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_released_preset_stands_in_only_where_its_card_says_the_budget(made, miniature, faces, tmp_path, monkeypatch):
    runs, report, _ = made
    weights, released = runs / "thin_x2" / "model.weights.h5", SMALL.model()
    released.load_weights(weights)
    monkeypatch.setattr(presets, "list_models", lambda: ["thin_x2"])
    monkeypatch.setattr(presets, "find", lambda name: presets.Preset(tmp_path, name, *[None] * 12))
    monkeypatch.setattr(presets, "released_weights", lambda preset: weights)
    monkeypatch.setattr(presets, "load", lambda name: released)
    monkeypatch.setattr(run, "train", lambda *_, **__: pytest.fail("trained"))
    (tmp_path / "README.md").write_text("12 images held out. 1,080 images seen in all.")
    assert run.released_images("thin_x2") == 1080
    thin = dataclasses.replace(MINIATURE.parts[0], rows=MINIATURE.parts[0].rows[:2])
    (tmp_path / "README.md").write_text("12 images held out. 80 images seen in all.")
    said = []
    found = run.run(dataclasses.replace(MINIATURE, parts=(thin,)), faces, tmp_path / "runs", say=said.append)
    assert said == ["thin_x2: as released"] and found["parts"][0]["rows"] == report["parts"][0]["rows"][:2]


def test_a_table_without_a_budget_takes_its_networks_as_they_are_released(made, miniature, faces, tmp_path, monkeypatch):
    runs, report, _ = made
    released = SMALL.model()
    released.load_weights(runs / "thin_x2" / "model.weights.h5")
    monkeypatch.setattr(presets, "find", lambda name: presets.Preset(tmp_path, name, *[None] * 12))
    monkeypatch.setattr(presets, "released_weights", lambda preset: runs / "thin_x2" / "model.weights.h5")
    monkeypatch.setattr(presets, "load", lambda name: released)
    thin = dataclasses.replace(MINIATURE.parts[0], rows=MINIATURE.parts[0].rows[:2])
    found = run.run(dataclasses.replace(MINIATURE, budget=None, parts=(thin,)), faces, tmp_path / "runs")
    assert [row["ours"] for row in found["parts"][0]["rows"]] == [row["ours"] for row in report["parts"][0]["rows"][:2]]
    assert "miniature1 DATA_DIR --out RUNS_DIR` (" in markdown(found)


@pytest.mark.parametrize(
    "wrong, hint",
    [
        ("sam", "did you mean sam_small_x8?"),
        ("SRCNN_x8_utkfaces", "did you mean srcnn_x8_"),
        ("?", "most have the names of presets: facesr models"),
    ],
)
def test_a_wrong_name_of_a_recipe_is_answered_by_those_alike(wrong, hint):
    with pytest.raises(TrainingError, match=re.escape(hint)):
        recipes.find(wrong)


def test_a_preset_that_went_on_from_another_has_no_budget_of_its_own():
    gan, before = recipes.find("varsr_gan_x8_celeba"), recipes.find("varsr_x8_celeba")
    whole = recipes.from_scratch(gan)
    assert whole.start is None and whole.images == before.images + gan.images
    srgan = recipes.from_scratch(recipes.find("srgan_x8_celeba64"))
    assert not srgan.parts and len(srgan.stages) == 2
    cagface = recipes.find("cagface_small_x4")
    assert recipes.from_scratch(cagface) == cagface  # what finds components is not what is compared


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_stage_names_a_loss_only_for_a_network_without_losses_of_its_own(name):
    recipe = recipes.from_scratch(recipes.find(name))
    has_its_own = issubclass(classes.model_class(recipe.model_class), OwnLoss)
    assert [stage.loss is None for stage in recipe.stages] == [has_its_own] * len(recipe.stages)


@pytest.mark.parametrize("images", [16_000, 32_000, 97_600])
def test_any_budget_is_met_to_the_image_by_whole_checks(images):
    for recipe in map(recipes.from_scratch, recipes.RECIPES.values()):
        scaled = recipe.for_images(images)
        assert scaled.images == images and len(scaled.stages) == len(recipe.stages)
        for stage, own in zip(scaled.stages, recipe.stages):
            assert stage.steps % stage.check_every == 0 and stage.check_every <= own.check_every
            rounding = len(recipe.stages) * recipe_module.IMAGE_UNIT
            assert abs(stage.images - own.images * images / recipe.images) <= rounding


def test_a_recipes_own_budget_leaves_it_as_it_is_and_one_that_cannot_be_shared_is_refused():
    recipe = recipes.find("sam_small_x8_utkface")
    assert recipe.images == 84_000 and recipe.for_images(84_000) is recipe
    with pytest.raises(TrainingError, match="1,000 images cannot be shared .* a multiple of 1,600, at least 4,800"):
        recipe.for_images(1000)


@pytest.mark.parametrize("table", tables.TABLES.values(), ids=tables.TABLES)
def test_every_row_has_a_recipe_that_can_be_measured_or_a_sentence_that_says_why_not(table):
    if table.budget:
        whole = [recipes.from_scratch(recipes.find(name)) for name in table.recipes]
        assert table.budget in {recipe.images for recipe in whole}  # a released network may stand in
        assert all(recipe.for_images(table.budget).images == table.budget for recipe in whole)
    else:
        assert all(presets.find(name).name == name for name in table.recipes)
    for part in table.parts:
        assert all(len(row.paper) == len(part.figures) for row in part.rows)
        assert any(row.recipe is None for row in part.rows) == bool(part.unfilled)
        assert (part.trial is None) == all(row.recipe in (None, "bicubic") for row in part.rows)
        for row in part.rows:
            if row.recipe not in (None, "bicubic"):
                assert recipes.find(row.recipe).config.get("scale", 4) == part.trial.scale
        assert part.trial is None or set(part.trial.presets) <= set(recipes.RECIPES)


def figures_of(table, part=0, column=0):
    return {row.method: row.paper[column] for row in tables.find(table).parts[part].rows}


def test_the_papers_gains_are_those_that_the_papers_state():
    large, whole = figures_of("cagface2"), figures_of("cagface3")
    assert large["CAGFace"] - large["bicubic"] == pytest.approx(2.23)
    assert whole["CAGFace"] - whole["bicubic"] == pytest.approx(1.85)
    assert min(figures_of("cagface3", column=3), key=figures_of("cagface3", column=3).get) == "CAGFace"
    styles = figures_of("ssrvae5")
    assert styles["both"] / styles["bicubic"] == pytest.approx(0.60, abs=0.005)
    pairs = figures_of("ssrvae3")
    assert pairs["EDSR, bicubic pairs"] - pairs["EDSR, styleVAE's"] == pytest.approx(22.3)
    real = figures_of("ssrvae2")
    assert real["SRCNN"] == pairs["SRCNN, bicubic pairs"] and real["EDSR"] == pairs["EDSR, bicubic pairs"]
    assert figures_of("ssrvae1")["SSRVAE"] - figures_of("ssrvae1")["bicubic"] == pytest.approx(2.97)


def test_sams_second_table_begins_with_the_first_ones_figures_and_rises_with_the_samples():
    for one, two in zip(tables.find("sam1").parts, tables.find("sam2").parts, strict=True):
        assert one.title == two.title
        ours = [row.paper for row in one.rows if row.method == "SAM"][0]
        assert two.rows[0].paper == pytest.approx(ours, abs=0.0062)  # two digits, of which the paper's last may be off
        printed = [row for row in two.rows if None not in row.paper]
        for fewer, more in itertools.pairwise(printed):
            assert all(a <= b for a, b in zip(fewer.paper, more.paper)) and fewer.paper != more.paper
        assert [row.samples for row in printed] == [0, 10, 100, 1000] and all(row.independent for row in printed[1:])
        best = max(one.rows, key=lambda row: row.paper[0])
        assert best.method == "SAM"


def test_varsrs_tables_agree_where_they_overlap():
    for data in ("MNIST", "plates"):
        shares, bests = varsr.TABLE_5[data]
        assert sum(shares) == pytest.approx(100, abs=0.6)
        right = sum(share * (best or 0) / 100 for share, best in zip(shares, bests))
        assert right == pytest.approx(varsr.TABLE_4[data][0][-1], abs=0.6)
        assert all(best >= mean for best, mean in zip(*varsr.TABLE_4[data]))
    psnr = figures_of("varsr1")
    assert max(psnr, key=psnr.get) == "VarSR, lambda 0.02" and psnr["SRResNet"] == 22.57
    likeness = figures_of("varsr1", column=3)
    assert min(likeness, key=likeness.get) == "VarSR-GAN, lambda 0.02"


def test_varsrs_ssim_is_that_of_the_answer_with_the_best_psnr_and_the_highest_stands_beside_it():
    many = {"psnr": 20.0, "psnr_best": 22.0, "ssim": 0.6, "ssim_best": 0.9, "ssim_of_best_psnr": 0.8}
    assert [run._ours(many, figure) for figure in (varsr.PSNR, varsr.SSIM, varsr.HIGHEST)] == [22.0, 0.8, 0.9]
    assert [run._ours({"psnr": 20.0, "ssim": 0.6}, figure) for figure in (varsr.SSIM, varsr.HIGHEST)] == [0.6, 0.6]
    for name in ("varsr1", "varsr3"):
        assert varsr.SSIM in tables.find(name).parts[0].figures and varsr.HIGHEST in tables.find(name).parts[0].figures


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "tables").glob("*[0-9].md")), ids=lambda page: page.stem)
def test_a_page_says_what_its_table_has_to_say_of_the_recipes(page):
    assert f"images in training. {tables.find(page.stem).remarks}".strip() in page.read_text()


def test_orders_put_the_best_first_and_equal_ones_together():
    figure = Figure("FID", ("frechet",), ".1f", higher_is_better=False)
    rows = [
        {"method": name, "paper": {"FID": paper}, "ours": {"FID": ours}}
        for name, paper, ours in (("a", 3.0, 1.01), ("b", 2.0, 1.04), ("c", 1.0, 0.5), ("d", 0.5, None))
    ]
    order = run._order(figure, rows)
    assert order["paper"] == [["c"], ["b"], ["a"]] and order["ours"] == [["c"], ["a", "b"]]
    # Ranks 3, 2, 1 and 2.5, 2.5, 1: Pearson's r of the ranks; two of the three pairs agree, one is tied.
    assert order["spearman"] == pytest.approx(1.5 / np.sqrt(2 * 1.5)) and order["kendall"] == pytest.approx(2 / np.sqrt(2 * 3))


@pytest.mark.parametrize("options", [(), ("--overwrite",)])
def test_a_folder_where_the_table_is_to_be_written_is_named_before_the_work(facesr, tmp_path, options):
    result = facesr("table", "sam2", tmp_path, "--out", tmp_path / "runs", "--write", tmp_path, *options)
    assert (result.code, result.err) == (2, f"facesr: {tmp_path}: is a folder; --write takes a file\n")


def test_the_command_writes_the_table_and_prints_it(facesr, tmp_path, monkeypatch, made, miniature, faces):
    monkeypatch.setitem(tables.TABLES, "miniature1", MINIATURE)
    monkeypatch.setattr(run, "run", lambda *_, **__: made[1])
    call = ("table", "miniature1", faces, "--out", tmp_path / "runs")
    target = tmp_path / "runs" / f"{MINIATURE.name}.md"
    result = facesr(*call, "--json", tmp_path / "report.json")
    assert result.code == 0 and target.read_text() == markdown(made[1]) and target.read_text() in result.out
    assert json.loads((tmp_path / "report.json").read_text()) == made[1]
    again = facesr(*call)
    assert again.code == 1 and f"{target}: exists already; --overwrite replaces it" in again.err


def test_the_command_refuses_what_cannot_be_in_one_line(facesr, tmp_path):
    unknown = facesr("table", "sam3", tmp_path, "--out", tmp_path / "runs")
    assert unknown.code == 2 and unknown.err.startswith("facesr: no table is called 'sam3'; there are sam1, sam2, varsr1")
    absent = facesr("table", "sam1", tmp_path / "nowhere", "--out", tmp_path / "runs")
    assert absent.code == 1 and absent.err.count("\n") == 1 and "nowhere: no such folder" in absent.err
