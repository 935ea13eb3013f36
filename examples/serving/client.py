"""Enlarge pictures on a model server, over REST or gRPC.

    python client.py face.png portrait.jpg -o out/ --rest http://localhost:8501
    python client.py face.png portrait.jpg -o out/ --grpc localhost:8500

REST needs Python alone; gRPC needs tensorflow-serving-api.
"""

import argparse
import sys
from pathlib import Path

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
    args = parser.parse_args()
    if args.grpc:
        from over_grpc import GrpcClient  # imports TensorFlow, which REST does not need
    client = (RestClient if args.rest else GrpcClient)(args.rest or args.grpc, args.model, args.version)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.exit(2, f"{args.out}: no folder can be made there ({error.strerror})\n")
    failed = False
    for picture in args.pictures:
        try:
            ((png, error),) = client.enlarge([picture.read_bytes()])
            if error:
                raise ServerError(error)
            target = args.out / f"{picture.stem}_{args.model}.png"
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
