"""A stand-in for TensorFlow Serving: one model folder, over gRPC and REST, with its warm-up and its batches of several clients.

What it does of the server: the highest version is served; the warm-up requests are answered first; requests for ``encoded``
that come together are merged along their first axis; REST follows json_tensor.cc (rows, base64 where a name ends in _bytes).
"""

import base64
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2, prediction_service_pb2_grpc

MERGED = "encoded"
TIMEOUT = 600.0


class Model:
    """The latest version in a folder."""

    def __init__(self, folder, max_batch_size, batch_timeout):
        self.folder, self.max_batch_size, self.batch_timeout = folder, max_batch_size, batch_timeout
        self.version = max(int(path.name) for path in folder.iterdir() if path.name.isdecimal())
        path = folder / str(self.version)
        self.loaded = tf.saved_model.load(str(path))
        self.queue, self.batch_sizes = Queue(), []
        threading.Thread(target=self._serve_batches, daemon=True).start()
        self.warmed = 0
        for record in tf.data.TFRecordDataset(str(path / "assets.extra" / "tf_serving_warmup_requests")):
            self.predict(prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request)
            self.warmed += 1

    def predict(self, request):
        """PredictResponse; LookupError for what is not here, ValueError for inputs that do not fit."""
        spec = request.model_spec
        if spec.name != self.folder.name or (spec.HasField("version") and spec.version.value != self.version):
            raise LookupError(f"Servable not found for request: {spec.name}")
        name = spec.signature_name or "serving_default"
        if name not in self.loaded.signatures:
            raise LookupError(f"Serving signature name: {name!r} not found in signature def")
        wanted = self.loaded.signatures[name].structured_input_signature[1]
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        if set(inputs) != set(wanted):
            raise ValueError(f"input keys {sorted(inputs)}, expected {sorted(wanted)}")
        outputs = self._merged(inputs) if name == MERGED else self._run(name, inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(spec)
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    def _run(self, name, inputs):
        outputs = self.loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        return {key: value.numpy() for key, value in outputs.items()}

    def _merged(self, inputs):
        answer = Future()
        self.queue.put((inputs["files"], answer))
        return answer.result(TIMEOUT)

    def _serve_batches(self):
        while True:
            tasks = [self.queue.get()]
            try:
                while sum(len(files) for files, _ in tasks) < self.max_batch_size:
                    tasks.append(self.queue.get(timeout=self.batch_timeout))
            except Empty:
                pass
            self.batch_sizes.append(len(tasks))
            try:
                outputs = self._run(MERGED, {"files": [file for files, _ in tasks for file in files]})
            except Exception as error:  # as in the server, a batch fails whole
                for _, answer in tasks:
                    answer.set_exception(ValueError(str(error)))
                continue
            start = 0
            for files, answer in tasks:
                answer.set_result({key: value[start : start + len(files)] for key, value in outputs.items()})
                start += len(files)


class _Grpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model):
        self.model = model

    def Predict(self, request, context):
        try:
            return self.model.predict(request)
        except LookupError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


class _Rest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            self._answer(200, _rows(self.server.model.predict(_request(self.path, body))))
        except LookupError as error:
            self._answer(404, {"error": str(error)})
        except ValueError as error:  # of JSON and of base64 too
            self._answer(400, {"error": str(error)})

    def _answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 1024


def _request(path, body):
    """PredictRequest of a REST request whose rows are single byte strings."""
    place, _, verb = path.rpartition(":")
    parts = place.strip("/").split("/")
    if verb != "predict" or parts[:2] != ["v1", "models"] or len(parts) not in (3, 5):
        raise LookupError(f"Malformed request: POST {path}")
    content = json.loads(body)
    files = [base64.b64decode(row["b64"], validate=True) for row in content["instances"]]
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = parts[2], content["signature_name"]
    if parts[3:]:
        request.model_spec.version.value = int(parts[4])
    request.inputs["files"].CopyFrom(tf.make_tensor_proto(files, dtype=tf.string, shape=[len(files)]))
    return request


def _rows(response):
    """{"predictions": [...]}: one object a row, byte strings as base64; other strings must be text."""
    names = sorted(response.outputs)
    columns = []
    for name in names:
        values = response.outputs[name].string_val
        if name.endswith("_bytes"):
            columns.append([{"b64": base64.b64encode(value).decode()} for value in values])
        else:
            columns.append([value.decode() for value in values])
    return {"predictions": [dict(zip(names, row)) for row in zip(*columns)]}


@contextmanager
def serving(folder, max_batch_size=16, batch_timeout=0.005):
    """Serve a model folder; yields the model, the gRPC and the REST address."""
    model = Model(folder, max_batch_size, batch_timeout)
    server = grpc.server(ThreadPoolExecutor(64))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Grpc(model), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with _Server(("127.0.0.1", 0), _Rest) as http:
        http.model = model
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield model, f"127.0.0.1:{port}", f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
    server.stop(0).wait()
