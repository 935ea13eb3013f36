import gzip
import json
import os
import struct

import numpy as np
import pytest
from PIL import Image

from keras_facesr.data import cache
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import MASK_CLASSES, celeba, celebamask, folder, lfw, open_dataset, utkface, wider_face
from keras_facesr.data.digits import mnist
from keras_facesr.errors import CallError, DatasetError

TIME = "20170109204148144.jpg.chip"


def image(path, level=100, size=(20, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


@pytest.fixture
def utkface_root(tmp_path):
    for name in (f"train/9_1_2_{TIME}", f"train/41_0_{TIME}", f"train/200_3_9_{TIME}", f"test/30__4_{TIME}"):
        image(tmp_path / f"{name}.jpg")
    return tmp_path


@pytest.fixture
def celeba_root(tmp_path):
    for number in range(1, 5):
        image(tmp_path / "img_align_celeba" / f"{number:06}.jpg", level=number, size=(178, 218))
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 2\n")
    (tmp_path / "list_attr_celeba.txt").write_text(
        "4\nMale Smiling\n000004.jpg -1 -1\n000001.jpg  1 -1\n000002.jpg -1  1\n000003.jpg  1  1\n"
    )
    return tmp_path


@pytest.fixture
def celebamask_root(tmp_path):
    for part, names in (("train", "ba"), ("test", "c")):
        for name in names:
            image(tmp_path / part / "images" / f"{name}.jpg")
            image(tmp_path / part / "masks" / f"{name}.png", level=18)
    return tmp_path


def names(files):
    return [file.name for file in files]


def test_utkface_labels_come_from_the_name_and_are_minus_one_where_missing_or_impossible(utkface_root):
    train = utkface(utkface_root, "train")
    rows = zip(*(train.labels[name].tolist() for name in ("age", "gender", "race")))
    labels = dict(zip((file.name[:3] for file in train.files), rows, strict=True))
    assert labels == {"9_1": (9, 1, 2), "41_": (41, 0, -1), "200": (-1, -1, -1)}
    assert utkface(utkface_root, "test").labels["gender"].tolist() == [-1]
    assert len(utkface(utkface_root)) == 4


def test_celeba_is_split_by_its_partition_and_labels_follow_the_files(celeba_root):
    train = celeba(celeba_root, "train")
    assert names(train.files) == ["000001.jpg", "000002.jpg"]
    assert {name: values.tolist() for name, values in train.labels.items()} == {
        "Male": [True, False],
        "Smiling": [False, True],
    }
    assert names(celeba(celeba_root, "val").files) == ["000003.jpg"]
    assert names(celeba(celeba_root, "test").files) == ["000004.jpg"]
    assert len(celeba(celeba_root)) == 4


def test_celeba_without_the_attribute_file_has_no_labels(celeba_root):
    (celeba_root / "list_attr_celeba.txt").unlink()
    assert celeba(celeba_root, "train").labels == {}


@pytest.mark.parametrize("rows", ["", "000001.jpg 1 1\n0000", "000001.jpg 1 1\n000002.jpg", "000001.jpg 1 1\n000002.jpg 1"])
def test_celebas_attributes_that_are_cut_off_are_told_of_in_a_line(rows, celeba_root):
    (celeba_root / "list_attr_celeba.txt").write_text(f"4\nMale Smiling\n{rows}")
    with pytest.raises(DatasetError, match=r"list_attr_celeba.txt: every image needs one line of 2 values \(not 00000[12]"):
        celeba(celeba_root, "train")
    (celeba_root / "list_attr_celeba.txt").write_text("4\n")
    with pytest.raises(DatasetError, match="every image needs one line of 0 values"):
        celeba(celeba_root, "train")


def test_celeba_with_missing_files_or_attributes_says_so(celeba_root):
    with pytest.raises(DatasetError, match="no split 'valid'"):
        celeba(celeba_root, "valid")
    (celeba_root / "list_attr_celeba.txt").write_text("1\nMale Smiling\n000001.jpg 1\n")
    with pytest.raises(DatasetError, match="one line of 2 values"):
        celeba(celeba_root)
    (celeba_root / "img_align_celeba" / "000002.jpg").unlink()
    with pytest.raises(DatasetError, match="1 of 2 files missing.*000002.jpg"):
        celeba(celeba_root, "train")
    (celeba_root / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    with pytest.raises(DatasetError, match="lists no image of this split"):
        celeba(celeba_root, "test")
    (celeba_root / "list_eval_partition.txt").write_text("000001.jpg train\n")
    with pytest.raises(DatasetError, match="0, 1 or 2"):
        celeba(celeba_root, "train")


def test_celebamask_pairs_every_image_with_its_mask(celebamask_root):
    train = celebamask(celebamask_root, "train")
    assert names(train.files) == ["a.jpg", "b.jpg"] and names(train.masks) == ["a.png", "b.png"]
    assert len(celebamask(celebamask_root)) == 3 and len(MASK_CLASSES) == 19
    (celebamask_root / "train" / "masks" / "b.png").unlink()
    with pytest.raises(DatasetError, match="1 of 2 files missing.*b.png"):
        celebamask(celebamask_root, "train")


def test_lfw_labels_are_the_persons(tmp_path):
    for file in ("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg", "Bo/Bo_0001.jpg"):
        image(tmp_path / file)
    assert lfw(tmp_path).labels["identity"].tolist() == ["Ann_Lee", "Ann_Lee", "Bo"]
    assert open_dataset(tmp_path, "test").name == "lfw"
    with pytest.raises(DatasetError, match="benchmark"):
        open_dataset(tmp_path, "train")


@pytest.mark.parametrize("names", [["faces_0001.jpg"], ["Ann_Lee/Ann_Lee_0001.jpg", "Bo/another.jpg"]])
def test_numbered_faces_of_ones_own_are_not_taken_for_lfw(tmp_path, names):
    for name in names:
        image(tmp_path / "faces" / name)
    assert len(open_dataset(tmp_path / "faces", "train")) == len(names)


def test_subset_takes_files_labels_and_masks_together(celeba_root):
    picked = celeba(celeba_root).subset([3, 0])
    assert names(picked.files) == ["000004.jpg", "000001.jpg"]
    assert picked.labels["Male"].tolist() == [False, True]
    assert len(celeba(celeba_root).subset(slice(1, None))) == 3


def test_subset_of_masks_follows_the_files(celebamask_root):
    assert names(celebamask(celebamask_root).subset([-1]).masks) == ["c.png"]


@pytest.mark.parametrize("layout, train, test", [("utkface", 3, 1), ("celeba", 2, 1), ("celebamask", 2, 1)])
def test_open_dataset_recognises_a_set_by_its_layout(request, layout, train, test):
    root = request.getfixturevalue(f"{layout}_root")
    for split, count in (("train", train), ("test", test)):
        opened = open_dataset(root, split)
        assert (opened.name, len(opened)) == (layout, count)
    assert len(open_dataset(root, kind="folder")) >= train + test


def test_another_set_is_not_taken_for_utkface(celeba_root):
    with pytest.raises(DatasetError, match="no UTKFace images.*age_gender_race_time.jpg"):
        open_dataset(celeba_root, "train", kind="utkface")
    image(celeba_root / "further" / f"9_1_2_{TIME}.jpg")
    with pytest.raises(DatasetError, match="none there has such a name"):
        open_dataset(celeba_root, "train", kind="utkface")


def test_a_folder_of_several_sets_is_not_taken_for_one(tmp_path):
    for file in (f"utkface/train/9_1_2_{TIME}.jpg", f"utkface/test/8_1_2_{TIME}.jpg", "celebamask/test/images/a.png"):
        image(tmp_path / file)
    for kind, one in (("auto", "celebamask"), ("utkface", "utkface")):
        for split in ("train", "test"):
            with pytest.raises(DatasetError, match=f"give the one of one set, such as {tmp_path / one}$"):
                open_dataset(tmp_path, split, kind)


@pytest.mark.parametrize(
    "mark, expected",
    [
        ("CelebAMask-HQ-mask-anno/0/00000_hair.png", "images/.* and masks/"),
        ("Eval/list_eval_partition.txt", "ROOT/list_eval_partition.txt"),
        ("list_eval_partition.csv", "ROOT/list_eval_partition.txt"),
    ],
)
def test_a_set_arranged_otherwise_is_not_taken_for_a_plain_folder(tmp_path, mark, expected):
    image(tmp_path / "pictures" / "0.jpg")
    (tmp_path / mark).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / mark).touch()
    with pytest.raises(DatasetError, match=f"arranged in another way.*{expected}"):
        open_dataset(tmp_path, "test")
    assert names(open_dataset(tmp_path / "pictures", "test").files) == ["0.jpg"]


def test_plain_folder_gives_its_part_or_all_of_it(tmp_path):
    for file in ("train/0/a.png", "train/b.png", "test/c.png"):
        image(tmp_path / file)
    assert names(open_dataset(tmp_path, "train").files) == ["a.png", "b.png"]
    assert names(open_dataset(tmp_path, "test").files) == ["c.png"]
    assert len(open_dataset(tmp_path)) == len(folder(tmp_path)) == 3
    assert len(open_dataset(tmp_path / "train", "test")) == 2
    assert open_dataset(tmp_path, "test").name == tmp_path.name


def test_a_test_part_is_never_opened_for_training(tmp_path):
    image(tmp_path / "only" / "test" / "a.png")
    for root in (tmp_path / "only", tmp_path / "only" / "test"):
        with pytest.raises(DatasetError, match="test"):
            open_dataset(root, "train")


@pytest.mark.parametrize("reader", [utkface, celeba, lfw, celebamask, folder])
def test_missing_or_empty_folder_is_refused_with_help_in_one_line(tmp_path, reader):
    for root in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(DatasetError) as caught:
            reader(root)
        assert str(root) in str(caught.value) and "\n" not in str(caught.value)
        assert reader is folder or "http" in str(caught.value)


def test_a_file_is_not_called_a_folder_that_is_missing(tmp_path):
    image(tmp_path / "face.png")
    for wrong, told in (("face.png", "is a file, not a folder; give a folder"), ("fase.png", "no such folder; give a folder")):
        with pytest.raises(DatasetError, match=f"{wrong}: {told}"):
            open_dataset(tmp_path / wrong)


def test_unknown_split_or_kind_is_refused(utkface_root):
    for arguments in (("valid",), ("train", "imagenet")):
        with pytest.raises(DatasetError, match="choose"):
            open_dataset(utkface_root, *arguments)


def mnist_files(root, images, labels, part, opener=open, suffix=""):
    with opener(root / f"{part}-images-idx3-ubyte{suffix}", "wb") as file:
        file.write(struct.pack(">4B3i", 0, 0, 8, 3, *images.shape) + images.tobytes())
    with opener(root / f"{part}-labels-idx1-ubyte{suffix}", "wb") as file:
        file.write(struct.pack(">4Bi", 0, 0, 8, 1, len(labels)) + labels.tobytes())


def test_mnist_is_the_same_from_idx_packed_idx_and_npz(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    labels = np.array([7, 0, 9], np.uint8)
    roots = [tmp_path / name for name in ("idx", "gz", "npz")]
    for root in roots:
        root.mkdir()
    mnist_files(roots[0], images, labels, "train")
    mnist_files(roots[1], images, labels, "train", gzip.open, ".gz")
    np.savez(roots[2] / "mnist.npz", x_train=images, y_train=labels)
    for root in roots:
        digits = mnist(root, "train")
        assert np.array_equal(digits.images, images) and digits.labels.tolist() == [7, 0, 9]
        assert len(digits) == 3


def test_open_dataset_recognises_digits_by_their_archives_or_folders(tmp_path):
    images, labels = np.arange(2 * 28 * 28).astype(np.uint8).reshape(2, 28, 28), np.array([4, 7], np.uint8)
    mnist_files(tmp_path, images, labels, "t10k")
    np.testing.assert_array_equal(open_dataset(tmp_path, "test").rgb()[..., 1], images)
    for file in ("plates/train/4/a.png", "plates/test/7/b.png"):
        image(tmp_path / file, size=(20, 20))
    assert open_dataset(tmp_path / "plates", "test").labels.tolist() == [7]


def test_damaged_or_missing_mnist_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="t10k-images-idx3-ubyte.*missing"):
        mnist(tmp_path, "test")
    images = np.zeros((3, 28, 28), np.uint8)
    mnist_files(tmp_path, images, np.zeros(2, np.uint8), "train")
    with pytest.raises(DatasetError, match="not MNIST"):
        mnist(tmp_path, "train")
    mnist_files(tmp_path, images, np.zeros(3, np.uint8), "t10k", gzip.open, ".gz")
    packed = tmp_path / "t10k-images-idx3-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:20])
    with pytest.raises(DatasetError, match="damaged"):
        mnist(tmp_path, "test")
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"no idx file")
    with pytest.raises(DatasetError, match="not an idx file"):
        mnist(tmp_path, "test")


WIDER = """0--Parade/a.jpg
3
10 20 30 40 0 0 0 0 0 0
1 2 0 4 0 0 0 0 0 0
5 6 7 8 2 0 1 1 0 0
0--Parade/b.jpg
0
0 0 0 0 0 0 0 0 0 0
1--Handshaking/c d.jpg
2
1 1 9 9 0 0 0 0 2 1
3 4 5 6 0 0 0 0 0 0
"""


@pytest.fixture
def wider_root(tmp_path):
    (tmp_path / "wider_face_split").mkdir()
    (tmp_path / "wider_face_split" / "wider_face_train_bbx_gt.txt").write_text(WIDER)
    for name in ("0--Parade/a.jpg", "0--Parade/b.jpg", "1--Handshaking/c d.jpg"):
        image(tmp_path / "WIDER_train" / "images" / name)
    return tmp_path


def test_wider_face_boxes_leave_out_the_invalid_and_the_empty(wider_root):
    photos = wider_face(wider_root, "train")
    assert names(photos.files) == ["a.jpg", "b.jpg", "c d.jpg"] and len(photos) == 3
    boxes = [boxes.tolist() for boxes in photos.boxes]
    assert boxes == [[[10, 20, 30, 40]], [], [[1, 1, 9, 9], [3, 4, 5, 6]]]
    assert all(boxes.shape[1] == 4 for boxes in photos.boxes)


def test_wider_face_says_what_is_missing_or_damaged(wider_root):
    with pytest.raises(DatasetError, match="choose train or val"):
        wider_face(wider_root, "test")
    with pytest.raises(DatasetError, match="wider_face_val_bbx_gt.txt: cannot be read"):
        wider_face(wider_root, "val")
    annotation = wider_root / "wider_face_split" / "wider_face_train_bbx_gt.txt"
    for damaged in (WIDER.rsplit("\n", 2)[0], WIDER.replace("2\n1 1", "many\n1 1"), "no annotation"):
        annotation.write_text(damaged)
        with pytest.raises(DatasetError, match="damaged at"):
            wider_face(wider_root, "train")


def test_decoded_cuts_the_centre_square_and_leaves_out_broken_files_by_name(tmp_path):
    root = tmp_path / "faces"
    for name, level in (("a", 10), ("b", 20), ("d", 40)):
        image(root / f"{name}.png", level, size=(20, 30))
    banded = np.full((30, 20), 255, np.uint8)
    banded[5:25] = 40  # the centre square
    Image.fromarray(banded).save(root / "d.png")
    (root / "c.png").write_text("broken")
    images, skipped = decoded(folder(root), 16, tmp_path / "cache", progress=False)
    assert skipped == ["c.png"]
    assert images.shape == (3, 16, 16, 3) and images.dtype == np.uint8 and isinstance(images, np.memmap)
    assert [np.unique(one).tolist() for one in images] == [[10], [20], [40]]


def test_decoded_opens_the_cache_again_and_renews_it_when_a_file_changes(tmp_path, monkeypatch):
    root, store = tmp_path / "faces", tmp_path / "cache"
    image(root / "a.png", 10)
    image(root / "b.png", 20)
    (root / "c.png").touch()
    first, skipped = decoded(folder(root), 8, store, progress=False)
    with monkeypatch.context() as patch:
        patch.setattr(cache, "read_picture", None)  # nothing is decoded a second time
        again, skipped_again = decoded(folder(root), 8, store, progress=False)
    assert np.array_equal(first, again) and skipped == skipped_again == ["c.png"]
    image(root / "a.png", 99, size=(31, 31))
    changed, _ = decoded(folder(root), 8, store, progress=False)
    assert changed[0, 0, 0, 0] == 99


def test_decoded_takes_names_that_are_not_utf8(tmp_path):
    image(tmp_path / "faces" / "a.png", 10)
    os.rename(tmp_path / "faces" / "a.png", os.fsencode(tmp_path / "faces") + b"/\xff.png")
    assert decoded(folder(tmp_path / "faces"), 8, tmp_path / "cache", progress=False)[0].shape == (1, 8, 8, 3)


def test_cache_folder_comes_from_the_environment_and_keeps_no_temporary_file(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "store"))
    image(tmp_path / "faces" / "a.png")
    decoded(folder(tmp_path / "faces"), 8, progress=False)
    images_file, skipped_file = sorted((tmp_path / "store").iterdir())
    assert images_file.suffix == ".npy" and json.loads(skipped_file.read_text()) == []


def test_a_full_disk_ends_the_decoding_at_once_and_few_images_wait_for_it(tmp_path, monkeypatch):
    """A limit on the size of files stands for the full disk: the system refuses what is written beyond it."""
    resource = pytest.importorskip("resource")
    files, seen = [tmp_path / f"{k:02}.png" for k in range(40)], []
    for file in files:
        Image.new("RGB", (64, 64)).save(file)
    read = cache.read_picture
    monkeypatch.setattr(cache, "read_picture", lambda file: seen.append(file) or read(file))
    monkeypatch.setattr(cache, "check_writable", lambda path, room: None)  # the disk fills later
    monkeypatch.setattr(cache, "AHEAD", 4)
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, former[1]))
        with pytest.raises(DatasetError, match="cannot write the image cache"):
            decoded(folder(tmp_path), 64, tmp_path / "cache", progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert len(seen) < 15 and not any((tmp_path / "cache").iterdir())


def test_set_without_a_readable_file_and_unwritable_cache_are_refused(tmp_path):
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "a.png").touch()
    with pytest.raises(DatasetError, match="none of its 1 image files"):
        decoded(folder(tmp_path / "faces"), 8, tmp_path / "cache", progress=False)
    assert list((tmp_path / "cache").iterdir()) == []
    for images, told in ((tmp_path / "faces", "not a PosixPath"), (folder(tmp_path / "faces").subset([]), "none is left")):
        with pytest.raises(DatasetError, match=told):
            decoded(images, 8, tmp_path / "cache", progress=False)
    with pytest.raises(CallError, match="size must be a whole number"):
        decoded(folder(tmp_path / "faces"), "8", tmp_path / "cache", progress=False)
    with pytest.raises(DatasetError, match="KERAS_FACESR_CACHE"):
        decoded(folder(tmp_path / "faces"), 8, tmp_path / "faces" / "a.png", progress=False)


def test_what_is_made_of_images_is_made_once_and_anew_for_other_images_or_by_another_function(tmp_path):
    calls = []

    def made(factor, images):
        make = lambda part: calls.append(len(part)) or part[:, ::2] * np.uint8(factor)  # noqa: E731
        return np.array(cache.made_once(make, images, tmp_path / "cache"))

    images = np.random.default_rng(0).integers(0, 9, (7, 4, 4, 3), np.uint8)
    for again in range(2):
        assert np.array_equal(made(2, images), images[:, ::2] * 2)
        assert calls == [4, 7] + [4] * again  # the second time only the first few
    other = images.copy()
    other[6, 3, 3, 2] += 1  # where the function does not look
    for factor, different in ((3, images), (2, other), (2, images[:6])):
        assert np.array_equal(made(factor, different), different[:, ::2] * factor)
    assert calls[3:] == [4, 7, 4, 7, 4, 6] and len([*(tmp_path / "cache").iterdir()]) == 4
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="cannot write the image cache"):
        cache.made_once(lambda part: part, images, tmp_path / "file")


def test_digits_are_read_from_folders_of_their_names_and_resized_to_any_shape(tmp_path):
    for digit, level in ((0, 10), (7, 200)):
        folder = tmp_path / "train" / str(digit)
        folder.mkdir(parents=True)
        Image.fromarray(np.full((20, 20), level, np.uint8)).save(folder / "a.png")
    found = open_dataset(tmp_path, split="train", kind="digits")
    assert found.labels.tolist() == [0, 7] and found.images.shape == (2, 20, 20)
    assert found.subset([1]).labels.tolist() == [7]
    resized = found.resized(16, 8)
    assert resized.shape == (2, 16, 8, 3) and resized[0].min() == resized[0].max() == 10
    with pytest.raises(DatasetError, match="no digit"):
        open_dataset(tmp_path, split="test", kind="digits")
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(tmp_path / "train" / "7" / "b.png")
    with pytest.raises(DatasetError, match="b.png: images of 20x20 and 20x10 pixels"):
        open_dataset(tmp_path, split="train", kind="digits")


def test_digits_that_the_protocol_would_cut_to_their_centre_are_refused(tmp_path):
    (tmp_path / "test" / "7").mkdir(parents=True)
    Image.fromarray(np.zeros((40, 20), np.uint8)).save(tmp_path / "test" / "7" / "a.png")
    with pytest.raises(DatasetError, match="7/a.png: 20x40 pixels are no square, which alone is measured; expected: square"):
        open_dataset(tmp_path, split="test", kind="digits")
