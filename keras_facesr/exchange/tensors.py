"""PyTorch's files as what they hold, tensors by name. They are data: nothing of a file is ever run."""

import pickle
import re
import warnings
from pathlib import Path

import numpy as np

from keras_facesr.errors import WeightsError, reason
from keras_facesr.importing import import_keras, imported

EXTRA = "import"
SUFFIXES = {".safetensors", ".pth", ".pt"}
INNER = (  # under which a file keeps its tensors, the averaged ones first
    *("params_ema", "params-ema", "params"),  # of BasicSR and its kin
    *("model_state_dict", "state_dict", "model", "net"),  # of training checkpoints
)
PREFIXES = (  # of all names in a file
    *("module.", "_orig_mod."),  # of a network trained on several devices, of a compiled one
    *("generator.", "netG.", "net."),  # of a network inside another
    *("params_ema.", "params.", "state_dict."),  # of a flat file
)


def read_tensors(path):
    """The tensors of a .safetensors or .pth file: name -> float32 array.

    Raises:
        WeightsError: the file is missing, damaged, of another kind, or holds more than tensors.
        ExportError: what reads it is not installed.
    """
    path = Path(path)
    check_file(path)
    tensors = (from_safetensors if path.suffix.lower() == ".safetensors" else _from_torch)(path)
    if not tensors:
        raise WeightsError(f"{path}: holds no tensors")
    if len(tensors) > 1:
        tensors.pop("n_averaged", None)  # a count, by torch's AveragedModel
    while prefix := next((each for each in PREFIXES if all(name.startswith(each) for name in tensors)), None):
        tensors = {name.removeprefix(prefix): array for name, array in tensors.items()}
    return tensors


def check_file(path):
    """WeightsError if there is no file of this name, or none by whose name one reads tensors. It starts no Keras."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise WeightsError(f"{path}: weights are read from .safetensors and .pth files")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")


def write_tensors(path, tensors, about):
    """Write float32 arrays, by name, as a .safetensors file; ``about`` is its metadata, texts by name."""
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    path.write_bytes(imported("safetensors.numpy", EXTRA).save(arrays, about))


def from_safetensors(path):
    """The tensors of a .safetensors file, whatever its name; errors as of ``read_tensors``."""
    safetensors = imported("safetensors", EXTRA)
    import_keras()  # and with it what NumPy has bfloat16 from
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return {name: np.asarray(file.get_tensor(name), np.float32) for name in file.keys()}
    except (safetensors.SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path}: damaged, or no safetensors file ({reason(error)})") from error


def _from_torch(path):
    torch = imported("torch", EXTRA)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch's own functions, or what the error says again
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        more = f"more than tensors ({asked[1]}): save its state_dict alone" if asked else "more than tensors, or is damaged"
        raise WeightsError(f"{path}: refused, it holds {more}; nothing of it was run") from error
    except Exception as error:  # a damaged file can raise anything
        raise WeightsError(f"{path}: damaged, or no file of torch.save ({reason(error)[:200]})") from error
    while isinstance(content, dict):
        inner = [content[name] for name in INNER if isinstance(content.get(name), dict) and content[name]]
        if not inner:
            break
        content = inner[0]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise WeightsError(f"{path}: holds no tensors by name, but {type(content).__name__}; save a network's state_dict")
    try:
        return {str(name): tensor.detach().float().numpy() for name, tensor in content.items()}
    except (TypeError, RuntimeError) as error:  # of sparse and quantized ones, and of those without values
        raise WeightsError(f"{path}: its tensors are no plain arrays ({reason(error)})") from error
