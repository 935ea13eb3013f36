"""Enlarge pictures by a model server, over REST or gRPC.

    python client.py face.png portrait.jpg -o out/ --rest http://localhost:8501
    python client.py face.png portrait.jpg -o out/ --grpc localhost:8500

REST needs Python alone; gRPC needs tensorflow-serving-api. Files travel as they are, to the signature ``encoded``.
"""

import argparse
import base64
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

SIGNATURE = "encoded"
TIMEOUT = 60.0  # seconds
LARGEST_MESSAGE = 64 * 2**20  # bytes; gRPC's own limit for an answer is 4 MiB


class ServerError(Exception):
    """What the server, or the way to it, says in place of an answer."""


class RestClient:
    """A model of a server, by its REST address such as http://localhost:8501."""

    def __init__(self, address, model, version=None):
        place = f"/versions/{version}" if version else ""
        self.url = f"{address}/v1/models/{model}{place}:predict"

    def enlarge(self, files):
        """Bytes of N pictures -> N pairs (bytes of a PNG file, error), of which one is empty; ServerError."""
        request = urllib.request.Request(self.url, rest_body(files), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return rest_answers(response.read())
        except urllib.error.HTTPError as error:
            raise ServerError(rest_error(error.read()) or str(error)) from error
        except OSError as error:
            raise ServerError(f"{self.url}: {error}") from error


class GrpcClient:
    """A model of a server, by its gRPC address such as localhost:8500."""

    def __init__(self, address, model, version=None):
        import grpc
        from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

        self.model, self.version, self.failure = model, version, grpc.RpcError
        channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", LARGEST_MESSAGE)])
        self.predict = PredictionServiceStub(channel).Predict

    def enlarge(self, files):
        """As ``RestClient.enlarge``."""
        try:
            return grpc_answers(self.predict(grpc_request(files, self.model, self.version), timeout=TIMEOUT))
        except self.failure as error:
            raise ServerError(f"{error.code().name}: {error.details()}") from error


def rest_body(files):
    """The body of a REST request: one row a picture."""
    rows = [{"b64": base64.b64encode(file).decode("ascii")} for file in files]
    return json.dumps({"signature_name": SIGNATURE, "instances": rows}).encode("ascii")


def rest_answers(body):
    """[(bytes of a PNG file, error), ...] of the body of an answer."""
    return [(base64.b64decode(row["sr_bytes"]["b64"]), row["errors"]) for row in json.loads(body)["predictions"]]


def rest_error(body):
    """What the body of a refusal says, or an empty string where it is not JSON."""
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""


def grpc_request(files, model, version=None):
    """The PredictRequest for the bytes of pictures."""
    from tensorflow import make_tensor_proto
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    request = PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = SIGNATURE
    if version:
        request.model_spec.version.value = version
    request.inputs["files"].CopyFrom(make_tensor_proto(files, dtype="string", shape=[len(files)]))
    return request


def grpc_answers(response):
    """[(bytes of a PNG file, error), ...] of a PredictResponse."""
    pngs, errors = (response.outputs[name].string_val for name in ("sr_bytes", "errors"))
    return [(png, error.decode()) for png, error in zip(pngs, errors)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT_DIR")
    parser.add_argument("--model", default="sam", metavar="NAME", help="as the server calls it (default: %(default)s)")
    parser.add_argument("--version", type=int, metavar="N", help="of the model (default: the latest)")
    server = parser.add_mutually_exclusive_group(required=True)
    server.add_argument("--rest", metavar="URL")
    server.add_argument("--grpc", metavar="HOST:PORT")
    args = parser.parse_args()
    client = (RestClient if args.rest else GrpcClient)(args.rest or args.grpc, args.model, args.version)
    args.out.mkdir(parents=True, exist_ok=True)
    failed = False
    for picture in args.pictures:
        try:
            ((png, error),) = client.enlarge([picture.read_bytes()])
        except (OSError, ServerError) as failure:
            png, error = b"", str(failure)
        if error:
            print(f"{picture}: {error}", file=sys.stderr)
            failed = True
            continue
        target = args.out / f"{picture.stem}_{args.model}.png"
        partial = target.with_suffix(".partial")
        partial.write_bytes(png)
        partial.replace(target)
        print(f"{picture} -> {target}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
