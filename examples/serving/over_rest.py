"""A client for a model server over REST, with Python alone. It sends files unchanged, to the signature ``encoded``."""

import base64
import http.client
import json
import urllib.error
import urllib.request

SIGNATURE = "encoded"
TIMEOUT = 60.0  # seconds


class ServerError(Exception):
    """The error of a server, or of the connection to it, instead of an answer."""


class RestClient:
    """A model on a server with a REST address such as http://localhost:8501."""

    def __init__(self, address, model, version=None):
        place = f"/versions/{version}" if version else ""
        self.url = f"{address}/v1/models/{model}{place}:predict"

    def enlarge(self, files):
        """Bytes of N pictures -> N pairs (bytes of a PNG file, error), one of them empty. Raises ServerError."""
        try:
            request = urllib.request.Request(self.url, rest_body(files), {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return rest_answers(response.read())
        except urllib.error.HTTPError as error:
            raise ServerError(rest_error(error.read()) or str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"{self.url}: {getattr(error, 'reason', error)}") from error
        except (ValueError, KeyError, TypeError) as error:  # no address, or that of another program
            raise ServerError(f"{self.url}: no model server answers there ({error})") from error


def rest_body(files):
    """The body of a REST request, with one row for each picture."""
    rows = [{"b64": base64.b64encode(file).decode("ascii")} for file in files]
    return json.dumps({"signature_name": SIGNATURE, "instances": rows}).encode("ascii")


def rest_answers(body):
    """[(bytes of a PNG file, error), ...] from the body of an answer."""
    return [(base64.b64decode(row["sr_bytes"]["b64"]), row["errors"]) for row in json.loads(body)["predictions"]]


def rest_error(body):
    """The message in the body of a refusal, or an empty string if it is not JSON."""
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
