"""Exported files: each in its own runtime beside the Keras model, with what it says of itself, and what is refused."""

import io
import json
import zipfile

import keras
import numpy as np
import pytest
import stand_ins
import tensorflow as tf
from PIL import Image

import keras_facesr as fsr
from keras_facesr import classes, presets
from keras_facesr.errors import ExportError, ExportFailed
from keras_facesr.exporting import graphs, proof, write
from keras_facesr.inference import runtimes, upscale

SMALL = {
    "Autoencoder": {"scale": 4, "channels": 4},
    "CAGFace": {
        "features": 8,
        "blocks": 1,
        "component_size": 64,
        "components": {"channels": 8, "context_channels": (4, 4, 8, 8), "context_blocks": (1, 1, 1)},
    },
    "EDSR": {"scale": 4, "channels": 8, "blocks": 1},
    "ESRGAN": {"scale": 4, "hr_size": (16, 16), "channels": 4, "blocks": 1, "growth": 2},
    "EnhanceNet": {"scale": 4, "hr_size": (16, 16), "channels": 4, "blocks": 1},
    "FSRCNN": {"scale": 4, "features": 8, "shrunk": 4, "mappings": 1},
    "MRGAN": {"scale": 4, "lr_size": (4, 4), "latent_dim": 4, "channels": 4, "blocks": 1},
    "MSRResNet": {"scale": 4, "channels": 4, "blocks": 1},
    "PRSR": {"scale": 2, "channels": 4, "depth": 1, "head": 8, "conditioner_channels": 4, "blocks": 1},
    "RDN": {"scale": 4, "channels": 4, "blocks": 2, "convolutions": 2, "growth": 2},
    "RRDBNet": {"scale": 2, "channels": 4, "blocks": 1, "growth": 2, "unshuffle": 2},
    "SAM": {"scale": 8, "backbone": "lr", "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1, "latent_channels": 4},
    "SRCNN": {"scale": 4, "features": (8, 4)},
    "SRFBN": {"scale": 4, "channels": 4, "groups": 2, "steps": 2},
    "SRVGGNetCompact": {"scale": 4, "channels": 4, "convolutions": 1},
    "SRGAN": {"scale": 4, "hr_size": (16, 16), "channels": 8, "blocks": 1},
    "SRResNet": {"scale": 4, "channels": 8, "blocks": 1},
    "SSRVAE": {"scale": 4, "channels": 8, "global_blocks": 1, "local_blocks": 1, "window": 3},
    "URDGN": {"scale": 4, "hr_size": (16, 16), "channels": (4, 4, 4, 4)},
    "VDSR": {"scale": 4, "channels": 4, "depth": 3},
    "VarSR": {"scale": 4, "lr_size": (8, 8), "latent_dim": 4, "channels": 4, "blocks": 1},
    "WaveletSRNet": {"scale": 4, "channels": 4, "stages": 2, "blocks": 1, "packet_channels": 2},
}
SMALL["CAGFaceGAN"] = {"hr_size": (16, 16), "generator": SMALL["CAGFace"]}
SMALL["SAMGAN"] = {"hr_size": (64, 64), "generator": SMALL["SAM"]}
RNG = np.random.default_rng(0)


def small(name):
    keras.utils.set_random_seed(0)
    return classes.build_model(name, SMALL[name])


@pytest.fixture(scope="module")
def sam():
    return small("SAM")


def test_a_tflite_file_enlarges_pictures_of_any_size_and_says_what_it_is(sam, tmp_path):
    report = fsr.export(sam, tmp_path / "sam.tflite")
    assert report["difference"] < 1e-4 and report["images"] == 2
    assert report["bytes"] == (tmp_path / "sam.tflite").stat().st_size
    model = runtimes.LiteRT(tmp_path / "sam.tflite")
    for shape in ((1, 16, 16, 3), (3, 17, 30, 3)):
        levels = RNG.integers(0, 256, shape, np.uint8)
        assert np.abs(upscale(model, levels).astype(int) - sam.upscale(levels)).max() <= 1
    assert model.about["model"] == "SAM" and model.about["scale"] == 8 and len(model.about["weights_sha256"]) == 64
    assert list(tmp_path.iterdir()) == [tmp_path / "sam.tflite"]


@pytest.mark.slow
def test_a_tflite_file_of_a_network_that_sees_pictures_whole_does_so_before_it_cuts_them(tmp_path):
    keras.utils.set_random_seed(0)
    model = classes.build_model("CAGFace", {**SMALL["CAGFace"], "stages": 1, "block": "attentive", "tail": "shuffle"})
    kernel = model.stem_1.kernel  # the same, but for the three maps, which a new network hardly minds
    kernel.assign(kernel * np.array([1, 1, 1, 9, 9, 9], "float32")[:, None])
    assert fsr.export(model, tmp_path / "cagface.tflite", quantize="float16")["images"] == 6
    file = runtimes.LiteRT(tmp_path / "cagface.tflite")
    levels = RNG.integers(0, 256, (2, 21, 34, 3), np.uint8)
    for tile in (16, None):
        assert np.abs(upscale(file, levels, tile=tile).astype(int) - model.upscale(levels, tile=tile)).max() <= 2  # float16
    corner = upscale(file, levels[:, :16, :16])  # which sees other maps than the first tile
    assert np.abs(upscale(file, levels, tile=16)[:, :32, :32].astype(int) - corner[:, :32, :32]).max() > 2


def test_an_onnx_file_does_the_same(sam, tmp_path):
    assert fsr.export(sam, tmp_path / "sam.onnx")["difference"] < 1e-4
    model = runtimes.OnnxRuntime(tmp_path / "sam.onnx")
    levels = RNG.integers(0, 256, (2, 17, 30, 3), np.uint8)
    assert np.abs(upscale(model, levels).astype(int) - sam.upscale(levels)).max() <= 1
    assert model.about["format"] == "onnx"


def test_a_sampler_takes_its_noise_as_an_input(sam, tmp_path):
    fsr.export(sam, tmp_path / "sampler.onnx", sampler=True)
    lr = RNG.random((2, 16, 16, 3), "float32")
    latent = sam.encode(lr)
    noise = RNG.standard_normal(latent.mean.shape, np.float32)
    expected = sam.decode(lr, latent.mean + latent.stddev * noise)
    found = runtimes.OnnxRuntime(tmp_path / "sampler.onnx").run(lr, noise)
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(expected), atol=1e-5)


def test_a_savedmodel_serves_pixels_files_and_samples(sam, tmp_path):
    report = fsr.export(sam, tmp_path / "served")
    assert report["difference"] <= proof.ONE_LEVEL and report["images"] == 6
    served = tf.saved_model.load(str(tmp_path / "served"))
    assert set(served.signatures) == {"serving_default", "encoded", "sample"}
    levels = RNG.integers(0, 256, (2, 17, 30, 3), np.uint8)
    found = served.signatures["serving_default"](lr=tf.constant(levels))["sr"].numpy()
    assert found.dtype == np.uint8 and np.abs(found.astype(int) - sam.upscale(levels)).max() <= 1
    files = tf.stack([tf.io.encode_png(levels[0]), tf.io.encode_png(levels[0, :9])])
    answers = served.signatures["encoded"](files=files)["sr_bytes"]
    assert [tuple(tf.io.decode_png(answer).shape) for answer in answers] == [(17 * 8, 30 * 8, 3), (9 * 8, 30 * 8, 3)]
    huge = tf.io.encode_png(np.zeros((300, 300, 3), np.uint8))
    answers = served.signatures["encoded"](files=[b"", files[1], tf.io.encode_jpeg(levels[0]).numpy()[:-99], huge])
    assert [error.decode()[:9] for error in answers["errors"].numpy()] == ["not a who", "", "not a who", "more than"]
    assert [len(answer) > 0 for answer in answers["sr_bytes"].numpy()] == [False, True, False, False]
    about = json.loads((tmp_path / "served" / "assets.extra" / runtimes.METADATA).read_text())
    assert about["input"] == "uint8 RGB"


def test_a_server_enlarges_no_more_pixels_than_the_network_can_hold_at_once():
    model = stand_ins.Nearest()
    model.largest_side = 20
    files = tf.stack(
        [tf.io.encode_png(np.zeros((height, width, 3), np.uint8)) for height, width in ((20, 20), (16, 25), (20, 21))]
    )
    answers = graphs.enlarge_files(model, files)
    assert answers["errors"].numpy().tolist() == [b"", b"", b"more than 400 pixels"]
    assert tf.io.decode_png(answers["sr_bytes"][1]).shape == (64, 100, 3)


@pytest.mark.parametrize("colours", [None, 16, 256])
def test_a_server_reads_the_palette_of_a_bmp_file(colours):
    levels = Image.fromarray(RNG.integers(0, 256, (7, 9, 3), np.uint8))
    face = levels.quantize(colours) if colours else levels.convert("L")
    face.save(file := io.BytesIO(), "BMP")
    answers = graphs.enlarge_files(stand_ins.Nearest(), tf.constant([file.getvalue()]))
    assert answers["errors"].numpy().tolist() == [b""]
    np.testing.assert_array_equal(tf.io.decode_png(answers["sr_bytes"][0])[::4, ::4], face.convert("RGB"))


def test_a_file_says_that_its_weights_are_released_only_where_they_are(catalogue):
    model = fsr.load("near")
    released = presets.find("near").weights.sha256
    assert write._metadata(model, "onnx", None, None, False)["preset_sha256"] == released
    model.gain.assign(0.5)
    assert write._metadata(model, "onnx", None, None, False)["preset_sha256"] is None


def test_what_is_there_is_replaced_once_the_new_is_proven_if_that_is_allowed(catalogue, tmp_path, monkeypatch):
    file, folder = tmp_path / "near.tflite", tmp_path / "near"
    for path in (file, folder):
        fsr.export(fsr.load("near"), path)
    former = file.read_bytes()
    for path in (file, folder):
        with pytest.raises(ExportError, match="exists already; overwrite replaces it"):
            fsr.export(fsr.load("near"), path)
    with monkeypatch.context() as patch:
        patch.setattr(runtimes.LiteRT, "run", lambda self, lr: np.zeros((1, 4 * lr.shape[1], 4 * lr.shape[2], 3), np.float32))
        with pytest.raises(ExportFailed, match="not written"):
            fsr.export(fsr.load("near"), file, overwrite=True)
    assert file.read_bytes() == former
    dark = fsr.load("near")
    dark.gain.assign(0.5)
    for path in (file, folder):
        fsr.export(dark, path, overwrite=True)
    lr = np.full((1, 4, 4, 3), 200, np.uint8)
    assert upscale(runtimes.LiteRT(file), lr)[0, 0, 0, 0] == 100
    served = tf.saved_model.load(str(folder)).signatures["serving_default"](lr=tf.constant(lr))["sr"]
    assert served.numpy()[0, 0, 0, 0] == 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["near", "near.tflite"]
    with pytest.raises(ExportError, match="is a folder, and no SavedModel"):
        fsr.export(dark, tmp_path, format="savedmodel", overwrite=True)
    for path, format in ((file, "savedmodel"), (folder, "onnx")):
        with pytest.raises(ExportError, match="a SavedModel is a folder, other formats are files"):
            fsr.export(dark, path, format=format, overwrite=True)


def test_a_link_to_a_savedmodel_is_replaced_and_what_it_led_to_stays(catalogue, tmp_path):
    fsr.export(fsr.load("near"), tmp_path / "v1")
    (tmp_path / "current").symlink_to("v1")
    fsr.export(fsr.load("near"), tmp_path / "current", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "v1"]
    assert not (tmp_path / "current").is_symlink() and (tmp_path / "v1" / "saved_model.pb").exists()


@pytest.mark.parametrize("size", [np.array([8, 8]), (np.int64(8), np.int64(8))])
def test_a_size_may_be_of_numpys_numbers_and_a_network_without_weights(size, tmp_path):
    fsr.export(classes.build_model("Bicubic", {"scale": 2}), tmp_path / "model.tflite", size=size)
    with zipfile.ZipFile(tmp_path / "model.tflite") as archive:
        assert json.loads(archive.read(runtimes.METADATA))["size"] == [8, 8]


def test_a_quantized_file_is_smaller_and_near(sam, tmp_path):
    report = fsr.export(sam, tmp_path / "half.tflite", quantize="float16", size=(16, 16))
    with zipfile.ZipFile(tmp_path / "half.tflite") as archive:
        assert json.loads(archive.read(runtimes.METADATA))["size"] == [16, 16]
    assert report["difference"] < 5e-3
    weights = 4 * sum(np.prod(variable.shape) for variable in sam.variables)
    assert report["bytes"] < weights


@pytest.mark.slow
def test_an_int8_file_takes_and_gives_levels(sam, tmp_path):
    faces = 10 + (proof._faces(sam, (16, 16))[0].repeat(8, axis=0) * (235 / 255)).astype(np.uint8)  # neither black nor white
    report = fsr.export(sam, tmp_path / "int8.tflite", quantize="int8", size=(16, 16), calibration=faces)
    assert report["psnr"] >= 38
    model = runtimes.LiteRT(tmp_path / "int8.tflite")
    function = model.signatures["serving_default"]
    for entry in (*function.get_input_details().values(), *function.get_output_details().values()):
        assert entry["dtype"] == np.int8 and entry["quantization"] == (pytest.approx(1 / 255), -128)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["", ".tflite", ".onnx"])
@pytest.mark.parametrize("name", sorted({*SMALL} - {"PRSR", "SAM"}))
def test_every_network_is_proven_in_every_format(name, suffix, tmp_path):
    assert fsr.export(small(name), tmp_path / f"model{suffix}")["difference"] <= proof.ONE_LEVEL


@pytest.mark.slow
def test_a_network_of_upright_pictures_is_proven_as_a_savedmodel(tmp_path):
    model = classes.build_model("VarSR", {**SMALL["VarSR"], "lr_size": (4, 2), "blocks": 0})
    assert fsr.export(model, tmp_path / "model")["difference"] <= proof.ONE_LEVEL
    one_pixel = np.full((1, 1, 1, 3), 200, np.uint8)  # of fewer rows than its encoder takes
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"](lr=tf.constant(one_pixel))["sr"]
    assert np.abs(served.numpy().astype(int) - model.upscale(one_pixel)).max() <= 1


def test_a_size_below_what_the_network_takes_is_refused(tmp_path):
    model = classes.build_model("VarSR", {**SMALL["VarSR"], "lr_size": (4, 2), "blocks": 0})
    with pytest.raises(ExportError, match="2 pixels wide and 2 high: .* multiples of 2, at least 2 pixels wide and 4 high"):
        fsr.export(model, tmp_path / "model.tflite", size=(2, 2))


@pytest.mark.slow
def test_an_autoregressive_network_is_proven_as_a_savedmodel(tmp_path):
    assert fsr.export(small("PRSR"), tmp_path / "model")["difference"] <= proof.ONE_LEVEL


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_the_loop_of_an_autoregressive_network_is_refused_before_it_is_written(suffix, tmp_path):
    with pytest.raises(ExportError, match="holds the loop in which PRSR answers; export a SavedModel"):
        fsr.export(small("PRSR"), tmp_path / f"model{suffix}")


def test_a_file_that_computes_something_else_is_not_written(sam, tmp_path, monkeypatch):
    monkeypatch.setattr(runtimes.LiteRT, "run", lambda self, lr: np.zeros((1, 8 * lr.shape[1], 8 * lr.shape[2], 3), np.float32))
    with pytest.raises(ExportFailed, match=r"sam.tflite: not written, .*\(a difference of"):
        fsr.export(sam, tmp_path / "sam.tflite")
    assert not list(tmp_path.iterdir())


INT8 = {"quantize": "int8", "size": (8, 8)}


@pytest.mark.parametrize(
    "path, how, reason",
    [
        ("model.pb", {}, "no format is known by '.pb'"),
        ("model.pth", {}, "networks for PyTorch are written as .safetensors files, not '.pth'"),
        ("model.tflite", {"format": "TFLite"}, "no format is known by 'TFLite'"),
        ("model.tflite", {"size": 16}, r"^size must be \(height, width\), two whole numbers, not 16$"),
        ("model.onnx", {"size": (16, 16, 3)}, "^size must be"),
        ("there.tflite", {}, "exists already"),
        ("model.onnx", {"quantize": "float16"}, "onnx files are not quantized"),
        ("model.tflite", {"quantize": "int8"}, "int8 takes calibration images"),
        ("model.tflite", {"quantize": "int8", "calibration": np.zeros((1, 8, 8, 3), np.uint8)}, "int8 takes one size"),
        ("model.tflite", {**INT8, "calibration": [np.zeros((8, 8, 3), np.uint8)]}, "int8 takes one size"),
        ("model.tflite", {**INT8, "calibration": np.zeros((0, 8, 8, 3), np.uint8)}, "int8 takes one size"),
        (
            "model.tflite",
            {**INT8, "calibration": np.zeros((1, 8, 8, 3), np.uint8), "sampler": True},
            "a sampler is not quantized to int8",
        ),
        ("model.tflite", {"size": (16, 15)}, "15 pixels wide and 16 high: this model takes multiples of 2"),
        ("model", {"size": (16, 16)}, "a SavedModel takes any size"),
        ("model", {"sampler": True}, "a sampler is a TFLite or ONNX file"),
    ],
)
def test_calls_that_make_no_sense_are_refused(sam, tmp_path, path, how, reason):
    (tmp_path / "there.tflite").touch()
    with pytest.raises(ExportError, match=reason):
        fsr.export(sam, tmp_path / path, **how)
    assert [file.name for file in tmp_path.iterdir()] == ["there.tflite"]


def test_a_network_that_does_not_enlarge_is_not_exported(tmp_path):
    with pytest.raises(ExportError, match="a FaceFeatures is no network that enlarges pictures"):
        fsr.export(fsr.load("face_features", weights=None), tmp_path / "features.tflite")
    exported = runtimes.Exported("sam.tflite", {"scale": 8, "size_multiple": 1, "largest_side": None})
    with pytest.raises(ExportError, match="^Exported: is an exported file; give the network itself"):
        fsr.export(exported, tmp_path / "again.tflite")


def test_files_of_others_are_refused_by_name(tmp_path):
    (tmp_path / "other.tflite").write_bytes(b"nothing")
    with pytest.raises(ExportError, match="other.tflite: not a TFLite file of this package"):
        runtimes.LiteRT(tmp_path / "other.tflite")
