"""A client for a model server over gRPC, by tensorflow-serving-api. It sends files unchanged, to the signature ``encoded``."""

import grpc
from over_rest import SIGNATURE, TIMEOUT, ServerError
from tensorflow import make_tensor_proto
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

LARGEST_MESSAGE = 64 * 2**20  # bytes; gRPC's own limit for an answer is 4 MiB


class GrpcClient:
    """A model on a server with a gRPC address such as localhost:8500."""

    def __init__(self, address, model, version=None):
        self.model, self.version = model, version
        channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", LARGEST_MESSAGE)])
        self.predict = PredictionServiceStub(channel).Predict

    def enlarge(self, files):
        """As ``RestClient.enlarge``."""
        try:
            return grpc_answers(self.predict(grpc_request(files, self.model, self.version), timeout=TIMEOUT))
        except grpc.RpcError as error:
            raise ServerError(f"{error.code().name}: {error.details()}") from error


def grpc_request(files, model, version=None):
    """The PredictRequest for pictures, given as the bytes of their files."""
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
