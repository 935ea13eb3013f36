"""The page of ``facesr demo``: its jobs, and the whole of it in a real browser."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

import numpy as np
import pytest
from PIL import Image
from stand_ins import Nearest

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.degrade import resize
from keras_facesr.demo import jobs
from keras_facesr.errors import ImageError
from keras_facesr.inference import demo_face
from keras_facesr.models.stochastic import Stochastic

FACE = resize(demo_face(), 16, 16)
ROOT = Path(fsr.__file__).parents[1]
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def face(tmp_path):
    Image.fromarray(FACE).save(tmp_path / "face.png")
    return tmp_path / "face.png"


@pytest.fixture
def stand_ins(catalogue, monkeypatch):
    """The stand-in models; none of them stays loaded."""
    monkeypatch.setattr(jobs, "load", fsr.load)


@pytest.fixture
def gradio():
    return pytest.importorskip("gradio", reason="the page needs Gradio: pip install 'keras_facesr[demo]'")


# Its jobs.


def test_models_that_enlarge_are_offered_and_no_others(stand_ins):
    assert list(jobs.enlargers()) == ["nearest_x4", "noisy_x2", "noisy_x4"]


def test_an_answer_is_written_whole_under_the_commands_name_and_shown_beside_bicubic(stand_ins, face, tmp_path, monkeypatch):
    bicubic, sr, path = jobs.enlarge(face, "nearest_x4", tmp_path)
    assert path.name == "face_nearest_x4.png"
    np.testing.assert_array_equal(pixels(path), FACE.repeat(4, axis=0).repeat(4, axis=1))
    np.testing.assert_array_equal(np.asarray(sr), pixels(path))
    np.testing.assert_array_equal(np.asarray(bicubic), resize(FACE, 64, 64))
    monkeypatch.setattr(jobs, "VIEW_SIDE", 32)
    bicubic, sr, again = jobs.enlarge(face, "nearest_x4", tmp_path)
    assert bicubic.size == sr.size == (32, 32) and pixels(again).shape == (64, 64, 3) and again != path


def test_samples_a_walk_between_them_and_their_deviation_are_drawn(stand_ins, face, tmp_path):
    done = []
    answers = jobs.draw(face, "noisy_x4", 3, 5, tmp_path, lambda part, parts: done.append(part / parts))
    assert [path.name for path in answers.samples] == [f"face_noisy_x4_{k}.png" for k in (1, 2, 3)]
    samples = np.stack([pixels(path) for path in answers.samples])
    assert samples.shape == (3, 64, 64, 3) and (samples[0] != samples[1]).any()
    assert len(answers.walk) == jobs.WALK_STEPS and done[-1] == 1
    assert answers.heat.shape == (64, 64, 3) and 0.05 < answers.largest < 0.2  # levels deviate by a tenth
    assert jobs.HEAT[-1] in {tuple(colour) for colour in answers.heat.reshape(-1, 3).tolist()}


def test_heat_runs_through_its_colours_and_gets_lighter():
    heat = jobs.heat_of(np.linspace(0.0, 1.0, 9)[None])
    assert [tuple(colour) for colour in heat[0, ::2].tolist()] == list(jobs.HEAT)
    assert (np.diff(heat[0].astype(float) @ (0.299, 0.587, 0.114)) > 0).all()


def test_answers_that_agree_have_no_deviation(stand_ins, face, tmp_path, monkeypatch):
    certain = type("Certain", (Stochastic, Nearest), {"sample": lambda model, lr, n, seed: np.stack([model(lr)] * n)})()
    certain.traverse = certain.sample
    monkeypatch.setattr(jobs, "load", lambda name: certain)
    answers = jobs.draw(face, "certain", 2, 0, tmp_path)
    assert answers.largest == 0 and (answers.heat == jobs.HEAT[0]).all()


def test_a_picture_of_another_size_than_the_models_own_is_remarked_on(stand_ins, face, tmp_path, monkeypatch):
    monkeypatch.setattr(presets.Preset, "own_size", (16, 16))
    remarks = []
    jobs.enlarge(face, "nearest_x4", tmp_path, remark=remarks.append)
    assert not remarks
    Image.fromarray(FACE[:, :12]).save(face)
    jobs.enlarge(face, "nearest_x4", tmp_path, remark=remarks.append)
    assert [remark.split(",")[0] for remark in remarks] == ["12x16 pixels"]


def test_the_built_in_face_is_as_small_as_the_model_expects(stand_ins, tmp_path):
    assert [pixels(jobs.built_in(name, tmp_path)).shape for name in ("nearest_x4", "noisy_x2")] == [(16, 16, 3), (32, 32, 3)]


def test_what_cannot_be_enlarged_is_named_without_its_folder(stand_ins, face, tmp_path, monkeypatch):
    bad = tmp_path / "bad.png"
    bad.write_text("not a picture")
    with pytest.raises(ImageError, match="^bad.png: not an image that can be read here"):
        jobs.enlarge(bad, "nearest_x4", tmp_path)
    with pytest.raises(ImageError, match="drop a picture"):
        jobs.enlarge(None, "nearest_x4", tmp_path)
    monkeypatch.setattr(jobs, "PAGE_PIXELS", 63 * 64)
    with pytest.raises(ImageError, match="^face.png: 16x16 pixels are many for a page"):
        jobs.enlarge(face, "nearest_x4", tmp_path)


# Its command.


def test_a_call_that_cannot_be_is_refused(facesr):
    models = ("nobody", "components_celebamask", "varsr_x4_mnist")
    for option in (("--port", "0"), ("--port", "65536"), *(("--model", name) for name in models)):
        result = facesr("demo", *option)
        assert result.code == 2 and result.err.count("\n") == 1 and option[1] in result.err


def test_without_gradio_the_command_says_how_to_get_it(facesr, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for module in ("page", "face_tab", "photo_tab", "kit"):
        monkeypatch.delitem(sys.modules, f"keras_facesr.demo.{module}", raising=False)
    result = facesr("demo")
    assert (result.code, result.err) == (2, "facesr: gradio is not installed: pip install 'keras_facesr[demo]'\n")


@pytest.fixture
def port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_a_port_that_is_taken_is_named(gradio, facesr, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")  # and put back what it was
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr("keras_facesr.cli.page.start_keras", lambda _: pytest.fail("Keras was started for nothing"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = facesr("demo", "--port", port)
    assert result.code == 1
    assert result.err == f"facesr: 127.0.0.1:{port} cannot be listened on: choose another port with --port\n"


def test_a_message_reaches_the_page_as_text(gradio):
    from keras_facesr.demo.kit import friendly

    @friendly
    def fail():
        raise ImageError("<b>.png: the file is empty")

    with pytest.raises(gradio.Error) as caught:
        fail()
    assert caught.value.message == "&lt;b&gt;.png: the file is empty"


def test_what_is_said_to_the_page_itself_passes_no_proxy(gradio, monkeypatch):
    from keras_facesr.demo.kit import directly

    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    before = dict(os.environ)
    with directly():
        assert not getproxies_environment()
    assert os.environ == before


@pytest.mark.slow
@pytest.mark.parametrize("proxy", ["http_proxy=http://127.0.0.1:9", "ALL_PROXY=socks5://127.0.0.1:9"])
def test_the_page_asks_no_proxy(gradio, proxy):
    name, address = proxy.split("=")
    command = [sys.executable, "-m", "keras_facesr", "demo"]
    environment = {**os.environ, name: address}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as page:
        try:
            said = page.stdout.readline()
        finally:
            page.terminate()
        assert said.startswith("the page is at http://127.0.0.1:"), page.stderr.read()


# The page in a browser.


@pytest.fixture
def page(gradio, port, tmp_path):
    """The address of the page, served by a process that leaves nothing behind."""
    kept = tmp_path / "kept"
    kept.mkdir()
    command = [sys.executable, "-m", "keras_facesr", "demo", "--port", str(port)]
    environment = {**os.environ, "TMPDIR": str(kept)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == f"the page is at http://127.0.0.1:{port}/ until Ctrl+C\n"
            assert len(list(kept.glob("facesr_demo_*"))) == 1
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            assert process.wait(60) == 0
    assert not [path for path in kept.rglob("*") if path.is_file()]


@pytest.fixture
def browser(tmp_path):
    """Chromium without a window; what it downloads comes to ``tmp_path / "downloads"``."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="the browser is driven by Selenium: pip install selenium")
    if not (BROWSER and DRIVER):
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    quiet = (
        "no-first-run disable-background-networking disable-component-update disable-sync disable-quic disable-gpu no-sandbox"
    )
    for flag in ["headless=new", *quiet.split(), f"user-data-dir={tmp_path / 'profile'}", "window-size=1280,1700"]:
        options.add_argument(f"--{flag}")
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "downloads")})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Visitor:
    """Someone at the page, who waits for what they are promised."""

    def __init__(self, browser, address):
        from selenium.webdriver.support.ui import WebDriverWait

        self.browser, self.waiting = browser, WebDriverWait(browser, 180)
        browser.get(address)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def see(self, selector):
        """The first such element, as soon as there is one."""
        return self.waiting.until(lambda _: self.all(selector))[0]

    def click(self, selector):
        element = self.see(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        self.waiting.until(lambda _: element.is_enabled())
        element.click()

    def drop(self, path):
        self.see("#file input[type=file]").send_keys(str(path))

    def text(self, selector):
        return self.waiting.until(lambda _: " ".join(element.text for element in self.all(selector)))

    def address_of(self, selector):
        return self.see(selector).get_attribute("src")

    def servers(self):
        """Whom the page asked for anything."""
        messages = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        urls = [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return {urlsplit(url).hostname for url in urls if url.startswith(("http", "ws"))}


@pytest.mark.slow
def test_a_visitor_enlarges_samples_and_downloads_and_reads_what_is_wrong_with_a_file(page, browser, face, tmp_path):
    visitor = Visitor(browser, page)
    visitor.drop(face)
    visitor.see("#picture img")

    visitor.click("#enlarge")
    bicubic, sr = visitor.waiting.until(lambda _: len(visitor.all("#compare img")) == 2 and visitor.all("#compare img"))
    assert bicubic.get_attribute("src") != sr.get_attribute("src")
    visitor.waiting.until(lambda _: {image.get_property("naturalWidth") for image in (bicubic, sr)} == {128})
    visitor.click("#download")
    downloaded = tmp_path / "downloads" / "face_sam_small_x8.png"
    visitor.waiting.until(lambda _: downloaded.exists())
    expected = fsr.load("sam").upscale(face).astype(int)
    assert np.abs(pixels(downloaded) - expected).max() <= 1  # as another process rounds

    visitor.click("#draw")
    visitor.see("#heat img")
    assert len(visitor.all("#gallery .grid-container img")) == 8
    assert "of 255 levels" in visitor.text("#heat-key")
    assert visitor.address_of("#step img").endswith("_walk_1.png")
    position = visitor.see("#position input[type=range]")
    position.send_keys("\ue014" * 3)  # the arrow key to the right
    visitor.waiting.until(lambda _: visitor.address_of("#step img").endswith("_walk_4.png"))

    bad = tmp_path / "bad.png"
    bad.write_text("not a picture")
    visitor.click("#file button[aria-label=Clear]")
    visitor.drop(bad)
    assert "bad.png: not an image that can be read here" in visitor.text(".toast-body")
    visitor.waiting.until(lambda _: not visitor.all("#compare img"))
    assert not visitor.all("#heat img")
    visitor.waiting.until(lambda _: not visitor.all("#picture img"))
    assert visitor.servers() == {"127.0.0.1"}
