"""A client over the Open Inference Protocol (KServe's second), with Python alone, for Triton and others that speak it.

Files go as they are: behind a message's JSON stands each of them, its length before it (the protocol's binary tensors).
"""

import http.client
import json
import struct
import urllib.error
import urllib.request

from over_rest import TIMEOUT, ServerError, rest_error

LENGTH = "Inference-Header-Content-Length"  # of the JSON


class OipClient:
    """A model on a server with an HTTP address such as http://localhost:8000."""

    def __init__(self, address, model, version=None):
        place = f"/versions/{version}" if version else ""
        self.url = f"{address}/v2/models/{model}{place}/infer"

    def enlarge(self, files):
        """As ``RestClient.enlarge``."""
        about, tensors = oip_message(files)
        headers = {LENGTH: str(len(about)), "Content-Type": "application/octet-stream"}
        try:
            request = urllib.request.Request(self.url, about + tensors, headers)
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return oip_answers(response.read(), int(response.headers[LENGTH]))
        except urllib.error.HTTPError as error:
            raise ServerError(rest_error(error.read()) or str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"{self.url}: {getattr(error, 'reason', error)}") from error
        except (ValueError, KeyError, TypeError, struct.error) as error:  # no address, or that of another program
            raise ServerError(f"{self.url}: no model server answers there ({error})") from error


def oip_message(files):
    """The JSON of a request, one row for each picture, and the bytes behind it."""
    tensors = b"".join(struct.pack("<I", len(file)) + file for file in files)
    binary = {"binary_data_size": len(tensors)}
    asked = [{"name": name, "parameters": {"binary_data": True}} for name in ("sr_bytes", "errors")]
    inputs = [{"name": "files", "shape": [len(files), 1], "datatype": "BYTES", "parameters": binary}]
    return json.dumps({"inputs": inputs, "outputs": asked}).encode("ascii"), tensors


def oip_answers(body, length):
    """[(bytes of a PNG file, error), ...] from an answer whose JSON has so many bytes."""
    place, outputs = length, {}
    for output in json.loads(body[:length])["outputs"]:
        end, texts = place + output["parameters"]["binary_data_size"], []
        while place < end:
            (size,) = struct.unpack_from("<I", body, place)
            texts.append(body[place + 4 : place + 4 + size])
            place += 4 + size
        outputs[output["name"]] = texts
    return [(png, error.decode()) for png, error in zip(outputs["sr_bytes"], outputs["errors"], strict=True)]
