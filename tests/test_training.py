"""Runs: they end the same whether or not they were killed, keep what they promise, and refuse what would spoil them."""

import dataclasses
import errno
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from small_training import RECIPE, THIN, THIN_STAGE, arrays, assert_same_weights, write_faces

import keras_facesr as fsr
from keras_facesr import classes, presets
from keras_facesr.cli import main
from keras_facesr.data.degrade import degrade
from keras_facesr.data.framing import FRAMINGS
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.errors import DatasetError, FacesrError, PresetError, TrainingError, TrainingFailed, TrainingStopped
from keras_facesr.training import devices, recipes
from keras_facesr.training import run as training
from keras_facesr.training.devices import OneDevice
from keras_facesr.training.optimizers import ConvMuon
from keras_facesr.training.recipes.recipe import Source, Stage
from keras_facesr.training.run_folder import RunFolder
from keras_facesr.training.sources import data_description
from keras_facesr.training.tasks import TASKS


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Of the runs' processes: a cache of their own."""
    return {**os.environ, "KERAS_FACESR_CACHE": str(tmp_path_factory.mktemp("cache"))}


def history_of(run):
    """The rows of a run's history."""
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def checks(run):
    """(stage, step, PSNR) of each of them."""
    return [(row["stage"], row["step"], row["val_psnr"]) for row in history_of(run)]


def start(faces, run, environment, *resume):
    script = Path(__file__).with_name("small_training.py")
    return subprocess.Popen(
        [sys.executable, script, faces, run, *resume], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def undisturbed(faces, environment, tmp_path_factory):
    """The folder of a recipe's run that nothing disturbs, in this process."""

    def run(recipe):
        folder = tmp_path_factory.mktemp("runs") / recipe.name
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KERAS_FACESR_CACHE", environment["KERAS_FACESR_CACHE"])
            training.train(recipe, faces, folder)
        return folder

    return run


@pytest.fixture(scope="module")
def whole_run(undisturbed):
    return undisturbed(THIN)


@pytest.fixture(scope="module")
def noisy_run(undisturbed):
    """One that draws noise, in both stages."""
    return undisturbed(RECIPE)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["checkpoint-1-*", "stage1.weights.h5"])
def test_a_run_killed_and_resumed_ends_with_the_weights_of_the_undisturbed_one(moment, faces, environment, noisy_run, tmp_path):
    run = tmp_path / "killed"
    process = start(faces, run, environment)
    while not list(run.glob(moment)):
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (run / "model.weights.h5").exists()
    resumed = start(faces, run, environment, "resume")
    assert resumed.wait(300) == 0, resumed.stderr.read().decode()
    assert_same_weights(run / "model.weights.h5", noisy_run / "model.weights.h5")


def left_in(folder):
    """Path below the folder -> a file's bytes, None of a folder."""
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def put_into(folder, left):
    """Write that; what stands under a temporary name is half written."""
    folder.mkdir()
    for path, content in left.items():
        if content is None:
            (folder / path).mkdir()
        else:
            unfinished = any(part.startswith("new.") for part in path.parts)
            (folder / path).write_bytes(content[: len(content) // 2] if unfinished else content)


@pytest.mark.slow
def test_a_run_killed_before_any_change_of_its_folder_goes_on_to_the_same_weights(cache, faces, tmp_path, monkeypatch):
    run, killed = tmp_path / "run", []

    def changing(change, *what, **how):
        if (left := left_in(run)) not in killed[-1:]:
            killed.append(left)
        return change(*what, **how)

    with monkeypatch.context() as patch:
        for name in ("mkdir", "rename", "replace", "rmdir", "unlink"):
            patch.setattr(os, name, functools.partial(changing, getattr(os, name)))
        training.train(THIN, faces, run)
    assert len(killed) > 20
    for index, left in enumerate(killed):
        again = tmp_path / f"killed_{index}"
        put_into(again, left)
        training.train(THIN, faces, again, resume=(again / "recipe.json").exists())
        assert_same_weights(again / "model.weights.h5", run / "model.weights.h5")
        assert checks(again) == checks(run)


def test_a_finished_run_holds_its_recipe_history_log_and_weights_without_an_optimiser(whole_run):
    names = {path.name for path in whole_run.iterdir()}
    assert names == {
        "recipe.json",
        "data.json",
        "history.jsonl",
        "logs",
        "stage1.weights.h5",
        "stage2.weights.h5",
        "model.weights.h5",
        "config.json",
    }
    history = history_of(whole_run)
    assert [(row["stage"], row["step"]) for row in history] == [(1, 2), (1, 4), (2, 2), (2, 4)]
    assert all(row["val_psnr"] > 5 and 0 < row["val_ssim"] < 1 for row in history)
    assert not [name for name in arrays(whole_run / "model.weights.h5") if "optimizer" in name or "muon" in name]


def test_a_finished_run_is_used_by_its_path_as_a_released_model_by_its_name(whole_run, tmp_path, monkeypatch, capsys):
    expected = THIN.model()
    expected.load_weights(whole_run / "model.weights.h5")
    levels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    monkeypatch.chdir(whole_run.parent)
    model = presets.load(whole_run.name)
    np.testing.assert_array_equal(model.upscale(levels), expected.upscale(levels))
    Image.fromarray(levels).save(tmp_path / "small.png")
    assert main(["upscale", str(tmp_path / "small.png"), "--model", f"./{whole_run.name}/", "-o", str(tmp_path)]) == 0
    enlarged = np.asarray(Image.open(tmp_path / f"small_{whole_run.name}.png"))
    np.testing.assert_array_equal(enlarged, expected.upscale(levels))
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path), "--model", whole_run.name, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["models"].keys() == {"bicubic", whole_run.name}
    fsr.export(model, tmp_path / "own.onnx")
    assert main(["demo", "--model", whole_run.name]) == 2 and "released models alone" in capsys.readouterr().err
    shutil.copytree(whole_run, tmp_path / "sam")
    monkeypatch.chdir(tmp_path)
    assert presets.load("sam").preset == presets.full_name("sam") and presets.load("./sam").preset == str(tmp_path / "sam")
    shutil.copy(whole_run / "recipe.json", tmp_path)
    with pytest.raises(PresetError, match="no config.json yet; .*--resume"):
        presets.load(str(tmp_path))


def test_the_log_has_figures_and_pictures_that_tensorboard_reads(whole_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(whole_run / "logs")).Reload()
    assert [event.step for event in log.Scalars("stage1/val_psnr")] == [2, 4]
    (first, _) = log.Images("stage1/lr_sr_hr")
    assert (first.width, first.height) == (3 * 32, 4 * 32)


@pytest.mark.slow
def test_a_run_that_is_asked_to_end_saves_its_state_and_goes_on_to_the_same_weights(faces, environment, noisy_run, tmp_path):
    run = tmp_path / "asked"
    process = start(faces, run, environment)
    while not list(run.glob("checkpoint-1-*")):
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    said = process.stderr.read().decode()
    step, stage = map(int, re.search(r"stopped after step (\d+) of stage (\d), its state is saved", said).groups())
    (*_, last) = sorted(run.glob(f"checkpoint-{stage}-*"))
    state = json.loads((last / "state.json").read_text())
    assert (state["stage"], state["step"], state["seed"]) == (stage, step, 0) and state["data"][0]["images"] == 24
    assert {"keras", "tensorflow", "keras_facesr"} < state["versions"].keys()
    resumed = start(faces, run, environment, "resume")
    assert resumed.wait(300) == 0, resumed.stderr.read().decode()
    assert_same_weights(run / "model.weights.h5", noisy_run / "model.weights.h5")


def one_stage(recipe=THIN, **how):
    return dataclasses.replace(recipe, stages=(dataclasses.replace(THIN_STAGE, **how),))


def test_a_loss_that_is_no_number_ends_the_run_with_the_step_the_files_and_the_last_checkpoint(cache, faces, tmp_path):
    with pytest.raises(TrainingFailed) as caught:
        training.train(one_stage(steps=40, learning_rate=1e30, warmup=0), faces, tmp_path / "run")
    message = str(caught.value)
    step = int(re.search(r"is not a number in training, step (\d+) of stage 1", message)[1])
    assert 1 < step < 10 and message.count(".png") == 4 and "\n" not in message
    checkpoints = sorted((tmp_path / "run").glob("checkpoint-*"))
    for file in checkpoints:
        assert all(np.isfinite(array).all() for array in arrays(file / "state.weights.h5").values())
    assert (checkpoints[-1].name if checkpoints else "no checkpoint") in message


def test_a_full_disk_ends_the_run_in_one_line_and_leaves_the_last_checkpoint(cache, faces, tmp_path, monkeypatch):
    save = keras.Model.save_weights

    def fill(model, path, *rest, **options):
        if list((tmp_path / "run").glob("checkpoint-1-*")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(model, path, *rest, **options)

    monkeypatch.setattr(keras.Model, "save_weights", fill)
    with pytest.raises(TrainingFailed, match="No space left on device.*checkpoint-1-00000002 is whole: make room"):
        training.train(one_stage(), faces, tmp_path / "run")
    monkeypatch.undo()
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    training.train(one_stage(), faces, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "model.weights.h5").exists()


SMALL_CRITIC = {
    "channels": 4,
    "blocks": 1,
    "perceptual_weight": 0.0,
    "critic": True,
    "critic_channels": 4,
    "critic_convolutions": 2,
}
LAST = one_stage(keep="last")
AGAINST_A_CRITIC = dataclasses.replace(
    one_stage(phase=2, keep="last", loss=None), model_class="SRGAN", config={"hr_size": (32, 32), **SMALL_CRITIC}
)
WITH_PENALTY = dataclasses.replace(  # noise of latents and of the penalty's images, in each turn of the critic
    AGAINST_A_CRITIC, model_class="VarSR", config={"scale": 4, "latent_dim": 4, "critic_steps": 2, **SMALL_CRITIC}
)


@pytest.mark.parametrize(
    ("recipe", "step"),
    [
        *[pytest.param(LAST, step, id=str(step)) for step in (1, 4)],
        pytest.param(AGAINST_A_CRITIC, 3, id="against a critic", marks=pytest.mark.slow),
        pytest.param(WITH_PENALTY, 3, id="with a penalty", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_asked_to_end_at_any_step_goes_on_to_the_same_weights(recipe, step, cache, faces, tmp_path):
    training.train(recipe, faces, tmp_path / "undisturbed")
    batch_end = training.RunKeeper.on_train_batch_end

    def asking(keeper, batch, logs=None):
        if keeper.step + 1 == step:
            os.kill(os.getpid(), signal.SIGTERM)
        batch_end(keeper, batch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.RunKeeper, "on_train_batch_end", asking)
        with pytest.raises(TrainingStopped, match=f"stopped after step {step} of stage 1, its state is saved"):
            training.train(recipe, faces, tmp_path / "run")
    training.train(recipe, faces, tmp_path / "run", resume=True)
    assert [step for _, step, _ in checks(tmp_path / "run")] == [2, 4]
    assert_same_weights(tmp_path / "run" / "model.weights.h5", tmp_path / "undisturbed" / "model.weights.h5")


@pytest.fixture
def ctrl_c(monkeypatch):
    """Have Ctrl+C come ``times`` times in the step that follows the first ``step``."""
    monkeypatch.setattr("keras_facesr.training.recipes.find", lambda name: one_stage())
    batch_end = training.RunKeeper.on_train_batch_end
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs lack

    def pressed(step, times):
        def pressing(keeper, batch, logs=None):
            for _ in range(times if keeper.step == step else 0):
                signal.raise_signal(signal.SIGINT)
            batch_end(keeper, batch, logs)

        monkeypatch.setattr(training.RunKeeper, "on_train_batch_end", pressing)

    yield pressed
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_facesr_train_in_a_line_with_its_state_saved_and_a_second_one_at_once(
    cache, faces, tmp_path, ctrl_c, facesr
):
    run = tmp_path / "run"
    ctrl_c(step=1, times=1)
    first = facesr("train", "thin", faces, "--out", run)
    said = f"facesr: {run}: stopped after step 2 of stage 1, its state is saved; continue with --resume\n"
    assert first.code == 130 and first.err.endswith(said) and "Traceback" not in first.err
    ctrl_c(step=2, times=2)
    second = facesr("train", "thin", faces, "--out", run, "--resume")
    assert second.code == 130 and second.err.endswith("facesr: stopped\n")
    assert [path.name for path in run.glob("checkpoint-*")] == ["checkpoint-1-00000002"]


@pytest.mark.parametrize("lost", ["write_log", "write_checkpoint"])
def test_a_run_that_ends_between_its_history_and_its_checkpoint_has_a_row_for_each_check(
    lost, cache, faces, tmp_path, monkeypatch
):
    write, calls = getattr(RunFolder, lost), []

    def ending(run, *what):
        calls.append(what)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        write(run, *what)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, lost, ending)
        with pytest.raises(OSError):
            training.train(LAST, faces, tmp_path / "run")
    training.train(LAST, faces, tmp_path / "run", resume=True)
    assert [step for _, step, _ in checks(tmp_path / "run")] == [2, 4]


def test_a_run_that_is_asked_to_end_when_nothing_of_its_stage_is_left_says_so(cache, faces, tmp_path, monkeypatch):
    def lost(run, index):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "finish_stage", lost)
        with pytest.raises(OSError):
            training.train(LAST, faces, tmp_path / "run")
    restore = training.RunKeeper.restore
    asked = lambda keeper, model: (os.kill(os.getpid(), signal.SIGTERM), restore(keeper, model))[1]  # noqa: E731
    monkeypatch.setattr(training.RunKeeper, "restore", asked)
    with pytest.raises(TrainingStopped, match="stopped after step 4 of stage 1, its state is saved"):
        training.train(LAST, faces, tmp_path / "run", resume=True)


def test_a_run_keeps_its_two_latest_checkpoints_while_it_trains(cache, faces, tmp_path, monkeypatch):
    kept = []
    finish = RunFolder.finish_stage
    monkeypatch.setattr(
        RunFolder, "finish_stage", lambda run, k: (kept.extend(p.name for p in run.checkpoints(k)), finish(run, k))
    )
    training.train(one_stage(steps=6), faces, tmp_path / "run")
    assert kept == ["checkpoint-1-00000004", "checkpoint-1-00000006"]


def test_a_stages_checkpoints_go_once_all_machines_have_read_the_last_one(cache, faces, tmp_path, monkeypatch):
    order = []
    for owner, name in ((RunFolder, "restore"), (OneDevice, "wait"), (RunFolder, "finish_stage")):
        call = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, call=call, name=name: (order.append(name), call(*given))[1])
    training.train(one_stage(), faces, tmp_path / "run")
    last = order.index("finish_stage")
    assert order[last - 2 : last] == ["restore", "wait"]


def test_a_run_is_not_resumed_with_other_data(whole_run, faces, tmp_path):
    shutil.copytree(faces, tmp_path / "faces")
    (tmp_path / "faces" / "0.png").unlink()
    with pytest.raises(TrainingError, match="started with other data; repeat that call, or name"):
        training.train(THIN, tmp_path / "faces", whole_run, resume=True)


def test_accumulated_batches_make_the_update_of_one_batch_of_all_their_images():
    rng = np.random.default_rng(0)
    lr, hr = rng.random((8, 8, 8, 3), "float32"), rng.random((8, 32, 32, 3), "float32")
    ended = []
    for batches in (1, 2):
        keras.utils.set_random_seed(0)
        model = THIN.model()
        stage = Stage(100 * batches, batch_size=8 // batches, learning_rate=1e-2, loss="mse", warmup=0, check_every=1)
        stage.prepare(model, jit_compile=False, accumulation=batches)
        for k in range(batches):
            part = slice(k * 8 // batches, (k + 1) * 8 // batches)
            model.train_on_batch(lr[part], hr[part])
        ended.append([weight.numpy() for weight in model.trainable_variables])
    for whole, accumulated in zip(*ended):
        np.testing.assert_allclose(accumulated, whole, atol=1e-4)


BY_FEATURES = one_stage(phase=2, keep="last", loss=None, features="face_features")
ADVERSARIAL = {"hr_size": (32, 32), "channels": 4}
MIXED = {
    "SAM": one_stage(RECIPE, phase=0, loss=None),
    "SRGAN": dataclasses.replace(
        BY_FEATURES,
        model_class="SRGAN",
        config={**ADVERSARIAL, "blocks": 1, "critic": True, "critic_channels": 4, "perceptual_weight": 0.01},
    ),
    "EnhanceNet": dataclasses.replace(
        BY_FEATURES, model_class="EnhanceNet", config={**ADVERSARIAL, "critic": True, "texture_weights": (3e-7, 1e-6)}
    ),
}


@pytest.mark.parametrize("precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
@pytest.mark.parametrize("network", ["SAM", *(pytest.param(name, marks=pytest.mark.slow) for name in ("SRGAN", "EnhanceNet"))])
def test_a_run_in_mixed_precision_keeps_float32_weights_that_load_anywhere(network, precision, cache, faces, tmp_path):
    recipe = MIXED[network]
    training.train(recipe, faces, tmp_path / "run", precision=precision)
    history = history_of(tmp_path / "run")
    assert len(history) == 2 and all(np.isfinite(value) for row in history for value in row.values())
    assert keras.config.dtype_policy().name == "float32"
    weights = arrays(tmp_path / "run" / "model.weights.h5")
    assert {array.dtype.name for array in weights.values()} <= {"float32", "uint32", "int64"}
    model = presets.load(str(tmp_path / "run"))  # without the critic that the file has
    assert keras.ops.convert_to_numpy(model(np.zeros((1, 8, 8, 3), "float32"))).dtype == np.float32


def test_a_folder_with_a_run_is_not_started_over(whole_run, faces):
    with pytest.raises(TrainingError, match="--resume"):
        training.train(THIN, faces, whole_run)


def test_a_run_is_not_resumed_with_another_recipe(whole_run, faces):
    with pytest.raises(TrainingError, match="started with another recipe or other options; repeat that call, or name"):
        training.train(dataclasses.replace(THIN, seed=1), faces, whole_run, resume=True)


def test_a_run_is_not_resumed_for_another_number_of_epochs(whole_run, faces):
    with pytest.raises(TrainingError, match="started with another recipe or other options; repeat that call, or name"):
        training.train(THIN, faces, whole_run, resume=True, epochs=3)


@pytest.mark.parametrize(
    ("recipe", "how", "told"),
    [
        (None, {}, "None is neither a recipe nor the name of one"),
        (THIN, {"strategy": "mirored"}, "strategy must be one of 'auto', 'mirrored', 'multiworker', not 'mirored'"),
        (THIN, {"epochs": "1"}, "epochs must be a whole number from 1 on, not '1'"),
        (THIN, {"accumulation": 0}, "accumulation must be a whole number from 1 on, not 0"),
        (THIN, {"accumulation": 5}, "an update takes 5 batches, and this stage has 4: accumulate fewer"),
        (THIN, {"validation_images": 0}, "validation_images must be a whole number from 1 on, not 0"),
        (THIN, {"start": "sam_small_x8"}, "the weights of sam_small_x8 do not fit a VDSR of this recipe's config"),
        (THIN, {"precision": "mixed_bf16"}, "precision must be one of 'float32', "),
        ("digits_mnist", {"degradation": "blind"}, "digits_mnist is for digit reading; a degradation is for super-resolution"),
        ("sam_small_x8", {"degradation": "style"}, "sam_small_x8 cuts faces anew each time"),
        (THIN, {"stages": (dataclasses.replace(THIN_STAGE, light=0.1),)}, "thin has no framed faces, whose light alone varies"),
        (THIN, {"stages": (dataclasses.replace(THIN_STAGE, phase=2),)}, "VDSR does not train in phases: leave out phase"),
        (THIN, {"sources": (*THIN.sources, Source("celeba", 32, framing="celeba"))}, "thin cuts faces of some sources to a"),
        (THIN, {"sources": (Source("folder", 32, whole=40),)}, "thin has no framing to cut its faces to, for which whole is"),
        ("sam_small_x8", {"crop": 64}, "sam_small_x8 cuts whole faces to a framing, mirrored or not: leave out crop and"),
    ],
)
def test_an_argument_that_is_none_of_those_there_are_or_without_effect_is_refused(recipe, how, told, faces, tmp_path):
    with pytest.raises(FacesrError, match=re.escape(told)):
        training.train(recipe, faces, tmp_path / "new", **how)
    assert not (tmp_path / "new").exists()


def test_a_run_that_cannot_begin_leaves_nothing_of_it(cache, faces, tmp_path):
    stage = dataclasses.replace(THIN_STAGE, batch_size=64)
    with pytest.raises(DatasetError, match="20 images make no batch of 64"):
        training.train(dataclasses.replace(THIN, stages=(THIN_STAGE, stage)), faces, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "few").mkdir()
    for face in sorted(faces.iterdir())[:4]:
        shutil.copy(face, tmp_path / "few")
    with pytest.raises(DatasetError, match="few: 4 images are too few, give at least 5"):
        training.train(THIN, tmp_path / "few", tmp_path / "few")
    assert len(list((tmp_path / "few").iterdir())) == 4
    with pytest.raises(TrainingError, match="0.png: is a file; give a run the name of a folder"):
        training.train(THIN, faces, faces / "0.png")


@pytest.mark.parametrize("name", ["logs/mine.txt", "config.json", "model.weights.h5", "stage1.weights.h5"])
def test_a_run_is_not_begun_over_files_that_are_not_its_own(name, cache, faces, tmp_path):
    mine = tmp_path / "run" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("of an import, or of another program")
    with pytest.raises(TrainingError, match=f"{name.split('/')[0]}: is there already, and a run would write it; name a new"):
        training.train(THIN, faces, tmp_path / "run")
    assert [*(tmp_path / "run").rglob("*.*")] == [mine] and mine.read_text().startswith("of an import")


def test_faces_that_are_cut_anew_are_degraded_as_the_recipe_says(cache, faces, monkeypatch):
    monkeypatch.setitem(FRAMINGS, "folder", FRAMINGS["celeba"])
    small = {}
    for kind in ("bicubic", "aliased", "blind"):
        recipe = dataclasses.replace(THIN, sources=(Source("folder", 32, framing="folder", whole=40),), degradation=kind)
        small[kind], hr = TASKS[recipe.task](recipe, faces, recipe.model()).stream(recipe.stages[0], seed=0).batch(0)
        if kind != "blind":
            expected = degrade(to_uint8(hr), 4, antialias=kind == "bicubic")
            np.testing.assert_array_equal(small[kind], to_unit(expected))
    assert np.abs(small["blind"] - small["bicubic"]).max() > 0.02


@pytest.mark.parametrize("steps, checked", [(10, [10]), (500, [500]), (997, [499, 998]), (1000, [500, 1000])])
def test_a_stage_of_a_few_epochs_has_their_steps_and_is_checked_at_its_end(steps, checked):
    stage = Stage(4000, 16, 1e-3).for_steps(steps)
    assert list(range(stage.check_every, stage.steps + 1, stage.check_every)) == checked and stage.steps == checked[-1]


def test_a_resumed_run_keeps_the_precision_that_it_was_begun_in(cache, faces, tmp_path, monkeypatch):
    recipe = dataclasses.replace(THIN, precision="mixed_bfloat16")
    monkeypatch.setattr(training, "precision_here", lambda precision: "float32")
    training.train(recipe, faces, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["precision"] == "float32"
    with pytest.raises(TrainingError, match="started with another recipe or other options; repeat that call"):
        training.train(recipe, faces, tmp_path / "run", resume=True, precision="mixed_bfloat16")
    monkeypatch.setattr(training, "precision_here", lambda precision: precision)
    (tmp_path / "run" / "stage2.weights.h5").unlink()
    policies, prepare = [], Stage.prepare
    monkeypatch.setattr(
        Stage, "prepare", lambda stage, model, **how: policies.append(model.dtype_policy.name) or prepare(stage, model, **how)
    )
    training.train(recipe, faces, tmp_path / "run", resume=True)
    assert policies == ["float32"]


def test_nothing_to_resume_is_said(tmp_path, faces):
    with pytest.raises(TrainingError, match="no run to resume"):
        training.train(THIN, faces, tmp_path / "new", resume=True)


def test_a_recipe_whose_teacher_is_missing_is_refused_before_anything_is_written(tmp_path, faces):
    unknown = "thin learns from no_such, which is not released"
    for lacking, told in (
        ({"start": "no_such"}, unknown),
        ({"parts": {"encoder": "no_such"}}, unknown),
        ({"degradation": "no_such"}, "thin: no degradation is called 'no_such'; there are bicubic, aliased, blind"),
    ):
        with pytest.raises(TrainingError, match=told):
            training.train(dataclasses.replace(THIN, **lacking), faces, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_run_in_the_released_style_says_which_that_is(cache, faces, tmp_path):
    training.train(one_stage(), faces, tmp_path / "run", degradation="style", epochs=1)
    begun = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert begun["degradation"] == presets.find("style").name != "style"


def test_a_run_without_antialiasing_needs_no_network_that_spoils(cache, faces, tmp_path):
    training.train(one_stage(), faces, tmp_path / "run", degradation="aliased", epochs=1)
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["degradation"] == "aliased"
    recipe = recipes.find("varsr_x4_mnist_aliased")
    assert (recipe.teachers, recipe.stylevae, recipe.measured_with) == (set(), None, "aliased")


@pytest.mark.slow
def test_every_recipe_makes_its_network_and_asks_for_whole_checks():
    for recipe in recipes.RECIPES.values():
        model = classes.model_class(recipe.model_class)(**recipe.config)
        assert all(hasattr(model, part) and name in recipes.RECIPES for part, name in recipe.parts.items())
        assert getattr(model, "scale", 1) * 2 <= min(min(source.shape) for source in recipe.sources)
        assert all(stage.steps % stage.check_every == 0 for stage in recipe.stages)


@pytest.mark.slow
def test_every_recipes_network_is_built():
    assert all(classes.build_model(recipe.model_class, recipe.config).built for recipe in recipes.RECIPES.values())


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if recipes.find(name).start in presets.list_models()])
def test_a_recipe_that_goes_on_from_a_preset_starts_as_that_is(name):
    recipe = recipes.find(name)
    model, before = recipe.model(), presets.load(recipe.start)
    training._start_from(presets.find(recipe.start), model)
    lr = np.random.default_rng(0).random((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(model(lr), before(lr))


def test_a_folder_that_is_seen_in_several_sizes_is_described_once(tmp_path):
    larger = dataclasses.replace(THIN_STAGE, sources=(Source("folder", 36), Source("folder", 40)))
    recipe = dataclasses.replace(THIN, stages=(THIN_STAGE, larger))
    assert [row["images"] for row in data_description(recipe, write_faces(tmp_path))] == [24]


def test_the_rate_rises_to_its_peak_and_falls_to_zero():
    model = THIN.model()
    Stage(500, batch_size=4, learning_rate=2e-3, loss="mse", warmup=50).prepare(model, jit_compile=False)
    rate = lambda step: float(model.optimizer._learning_rate(step))  # noqa: E731
    assert (rate(0), rate(25), rate(50)) == pytest.approx((0, 1e-3, 2e-3))
    assert rate(275) == pytest.approx(1e-3, rel=1e-3) and rate(500) == pytest.approx(0, abs=1e-9)


def test_a_critic_learns_at_a_rate_of_its_own_and_keeps_no_averages():
    model = classes.model_class("SRGAN")(scale=4, hr_size=(16, 16), channels=8, blocks=1, critic=True, perceptual_weight=0.0)
    stage = Stage(500, batch_size=4, learning_rate=2e-3, phase=2, warmup=50, critic_rate=5.0)
    stage.prepare(model, jit_compile=False)
    peaks = [float(optimizer._learning_rate(50)) for optimizer in (model.optimizer, model.critic_optimizer)]
    assert peaks == pytest.approx([2e-3, 1e-2]) and model.optimizer.use_ema and not model.critic_optimizer.use_ema


def test_a_critic_of_several_steps_learns_as_long_as_the_network():
    config = {"scale": 4, "hr_size": (16, 16), "channels": 8, "blocks": 1, "critic": True, "perceptual_weight": 0.0}
    model = classes.model_class("SRGAN")(**config, critic_steps=3)
    Stage(500, batch_size=4, learning_rate=2e-3, phase=2, warmup=50).prepare(model, jit_compile=False)
    of_network, of_critic = (optimizer._learning_rate for optimizer in (model.optimizer, model.critic_optimizer))
    for step in (25, 50, 275, 499):
        assert float(of_critic(3 * step)) == pytest.approx(float(of_network(step)), rel=1e-3)


def test_averaged_weights_are_lent_and_given_back_to_the_bit():
    model = THIN.model()
    Stage(500, batch_size=4, learning_rate=1e-2, loss="mse", ema=0.5).prepare(model, jit_compile=False)
    rng = np.random.default_rng(0)
    for _ in range(3):
        model.train_on_batch(rng.random((4, 8, 8, 3), "float32"), rng.random((4, 32, 32, 3), "float32"))
    own = [weight.numpy() for weight in model.trainable_variables]
    with training.averaged_weights(model):
        averaged = [weight.numpy() for weight in model.trainable_variables]
    assert any(not np.array_equal(a, b) for a, b in zip(own, averaged))
    assert all(np.array_equal(a, weight.numpy()) for a, weight in zip(own, model.trainable_variables))


def test_muon_makes_a_kernels_update_orthogonal():
    rng = np.random.default_rng(0)
    kernel = keras.Variable(np.zeros((3, 3, 16, 12), "float32"))
    optimizer = ConvMuon(1.0, weight_decay=0.0, adam_weight_decay=0.0)
    optimizer.build([kernel])
    optimizer.apply([keras.ops.convert_to_tensor(rng.normal(size=(3, 3, 16, 12)).astype("float32"))])
    update = keras.ops.convert_to_numpy(kernel).reshape(-1, 12) / (0.2 * np.sqrt(144))
    singular = np.linalg.svd(update, compute_uv=False)
    assert 0.6 < singular.min() and singular.max() < 1.3  # what five Newton-Schulz iterations reach


def test_muons_iteration_on_the_small_matrix_is_keras_own_on_the_whole():
    rng = np.random.default_rng(0)
    for shape in ((3, 3, 16, 12), (1, 1, 8, 32)):  # tall and wide as matrices
        gradient = rng.normal(size=shape).astype("float32")
        matrix = keras.ops.convert_to_tensor(gradient.reshape(-1, shape[-1]))
        expected = keras.optimizers.Muon(1e-3).zeropower_via_newtonschulz5(matrix, 5)
        found = ConvMuon(1e-3).zeropower_via_newtonschulz5(keras.ops.convert_to_tensor(gradient), 5)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(found).reshape(matrix.shape), expected, atol=2e-5)


@pytest.mark.parametrize(("flags", "expected"), [("fpu avx512_bf16 sse", "mixed_bfloat16"), ("fpu avx2", "float32")])
def test_bfloat16_is_for_machines_that_gain_by_it(flags, expected, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : {flags}\n")
    monkeypatch.setattr(devices, "PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(devices, "_has_gpu", lambda: False)
    assert devices.precision_here("mixed_bfloat16") == expected
    assert devices.precision_here("float32") == "float32"
    monkeypatch.setattr(devices, "_has_gpu", lambda: True)
    assert devices.precision_here("mixed_bfloat16") == "mixed_bfloat16"
