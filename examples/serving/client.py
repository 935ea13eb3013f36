"""Enlarge pictures on a model server: TensorFlow Serving over REST or gRPC, Triton over the Open Inference Protocol.

    python client.py face.png portrait.jpg -o out/ --rest http://localhost:8501
    python client.py face.png portrait.jpg -o out/ --grpc localhost:8500
    python client.py face.png portrait.jpg -o out/ --oip http://localhost:8000

gRPC needs tensorflow-serving-api, the others Python alone.
"""

import argparse
import sys
from pathlib import Path

from over_oip import OipClient
from over_rest import RestClient, ServerError


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT_DIR")
    parser.add_argument("--model", default="sam", metavar="NAME", help="as the server calls it (default: %(default)s)")
    parser.add_argument("--version", type=int, metavar="N", help="of the model (default: the latest)")
    server = parser.add_mutually_exclusive_group(required=True)
    server.add_argument("--rest", metavar="URL")
    server.add_argument("--grpc", metavar="HOST:PORT")
    server.add_argument("--oip", metavar="URL")
    args = parser.parse_args()
    if args.grpc:
        from over_grpc import GrpcClient as Client  # imports TensorFlow, which the others do not need
    else:
        Client = RestClient if args.rest else OipClient  # noqa: N806
    client = Client(args.rest or args.grpc or args.oip, args.model, args.version)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.exit(2, f"{args.out}: no folder can be made there ({error.strerror})\n")
    failed = False
    for picture in args.pictures:
        target = args.out / f"{picture.stem}_{args.model}.png"
        try:
            if target.exists():  # pictures of two folders may have one name
                raise OSError(f"{target} exists already; give it an -o of its own")
            ((png, error),) = client.enlarge([picture.read_bytes()])
            if error:
                raise ServerError(error)
            partial = target.with_suffix(".partial")
            partial.write_bytes(png)
            partial.replace(target)
        except (OSError, ServerError) as error:
            print(f"{picture}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            failed = True
        else:
            print(f"{picture} -> {target}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
