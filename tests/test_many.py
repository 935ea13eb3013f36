"""Many pictures at once: in batches of equal size, told of in their order, as they would be one by one."""

import numpy as np
from PIL import Image
from stand_ins import Convolved, Nearest

from keras_facesr.data.images import read_picture
from keras_facesr.inference import enlarge_picture, many
from keras_facesr.inference.many import Wanted, answer_files


def planned(folder, sizes):
    """A plan of pictures of noise of these (height, width)."""
    plan, rng = {}, np.random.default_rng(0)
    for k, size in enumerate(sizes):
        file = folder / f"{k}.png"
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(file)
        plan[file] = [folder / "out" / f"{k}_large.png"]
    return plan


def test_pictures_of_equal_size_share_a_pass_and_are_told_of_in_their_order(tmp_path, monkeypatch):
    model, shapes, enlarge = Convolved(), [], many.enlarge_in_passes
    monkeypatch.setattr(many, "enlarge_in_passes", lambda model, lr: shapes.append(lr.shape[:3]) or enlarge(model, lr))
    plan = planned(tmp_path, [(8, 8), (6, 9), (8, 8), (8, 8), (6, 9), (20, 20), (8, 8)])
    broken = tmp_path / "0.png"
    broken.write_bytes(b"no picture")
    answers = [*answer_files(model, plan, Wanted(tile=16, consistently=True))]
    assert [answer.file for answer in answers] == [*plan] and [answer.file for answer in answers if answer.error] == [broken]
    assert shapes == [(2, 6, 9), (2, 8, 8), (1, 8, 8)], "the broken one is out, the large one for itself"
    for answer in answers[1:]:
        one = enlarge_picture(model, read_picture(answer.file), tile=16, consistently=True)
        assert np.abs(read_picture(answer.written[0]).rgb.astype(int) - one).max() <= 1


def test_three_batches_are_in_memory_at_most(tmp_path, monkeypatch):
    monkeypatch.setattr(many, "MOST", 4)
    plan, read, seen = planned(tmp_path, [(2, 2)] * 40), [], many._read
    monkeypatch.setattr(many, "_read", lambda *of: read.append(of) or seen(*of))
    ahead = [len(read) - told for told, _ in enumerate(answer_files(Nearest(), plan, Wanted()), 1)]
    assert len(ahead) == 40 and max(ahead) <= 3 * 4
