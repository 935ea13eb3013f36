"""What ``--framing`` cuts out of a set's pictures, and of which sets it is known where faces lie in them."""

from keras_facesr.errors import CallError, DatasetError


def square_cut(args, faces, folder):
    """The square that ``--framing`` cuts out of a set's pictures, as ``Protocol`` takes it; None without the option.

    Raises:
        CallError: no such framing is known, or not where faces lie in the pictures of ``folder``, or they show too little.
    """
    if not args.framing:
        return None
    from keras_facesr.data.framing import FRAMINGS, square

    if args.framing not in FRAMINGS:
        raise CallError(f"--framing {args.framing}: known are the framings of {', '.join(FRAMINGS)}")
    try:
        return square(args.framing, within=framing_of(faces, "--framing", folder))
    except DatasetError as error:
        raise CallError(f"--framing {args.framing}: {error}") from error


def framing_of(faces, option, folder):
    """The set whose mean face tells where faces lie in these pictures; CallError if that is not known."""
    from keras_facesr.data.framing import FRAMINGS

    if not known_framing(faces):
        raise CallError(f"{option}: where faces lie in {folder} is not known, only in {', '.join(FRAMINGS)} as published")
    return faces.framing


def known_framing(faces):
    """The name of a set of which it is known where faces lie in its pictures, or None."""
    return getattr(faces, "framing", None)  # digits have none
