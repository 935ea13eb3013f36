"""The example client's messages over the Open Inference Protocol, byte by byte, and what answers Triton's batches."""

import io
import json
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_facesr as fsr

pytest.importorskip("onnxruntime")
sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "serving"))

from over_oip import OipClient, oip_message  # noqa: E402
from over_rest import ServerError  # noqa: E402
from served import packed, small_sam  # noqa: E402
from triton_network import Network  # noqa: E402

RNG = np.random.default_rng(0)


def test_a_request_is_json_and_behind_it_each_file_with_its_length():
    about, tensors = oip_message([b"abc", b""])
    assert tensors == b"\x03\x00\x00\x00abc\x00\x00\x00\x00"
    (files,) = json.loads(about)["inputs"]
    assert files == {"name": "files", "shape": [2, 1], "datatype": "BYTES", "parameters": {"binary_data_size": 11}}


@pytest.fixture(scope="module")
def network():
    return small_sam()


@pytest.fixture(scope="module")
def served(network, tmp_path_factory):
    """The address of an HTTP server that parses requests by the protocol's text and answers by Triton's ``Network``."""
    file = tmp_path_factory.mktemp("onnx") / "sam.onnx"
    fsr.export(network, file)
    answering = Network(file)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v2/models/sam/infer":
                return self.answer(404, json.dumps({"error": f"no {self.path}"}).encode(), 0)
            place, files = int(self.headers["Inference-Header-Content-Length"]), []
            while place < len(body):
                (length,) = struct.unpack_from("<I", body, place)
                files.append(body[place + 4 : place + 4 + length])
                place += 4 + length
            outputs, tensors = [], b""
            for name, texts in zip(("sr_bytes", "errors"), answering.answers(files)):
                tensor = b"".join(struct.pack("<I", len(text)) + text for text in texts)
                about = {"name": name, "datatype": "BYTES", "shape": [len(files), 1]}
                outputs.append({**about, "parameters": {"binary_data_size": len(tensor)}})
                tensors += tensor
            head = json.dumps({"model_name": "sam", "outputs": outputs}).encode()
            return self.answer(200, head + tensors, len(head))

        def answer(self, code, body, head):
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Inference-Header-Content-Length", str(head))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_pictures_of_any_sizes_share_a_request_and_a_broken_one_has_its_own_error(served, network):
    faces = [RNG.integers(0, 256, (height, width, 3), np.uint8) for height, width in ((16, 16), (17, 30), (16, 16))]
    large = packed(np.zeros((520, 520, 3), np.uint8))
    files = [packed(faces[0]), b"no picture", packed(faces[1]), packed(faces[0])[:40], packed(faces[2]), large]
    answers = OipClient(served, "sam").enlarge(files)
    for (png, error), face in zip(answers[::2], faces, strict=True):
        assert error == ""
        difference = np.asarray(Image.open(io.BytesIO(png))).astype(int) - network.upscale(face)
        assert np.abs(difference).max() <= 1
    errors = [error for png, error in answers[1::2] if not png]
    assert errors == 2 * ["not a whole picture in a format that is read here"] + ["more than 262144 pixels"]


def test_whatever_pillow_raises_of_one_file_the_others_of_its_batch_are_answered(network, tmp_path, monkeypatch):
    fsr.export(network, tmp_path / "sam.onnx")
    face, opened = packed(RNG.integers(0, 256, (16, 16, 3), np.uint8)), Image.open

    def broken(file, **how):
        if file.getvalue() != face:
            raise RuntimeError("Failed to decode frame 0")  # as of a damaged AVIF file
        return opened(file, **how)

    monkeypatch.setattr(Image, "open", broken)
    pngs, errors = Network(tmp_path / "sam.onnx").answers([face, b"damaged"])
    assert pngs[0] and errors == [b"", b"not a whole picture in a format that is read here"]


def test_gray_of_16_bits_is_read_as_light_as_it_is_and_what_has_no_range_or_starts_programs_is_not(served, network):
    gray, file = np.arange(256, dtype=np.uint16).reshape(16, 16), {}
    for kind, image in {
        "PNG": Image.fromarray(gray * 257),
        "TIFF": Image.fromarray(gray.astype(np.float32)),
        "EPS": Image.fromarray(gray.astype(np.uint8)),
    }.items():
        image.save(held := io.BytesIO(), kind)
        file[kind] = held.getvalue()
    (png, error), *others = OipClient(served, "sam").enlarge([file["PNG"], file["TIFF"], file["EPS"]])
    expected = network.upscale(gray.astype(np.uint8))
    assert error == "" and np.abs(np.asarray(Image.open(io.BytesIO(png))).astype(int) - expected).max() <= 1
    assert others == 2 * [(b"", "not a whole picture in a format that is read here")]


def test_a_refusal_and_a_server_that_is_not_there_are_told_in_a_line(served):
    with pytest.raises(ServerError, match="^no /v2/models/other/versions/3/infer$"):
        OipClient(served, "other", 3).enlarge([b""])
    with pytest.raises(ServerError, match="^http://127.0.0.1:9/v2/models/sam/infer: .*refused"):
        OipClient("http://127.0.0.1:9", "sam").enlarge([b""])
