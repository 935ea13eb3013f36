import keras
import numpy as np
import pytest

from keras_facesr.data.datasets import MASK_CLASSES, MIRRORED_MASK_CLASSES
from keras_facesr.data.degrade import degrade
from keras_facesr.data.labelled import LabelStream, MaskStream
from keras_facesr.data.pipeline import FaceStream, PairStream, UnpairedStream
from keras_facesr.errors import CallError, DatasetError, FacesrError

HR = np.random.default_rng(0).integers(0, 256, (10, 16, 24, 3), dtype=np.uint8)
LR = degrade(HR, 4)


def to_levels(pixels):
    return np.round(np.asarray(pixels) * 255).astype(np.uint8)


def same(pair, other):
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(pair, other, strict=True))


def which(image):
    """Index in HR and whether it is mirrored."""
    for mirrored, pixels in ((False, image), (True, image[:, ::-1])):
        for index in np.flatnonzero((HR == pixels).all((1, 2, 3))):
            return int(index), mirrored
    raise AssertionError("not one of the images")


def test_batch_is_float_in_zero_to_one_of_matching_sizes():
    lr, hr = PairStream(HR, 4, 3).batch(0)
    assert lr.shape == (3, 4, 6, 3) and hr.shape == (3, 16, 24, 3)
    assert lr.dtype == hr.dtype == np.float32
    assert 0 <= hr.min() < 0.01 and 0.99 < hr.max() <= 1


def test_batch_depends_on_seed_and_step_alone():
    stream, other = PairStream(HR, 4, 3, seed=1, crop=8), PairStream(HR, 4, 3, seed=1, crop=8)
    in_order = [stream.batch(step) for step in range(9)]
    for step in (7, 2, 8, 0):
        assert same(other.batch(step), in_order[step])
    assert not same(PairStream(HR, 4, 3, seed=2, crop=8).batch(0), in_order[0])


def test_epoch_shows_every_image_at_most_once_and_each_epoch_has_its_own_order():
    stream = PairStream(HR, 4, 3, augmentation=None)
    assert stream.steps_per_epoch == 3
    epochs = [
        [which(image)[0] for step in range(3) for image in to_levels(stream.batch(3 * epoch + step)[1])] for epoch in range(2)
    ]
    assert len(set(epochs[0])) == len(set(epochs[1])) == 9
    assert epochs[0] != epochs[1]


def test_mirroring_takes_lr_and_hr_together_and_about_half_of_them():
    stream = PairStream(HR, 4, 10)
    mirrored = []
    for step in range(20):
        for lr, hr in zip(*map(to_levels, stream.batch(step))):
            index, flipped = which(hr)
            mirrored.append(flipped)
            assert np.array_equal(lr, LR[index, :, ::-1] if flipped else LR[index])
    assert 0.35 < np.mean(mirrored) < 0.65
    still = PairStream(HR, 4, 10, augmentation=None)
    assert not any(which(hr)[1] for step in range(5) for hr in to_levels(still.batch(step)[1]))


def test_crop_cuts_lr_and_hr_at_the_same_place_on_the_lr_grid():
    stream = PairStream(HR, 4, 5, augmentation=None, crop=8)
    places = set()
    for step in range(20):
        for lr, hr in zip(*map(to_levels, stream.batch(step))):
            assert lr.shape == (2, 2, 3) and hr.shape == (8, 8, 3)
            windows = [
                (index, top, left)
                for index in range(len(HR))
                for top in range(3)
                for left in range(5)
                if np.array_equal(HR[index, 4 * top : 4 * top + 8, 4 * left : 4 * left + 8], hr)
            ]
            ((index, top, left),) = windows
            places.add((top, left))
            assert np.array_equal(LR[index, top : top + 2, left : left + 2], lr)
    assert len(places) == 15  # every place is reached


def test_six_ways_to_turn_an_image_are_taken_equally_often_and_lr_and_hr_together():
    square = HR[:, :, :16]
    stream = PairStream(square, 4, 10, augmentation="six")
    ways = [lambda a: a, np.fliplr, np.flipud, np.rot90, lambda a: np.rot90(a, 2), lambda a: np.rot90(a, 3)]
    found = np.zeros(6)
    for step in range(60):
        for lr, hr in zip(*map(to_levels, stream.batch(step))):
            ((way, index),) = [
                (way, index) for way, turn in enumerate(ways) for index in range(10) if np.array_equal(turn(square[index]), hr)
            ]
            assert np.array_equal(lr, ways[way](degrade(square, 4)[index]))
            found[way] += 1
    assert 60 < found.min() and found.max() < 140


def test_crops_come_from_sets_of_several_sizes_and_from_what_prepare_makes_of_whole_images():
    larger = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    mean = lambda lr: np.concatenate([lr, np.broadcast_to(lr.mean((1, 2), keepdims=True), lr.shape).astype("uint8")], -1)  # noqa: E731
    stream = PairStream([HR, larger], 4, 15, augmentation=None, crop=8, prepare=mean)
    lr, hr = map(to_levels, stream.batch(0))
    assert lr.shape == (15, 2, 2, 6) and hr.shape == (15, 8, 8, 3)
    means = {tuple(block[0, 0, 3:]) for block in lr}  # each image's own, whatever was cut out of it
    assert means == {tuple(image.mean((0, 1)).astype("uint8")) for images in (HR, larger) for image in degrade(images, 4)}
    with pytest.raises(DatasetError, match="several sizes"):
        PairStream([HR, larger], 4, 2)


def test_of_several_degradations_chance_takes_one_for_each_pair():
    images = np.stack([np.full((8, 8, 3), 50 * k, np.uint8) for k in range(4)])
    stream = PairStream(images, 4, 2, degrades=lambda hr: [hr[:, ::4, ::4] + 1, hr[:, ::4, ::4] + 2])
    differences = [lr[0, 0, 0] - hr[0, 0, 0] for step in range(20) for lr, hr in zip(*map(to_levels, stream.batch(step)))]
    assert set(differences) == {1, 2}
    lr, hr = map(to_levels, stream.images(range(4)))
    assert np.array_equal(lr, hr[:, ::4, ::4] + 1)


def test_masks_turn_with_their_images_and_left_parts_become_right_ones():
    mask = np.zeros((1, 40, 40), np.uint8)
    mask[0, 14:26, 13:19], mask[0, 14:26, 21:27] = 4, 5  # the left eye, the right eye
    image = np.stack([mask * 50, 255 - mask * 50, mask * 10], axis=-1)
    stream = MaskStream(image, mask, 1, mirrored_class=MIRRORED_MASK_CLASSES, coarsest=1.5)
    for step in range(20):
        ((pixels,), (classes,)) = stream.batch(step)
        assert pixels.shape == (40, 40, 3) and classes.shape == (40, 40) and classes.dtype == np.int32
        assert np.median(np.nonzero(classes == 4)[1]) < np.median(np.nonzero(classes == 5)[1])
        anywhere = classes > 0
        assert pixels[anywhere][:, 0].mean() > 0.6 > 0.3 > pixels[~anywhere][:, 0].mean()


def test_mirroring_the_classes_of_a_mask_twice_changes_nothing():
    mirrored = np.array(MIRRORED_MASK_CLASSES)
    assert np.array_equal(mirrored[mirrored], np.arange(19))
    moved = {MASK_CLASSES[k] for k in np.flatnonzero(mirrored != np.arange(19))}
    assert moved == {"l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"}


def test_images_are_whole_in_the_asked_order_and_unflipped():
    lr, hr = PairStream(HR, 4, 3, crop=8).images([4, 1])
    assert np.array_equal(to_levels(hr), HR[[4, 1]]) and np.array_equal(to_levels(lr), LR[[4, 1]])
    assert len(PairStream(HR, 4, 3).images(slice(0, 7))[0]) == 7


def test_memory_map_is_read_and_left_as_it_was(tmp_path):
    np.save(tmp_path / "hr.npy", HR)
    mapped = np.load(tmp_path / "hr.npy", mmap_mode="r")
    assert same(PairStream(mapped, 4, 10).batch(1), PairStream(HR, 4, 10).batch(1))
    assert np.array_equal(np.load(tmp_path / "hr.npy"), HR)


def test_dataset_gives_the_batches_from_the_first_step_on():
    stream = PairStream(HR, 4, 3, seed=5)
    batches = list(stream.as_dataset(first_step=4, steps=7))
    assert len(batches) == 7
    assert all(same(pair, stream.batch(4 + i)) for i, pair in enumerate(batches))
    assert len(list(stream.as_dataset())) == 3 and not list(stream.as_dataset(2, 0))


def test_dataset_may_be_left_before_its_end():
    stream = PairStream(HR, 4, 3)
    assert same(next(iter(stream.as_dataset(1, 100_000))), stream.batch(1))


def test_a_dataset_can_be_gone_through_again_on_every_backend(monkeypatch):
    """As in two phases by `fit` and in each epoch's validation, in parts as well."""
    stream = PairStream(HR, 4, 3)
    layers = [keras.Input((None, None, 3)), keras.layers.UpSampling2D(4), keras.layers.Conv2D(3, 1)]
    model = keras.Sequential(layers)
    model.compile("sgd", lambda y, answer: keras.ops.mean(y) + 0.0 * keras.ops.mean(answer))
    expected = [stream.batch(1 + k)[1].mean() for k in range(4)]
    for backend in {keras.backend.backend(), "torch"}:
        with monkeypatch.context() as other:
            other.setattr(keras.backend, "backend", lambda: backend)  # noqa: B023
            batches = stream.as_dataset(1, 4)
        for _ in range(2):
            assert len(batches) == 4 and all(same(pair, stream.batch(1 + k)) for k, pair in enumerate(batches))
            how = {"steps_per_epoch": 2, "epochs": 2, "shuffle": False, "validation_data": batches, "verbose": 0}
            history = model.fit(batches, **how).history
            assert history["loss"] == pytest.approx([np.mean(expected[:2]), np.mean(expected[2:])], abs=1e-5)
            assert history["val_loss"] == pytest.approx([np.mean(expected)] * 2, abs=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data is there on TensorFlow alone")
def test_tensorflow_dataset_knows_its_shapes_and_length():
    dataset = PairStream(HR, 4, 3).as_dataset(0, 5)
    assert [tuple(spec.shape) for spec in dataset.element_spec] == [(3, 4, 6, 3), (3, 16, 24, 3)]
    assert int(dataset.cardinality()) == 5


def test_fit_takes_the_dataset():
    seen = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    layers = [keras.Input((None, None, 3)), keras.layers.UpSampling2D(4), keras.layers.Conv2D(3, 1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    model.fit(PairStream(HR, 4, 3).as_dataset(0, 6), verbose=0, callbacks=[Spy()])
    assert len(seen) == 6 and np.isfinite(seen).all()


def test_streams_that_cannot_be_are_refused():
    for batch_size, crop in ((11, None), (2, 6), (2, 20)):
        with pytest.raises(DatasetError):
            PairStream(HR, 4, batch_size, crop=crop)
    for argument, value in {"scale": "4", "batch_size": 0, "seed": None, "crop": 0, "augmentation": "flip"}.items():
        with pytest.raises(CallError, match=f"^{argument} must be"):
            PairStream(**{"hr": HR, "scale": 4, "batch_size": 2, argument: value})
    with pytest.raises(CallError, match="^steps must be"):
        PairStream(HR, 4, 2).as_dataset(steps="2")
    with pytest.raises(DatasetError, match="must be 4 times as long"):
        PairStream(HR, 4, 2, degrades=lambda hr: [hr])
    for one in (HR[0], None):
        with pytest.raises(DatasetError, match="images for a stream are uint8"):
            PairStream(one, 4, 2)
    with pytest.raises(FacesrError, match="multiple of it"):
        PairStream(HR, 5, 2)


def test_labels_stay_with_their_images_and_half_of_those_lose_detail():
    images = np.stack([np.full((16, 16, 3), 10 * k, np.uint8) for k in range(20)])
    images[:, ::2] += 5  # stripes, which small pictures lose
    stream = LabelStream(images, np.arange(20), 5, coarsest=4)
    sharp = 0
    for step in range(40):
        batch, labels = stream.batch(step)
        assert batch.shape == (5, 16, 16, 3) and batch.dtype == np.float32
        np.testing.assert_allclose(batch.mean((1, 2, 3)) * 255, 10 * labels + 2.5, atol=1)
        sharp += int(np.sum(batch[:, 0, 0, 0] * 255 == 10 * labels + 5))
    assert 70 < sharp < 140


def test_unpaired_images_come_from_both_sets_whatever_their_sizes():
    others = np.stack([np.full((4, 4, 3), 10 * k, np.uint8) for k in range(3)])
    images = np.stack([np.full((8, 8, 3), 10 * k, np.uint8) for k in range(9)])
    stream = UnpairedStream(others, images, 3)
    batches = [tuple(map(to_levels, stream.batch(step))) for step in range(stream.steps_per_epoch)]
    small, large = (np.concatenate(parts) for parts in zip(*batches))
    assert small.shape == (9, 4, 4, 3) and sorted(large[:, 0, 0, 0]) == list(range(0, 90, 10))
    assert set(small[:, 0, 0, 0]) <= {0, 10, 20} and len(set(small[:, 0, 0, 0])) > 1


def test_images_that_are_not_square_are_not_turned():
    wide = np.zeros((4, 8, 16, 3), np.uint8)
    with pytest.raises(DatasetError, match='not square make no batch once some are turned: choose a crop, or "mirror"'):
        PairStream(wide, 4, 2, augmentation="six")
    assert PairStream(wide, 4, 2, augmentation="six", crop=8).batch(0)[0].shape == (2, 2, 2, 3)


def test_images_of_float_values_are_refused_by_every_stream():
    levels, values = np.zeros((4, 16, 16, 3), np.uint8), np.zeros((4, 16, 16, 3), np.float32)
    streams = (
        lambda: PairStream(values, 4, 2, degrades=lambda hr: [levels[:, ::4, ::4]]),
        lambda: FaceStream([values], [(0.1, 0.1, 0.8)], 16, 4, 2),
        lambda: UnpairedStream(values, levels, 2),
        lambda: UnpairedStream(levels, values, 2),
        lambda: LabelStream(values, np.arange(4), 2),
        lambda: MaskStream(values, levels[..., 0], 2, range(19)),
    )
    for stream in streams:
        with pytest.raises(DatasetError, match=r"images for a stream are uint8 \(N, H, W, 3\)"):
            stream()
