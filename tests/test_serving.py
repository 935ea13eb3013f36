"""What the example client sends, answered by the served model's signatures through a stand-in for the server."""

import io
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import keras_facesr as fsr

pytest.importorskip("tensorflow_serving")
EXAMPLE = Path(__file__).parents[1] / "examples" / "serving"
sys.path.insert(0, str(EXAMPLE))

import over_grpc  # noqa: E402
import over_rest  # noqa: E402
import prepare  # noqa: E402
from served import packed, small_sam  # noqa: E402
from serving_stand_in import serving  # noqa: E402

SIZES = [(16, 16), (17, 30), (40, 24), (64, 64), (9, 12)]


FACES = [
    np.ascontiguousarray(astronaut()[60 + k : 60 + k + height, 190 : 190 + width]) for k, (height, width) in enumerate(SIZES)
]
BROKEN = {
    "empty": (b"", "not a whole"),
    "text": (b"a face, in words", "not a whole"),
    "a third of a JPEG file": (packed(FACES[3], "JPEG")[: len(packed(FACES[3], "JPEG")) // 3], "not a whole"),
    "half of a PNG file": (packed(FACES[3], "PNG")[: len(packed(FACES[3], "PNG")) // 2], "not a whole"),
    "far too many pixels": (packed(np.zeros((900, 900, 3), np.uint8), "PNG"), "more than 262144 pixels"),
}


@pytest.fixture(scope="module")
def network():
    return small_sam()


@pytest.fixture(scope="module")
def models(network, tmp_path_factory):
    """models/sam/1 and the beginning of another version, as if it were just being copied."""
    folder = tmp_path_factory.mktemp("models") / "sam"
    fsr.export(network, folder / "1", format="savedmodel")
    prepare.write_warmup(folder / "1", "sam")
    (folder / ".partial-2").mkdir()
    return folder


@pytest.fixture(scope="module")
def served(models):
    with serving(models) as (model, grpc_address, rest_address):
        yield model, grpc_address, rest_address


@pytest.fixture(params=["rest", "grpc"])
def sam(request, served):
    _, grpc_address, rest_address = served
    return over_rest.RestClient(rest_address, "sam") if request.param == "rest" else over_grpc.GrpcClient(grpc_address, "sam")


def check(answer, expected):
    png, error = answer
    assert error == ""
    assert np.abs(np.asarray(Image.open(io.BytesIO(png))).astype(int) - expected).max() <= 1


def test_the_warm_up_requests_are_answered_before_any_other(served):
    assert served[0].warmed == len(prepare.WARM_SIDES)


def test_files_of_all_sizes_in_one_request_are_enlarged(sam, network):
    for face, answer in zip(FACES, sam.enlarge([packed(face, "PNG") for face in FACES])):
        check(answer, network.upscale(face))


def test_a_broken_file_gets_its_own_error_and_its_neighbours_their_answers(sam, network):
    for name, (file, reason) in BROKEN.items():
        (first, (png, error), last) = sam.enlarge([packed(FACES[0], "PNG"), file, packed(FACES[1], "PNG")])
        assert png == b"" and error.startswith(reason), name
        check(first, network.upscale(FACES[0]))
        check(last, network.upscale(FACES[1]))


@pytest.mark.parametrize("how", [{"model": "sim"}, {"model": "sam", "version": 7}])
@pytest.mark.parametrize("kind", ["rest", "grpc"])
def test_what_the_server_does_not_have_is_refused_in_its_words(how, kind, served):
    _, grpc_address, rest_address = served
    asked = over_rest.RestClient(rest_address, **how) if kind == "rest" else over_grpc.GrpcClient(grpc_address, **how)
    with pytest.raises(over_rest.ServerError, match="Servable not found"):
        asked.enlarge([b""])


@pytest.mark.parametrize("kind", [over_rest.RestClient, over_grpc.GrpcClient])
def test_a_server_that_is_not_there_is_an_error_of_one_line(kind):
    address = "127.0.0.1:9"
    with pytest.raises(over_rest.ServerError) as refused:
        kind(f"http://{address}" if kind is over_rest.RestClient else address, "sam").enlarge([b""])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 200 OK\r\n\r\n<html>", b'HTTP/1.0 200 OK\r\n\r\n{"predictions": [1]}', b"\0\0\6\4"]
)
def test_another_program_at_the_servers_address_is_an_error_of_one_line(answer):
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def answers():
            with server.accept()[0] as caller:
                caller.recv(2**16)
                caller.sendall(answer)

        pool.submit(answers)
        with pytest.raises(over_rest.ServerError) as refused:
            over_rest.RestClient(f"http://127.0.0.1:{server.getsockname()[1]}", "sam").enlarge([b""])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("address", ["localhost", "localhost:8501"])
def test_an_address_without_its_scheme_is_an_error_of_one_line(address):
    with pytest.raises(over_rest.ServerError, match="unknown url type"):
        over_rest.RestClient(address, "sam").enlarge([b""])


def test_the_clients_command_writes_pictures_and_names_what_failed(served, network, tmp_path):
    (tmp_path / "face.jpg").write_bytes(packed(FACES[0], "PNG"))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    (tmp_path / "face.png").write_bytes(packed(FACES[1], "PNG"))
    pictures = [tmp_path / name for name in ("broken.png", "absent.png", "face.jpg", "face.png")]
    command = [sys.executable, EXAMPLE / "client.py", *pictures, "-o", tmp_path / "out", "--rest", served[2]]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    *failed, twice = run.stderr.splitlines()
    assert [line.split(": ")[0] for line in failed] == [str(path) for path in pictures[:2]]
    assert twice == f"{pictures[3]}: {tmp_path / 'out' / 'face_sam.png'} exists already; give it an -o of its own"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["face_sam.png"]
    check(((tmp_path / "out" / "face_sam.png").read_bytes(), ""), network.upscale(FACES[0]))


def test_where_the_client_can_make_no_folder_it_says_so_in_one_line(tmp_path):
    (tmp_path / "out").write_bytes(b"a file")
    command = [sys.executable, EXAMPLE / "client.py", "face.png", "-o", tmp_path / "out", "--rest", "http://127.0.0.1:9"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (2, f"{tmp_path / 'out'}: no folder can be made there (File exists)\n")


def test_the_servers_configuration_is_in_its_own_language():
    from google.protobuf import text_format
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    config = text_format.Parse((EXAMPLE / "models.config").read_text(), ModelServerConfig())
    (entry,) = config.model_config_list.config
    assert (entry.name, entry.base_path, entry.model_version_policy.latest.num_versions) == ("sam", "/models/sam", 2)


def resident_megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_thousand_requests_at_once_are_each_answered_rightly_and_memory_stays_flat(served, network, monkeypatch):
    for client in (over_rest, over_grpc):
        monkeypatch.setattr(client, "TIMEOUT", 600.0)  # the last of them waits for all the others
    model, grpc_address, rest_address = served
    clients = [over_rest.RestClient(rest_address, "sam"), over_grpc.GrpcClient(grpc_address, "sam")]
    files = [packed(face, "PNG") for face in FACES]
    expected = [network.upscale(face) for face in FACES]
    broken = list(BROKEN.values())

    def ask(number):
        asked = clients[number % 2]
        if number % 20 == number // 20 % 20:  # one in twenty
            file, reason = broken[number // 20 % len(broken)]
            ((png, error),) = asked.enlarge([file])
            assert png == b"" and error.startswith(reason)
            return "broken"
        which = number % len(files)
        (answer,) = asked.enlarge([files[which]])
        check(answer, expected[which])
        return "good"

    def rush():
        with ThreadPoolExecutor(1000) as pool:
            return list(pool.map(ask, range(1000)))

    rush()  # threads, connections and TensorFlow's pools have what they need
    model.batch_sizes.clear()
    before = resident_megabytes()
    told = rush()
    assert (told.count("good"), told.count("broken")) == (950, 50)
    assert np.mean(model.batch_sizes) > 2, "requests were merged, so that one could have spoilt others"
    growth = resident_megabytes() - before
    assert growth < 60, "megabytes"
