"""Serve an exported ONNX file by NVIDIA's Triton Inference Server, on its CPU, over the Open Inference Protocol.

    python triton_server.py sam.onnx --http 8000 --grpc 8001

It runs in an environment of its own, without this package and without TensorFlow: README.md says how to make it. Triton merges
the requests of its clients; pictures of one size go through the network together.
"""

import argparse
from pathlib import Path

MOST = 16  # pictures of a batch
WAIT = 5000  # microseconds that a request waits for others
QUEUED = 1024  # requests; beyond these, one is refused at once and its client may try again: memory stays bounded


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE.onnx", help="its name is what clients call the model")
    parser.add_argument("--http", type=int, default=8000, metavar="PORT")
    parser.add_argument("--grpc", type=int, default=8001, metavar="PORT")
    args = parser.parse_args()
    if not args.file.is_file():
        parser.error(f"{args.file}: no such file; facesr export {args.file.stem} {args.file} writes it")

    try:
        import numpy as np
        from pytriton.decorators import batch
        from pytriton.model_config import DynamicBatcher, ModelConfig, QueuePolicy, Tensor
        from pytriton.triton import Triton, TritonConfig
        from triton_network import Network
    except ImportError as error:
        parser.error(f"{error}; README.md says how its environment is made")

    network = Network(args.file)

    @batch
    def infer(files):
        pngs, errors = network.answers([file for (file,) in files.tolist()])
        return {"sr_bytes": np.array(pngs, object)[:, None], "errors": np.array(errors, object)[:, None]}

    def column(name):
        return Tensor(name=name, dtype=bytes, shape=(1,))

    batcher = DynamicBatcher(max_queue_delay_microseconds=WAIT, default_queue_policy=QueuePolicy(max_queue_size=QUEUED))
    with Triton(config=TritonConfig(http_port=args.http, grpc_port=args.grpc, allow_metrics=False)) as triton:
        triton.bind(
            model_name=args.file.stem,
            infer_func=infer,  # one: README.md says why
            inputs=[column("files")],
            outputs=[column("sr_bytes"), column("errors")],
            config=ModelConfig(max_batch_size=MOST, batcher=batcher),
        )
        triton.serve()


if __name__ == "__main__":
    main()
