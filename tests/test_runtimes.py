"""Released and exported files in place of Keras: which one is taken, what is checked before, and that TensorFlow stays out."""

import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from processes import cost, resident
from skimage.data import astronaut

import keras_facesr as fsr
from keras_facesr import presets, released
from keras_facesr.errors import ExportError, ImageError, PresetError
from keras_facesr.inference import runtimes, upscale

ROOT = Path(__file__).parents[1]
RELEASED = [name for name in fsr.list_models() if "litert" in presets.find(name).exports]
NETWORKS = {(presets.find(name).class_name, presets.find(name).parameters): name for name in RELEASED}.values()  # no two alike
QUICK = {presets.find(name).class_name: name for name in NETWORKS if not name.startswith("ssrvae")}.values()  # one of a class


@pytest.fixture
def face(tmp_path):
    Image.fromarray(np.ascontiguousarray(astronaut()[76:172:6, 176:272:6])).save(tmp_path / "face.png")
    return tmp_path / "face.png"


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """A catalogue that holds a copy of a released preset with a file for LiteRT; its folder."""
    folder = tmp_path / "saved_models" / "sam_small_x4"
    shutil.copytree(presets.find(folder.name).folder, folder)
    monkeypatch.setattr(presets, "CATALOGUE", folder.parent)
    return folder


@pytest.fixture
def no_litert(monkeypatch):
    for module in ("ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS])
def test_a_released_file_does_what_the_network_does_for_any_size_and_for_batches(name):
    preset = presets.find(name)
    model, network = runtimes.load(preset, "litert"), fsr.load(name)
    assert released.path_of(preset, preset.exports["litert"]).stat().st_size < 6e6
    for height, width in ((16, 16), (9, 30), (38, 36)):  # the last one in tiles
        levels = np.stack([astronaut()[60 : 60 + height, 190 : 190 + width], astronaut()[:height, :width]])
        difference = upscale(model, levels, tile=32).astype(int) - network.upscale(levels, tile=32)
        assert np.abs(difference).max() <= 2 and np.abs(difference).mean() < 0.1


def test_what_enlarges_goes_by_litert_by_itself_but_for_networks_whose_file_is_too_large():
    others = [name for name in fsr.list_models() if presets.find(name).scale and name not in RELEASED]
    assert others == ["sam_small_x16", "varsr_gan_small_x8", "varsr_small_x8"]
    assert {runtimes.fastest(presets.find(name)) for name in others} == {"keras"}
    assert {runtimes.fastest(presets.find(name)) for name in RELEASED} == {"litert"}


@pytest.mark.timed
def test_a_large_picture_takes_cagface_less_time_and_memory_than_in_keras_for_the_same_answer(tmp_path):
    """From the shell, by three runs of each in turn."""
    picture, costs = tmp_path / "large.png", {"litert": [], "keras": []}
    Image.fromarray(astronaut()).resize((1024, 1024), Image.Resampling.BICUBIC).save(picture)
    for _ in range(3):
        for runtime in costs:
            how = ["--model", "cagface", "--runtime", runtime, "--overwrite", "-o", tmp_path / f"{runtime}.png"]
            costs[runtime].append(cost(sys.executable, "-m", "keras_facesr", "upscale", picture, *how))
    (seconds, peak), (of_keras, peak_of_keras) = (np.min(runs, axis=0) for runs in costs.values())
    answers = [np.asarray(Image.open(tmp_path / f"{runtime}.png")).astype(int) for runtime in costs]
    assert answers[0].shape == (4096, 4096, 3) and np.abs(np.subtract(*answers)).max() <= 1
    assert 1.3 * seconds < of_keras and peak < min(1.5e9, peak_of_keras)


def test_upscale_evaluate_and_the_demonstration_go_without_tensorflow(face, tmp_path):
    for number in range(2):
        Image.fromarray(astronaut()[60 + number : 188 + number, 160:288]).save(tmp_path / f"{number}.png")
    for command in (
        ["upscale", str(face), "-o", str(tmp_path / "out"), "--json", "-"],
        ["upscale", str(face), "-o", str(tmp_path / "out"), "--model", "cagface", "--tile", "12", "--json", "-"],
        ["upscale", "--demo", "-o", str(tmp_path / "out"), "--json", "-"],
        ["evaluate", str(tmp_path), "--model", "sam", "--runtime", "auto", "--degradation", "aliased", "--json", "-"],
    ):
        told = "print(*sys.modules, file=sys.stderr)"
        code = f"import sys; from keras_facesr import cli; assert cli.main({command}) == 0; {told}"
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "litert" in json.dumps(json.loads(run.stdout))
        assert not {"tensorflow", "keras", "torch"} & set(run.stderr.split())


def test_a_measurement_in_litert_is_that_of_keras(facesr, tmp_path):
    for number in range(2):
        Image.fromarray(astronaut()[60 + number : 188 + number, 160:288]).save(tmp_path / f"{number}.png")
    rows = {}
    for runtime in ("keras", "litert"):
        report = json.loads(facesr("evaluate", tmp_path, "--model", "sam", "--runtime", runtime, "--json", "-").out)
        assert report["runtimes"] == {"sam": runtime}
        rows[runtime] = report["models"]["sam"]
    assert rows["litert"]["psnr"] == pytest.approx(rows["keras"]["psnr"], abs=0.01)
    assert rows["litert"]["ssim"] == pytest.approx(rows["keras"]["ssim"], abs=1e-4)


@pytest.mark.skipif(not resident(), reason="needs Linux's count of the memory in use")
def test_litert_gives_back_the_memory_of_a_large_picture_and_answers_as_before():
    model, picture = runtimes.load("edsr_small_x4", "litert"), astronaut()[:128, :128]
    answer, full = upscale(model, picture), resident()
    runtimes.release(model)
    assert resident() < full - 50 * 2**20
    np.testing.assert_array_equal(upscale(model, picture), answer)


def test_keras_takes_over_silently_where_litert_is_not_installed(no_litert, facesr, face, tmp_path):
    result = facesr("upscale", face, "-o", tmp_path / "out", "--json", "-")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["runtime"] == "keras"


def test_asking_for_what_is_not_installed_says_how_to_install_it(no_litert, facesr, face, tmp_path):
    result = facesr("upscale", face, "-o", tmp_path / "out", "--runtime", "litert")
    assert result.code == 2
    assert result.err == "facesr: ai_edge_litert is not installed: pip install ai-edge-litert\n"


@pytest.mark.parametrize("runtime", ["litert", "onnx"])
def test_asking_for_what_there_is_no_file_for_says_how_to_make_it(runtime, facesr, catalogue, cache, face, tmp_path):
    result = facesr("upscale", face, "-o", tmp_path / "out", "--model", "near", "--runtime", runtime)
    assert result.code == 2 and result.err.count("\n") == 1
    assert f"facesr export nearest_x4 {cache / 'weights' / 'nearest_x4' / 'model.'}" in result.err


def test_an_unknown_runtime_is_refused_by_name():
    with pytest.raises(ExportError, match="^no runtime is called 'tensorrt': choose litert or onnx$"):
        runtimes.load("sam", "tensorrt")


def test_samples_are_keras_own(facesr, face, tmp_path):
    result = facesr("upscale", face, "-o", tmp_path / "out", "--runtime", "litert", "--samples", 2)
    assert result.code == 2 and "samples are drawn by Keras" in result.err
    result = facesr("upscale", face, "-o", tmp_path / "out", "--samples", 2, "--json", "-")
    assert json.loads(result.out)["runtime"] == "keras"


def test_an_altered_file_is_refused_before_it_is_run(copied):
    preset = presets.find(copied.name)
    path = copied / preset.exports["litert"].file
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(PresetError, match="SHA-256 differs"):
        runtimes.load(preset, "litert")


def test_a_file_that_did_not_come_along_leaves_the_work_to_keras(copied, cache):
    preset = presets.find(copied.name)
    (copied / preset.exports["litert"].file).unlink()
    assert runtimes.fastest(preset) == "keras"
    with pytest.raises(PresetError, match=f"by hand at {cache}"):
        runtimes.load(preset, "litert")


def test_a_file_that_was_exported_into_the_cache_is_taken_and_anothers_is_not(catalogue, cache):
    preset = presets.find("near")
    path = cache / "weights" / "nearest_x4" / "model.onnx"
    fsr.export(fsr.load("near"), path)
    assert runtimes.fastest(preset) == "keras"  # which enlarges in tiles what the file would have to see whole
    levels = astronaut()[None, :5, :7]
    np.testing.assert_array_equal(upscale(runtimes.load(preset, "onnx"), levels), levels.repeat(4, 1).repeat(4, 2))
    fsr.export(fsr.load("noisy_x4"), path, overwrite=True)
    with pytest.raises(ExportError, match="model.onnx: not nearest_x4 as released"):
        runtimes.load(preset, "onnx")


@pytest.mark.parametrize(("name", "cut"), [("sam", (0, 0)), ("sam", (1, 3)), ("cagface", (0, 0))])
def test_the_example_for_phones_does_the_same_with_litert_alone(face, tmp_path, name, cut):
    """Of a size that the network takes, and of one that it does not; by a file of one signature, and of three."""
    with Image.open(face) as whole:
        whole.crop((*cut, *whole.size)).save(face)
    preset = presets.find(name)
    file = released.path_of(preset, preset.exports["litert"])
    command = [sys.executable, ROOT / "examples" / "mobile" / "enlarge.py", file, face, tmp_path / "large.png", "--repeat", "2"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "(median of 2)" in run.stdout
    expected = upscale(runtimes.load(preset, "litert"), face)
    assert np.abs(np.asarray(Image.open(tmp_path / "large.png")).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("kind", ["turned", "16 bits"])
def test_the_example_for_phones_reads_a_picture_as_it_is_to_be_seen(kind, face, tmp_path):
    with Image.open(face) as whole:
        exif = whole.getexif()
        exif[ExifTags.Base.Orientation] = 6
        if kind == "turned":
            whole.save(face, exif=exif)
        else:
            Image.fromarray(np.asarray(whole.convert("L"), np.uint16) * 257).save(face)
    preset = presets.find("sam")
    file = released.path_of(preset, preset.exports["litert"])
    command = [sys.executable, ROOT / "examples" / "mobile" / "enlarge.py", file, face, tmp_path / "large.png"]
    subprocess.run(command, check=True)
    expected = upscale(runtimes.load(preset, "litert"), face)
    found = np.asarray(Image.open(tmp_path / "large.png")).astype(int)
    assert found.shape == expected.shape and np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (5, 3)])
def test_a_file_pads_pictures_of_sizes_that_its_network_does_not_take(size):
    """The encoder of VarSR for licence plates' digits sees 4 rows and 2 columns at once, its generator halves them."""
    levels = astronaut()[100 : 100 + size[0], 200 : 200 + size[1]]
    expected = upscale(fsr.load("varsr_x4_plates"), levels).astype(int)
    model = runtimes.load(presets.find("varsr_x4_plates"), "litert")
    assert (model.least_size, model.size_multiple) == ([4, 2], 2)
    assert np.abs(upscale(model, levels) - expected).max() <= 1


def test_a_file_that_prepares_what_it_sees_is_given_no_parts_of_pictures():
    about = {"scale": 4, "size_multiple": 1, "largest_side": None, "prepares": True}
    model = runtimes.Exported("some.tflite", about)
    with pytest.raises(ImageError, match="20x9 pixels are too many at once for some.tflite, take --runtime auto"):
        upscale(model, np.zeros((9, 20, 3), np.uint8), tile=8)


def test_a_file_of_one_size_refuses_others():
    about = {"scale": 4, "size_multiple": 1, "largest_side": None, "size": [9, 20]}
    model = runtimes.Exported("some.tflite", about)
    for shape in ((1, 20, 9, 3), (2, 9, 20, 3)):
        with pytest.raises(ImageError, match="some.tflite takes one picture at a time, 20 pixels wide and 9 high"):
            upscale(model, np.zeros(shape, np.uint8))


SHARED = [np.random.default_rng(k).integers(0, 256, (8 + k, 20 - k, 3), dtype=np.uint8) for k in range(8)]


@pytest.mark.parametrize("runtime", ["litert", "onnx", "keras"])
def test_threads_may_share_a_model_and_load_several_at_once(runtime, catalogue, cache, tmp_path):
    preset = presets.find("near")
    if runtime != "keras":
        pytest.importorskip(runtimes.RUNTIMES[runtime].MODULE)
        fsr.export(fsr.load("near"), cache / "weights" / preset.name / runtimes.RUNTIMES[runtime].FILE)

    def load(_=None):
        return fsr.load("near") if runtime == "keras" else runtimes.load(preset, runtime)

    def differences(model, first):
        together.wait(60)
        order = np.roll(np.arange(len(SHARED)), first)
        return [np.abs(upscale(model, SHARED[k]).astype(int) - SHARED[k].repeat(4, 0).repeat(4, 1)).max() for k in order]

    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            model, together = load(), threading.Barrier(4)
            found = list(pool.map(differences, [model] * 4, range(4)))
            assert np.max(found) <= 1
        together = threading.Barrier(4)
        assert np.max(list(pool.map(differences, pool.map(load, range(4)), range(4)))) <= 1
