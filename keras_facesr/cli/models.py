"""``facesr models``: the released models."""

from keras_facesr import presets
from keras_facesr.cli import console
from keras_facesr.cli.arguments import report_options
from keras_facesr.errors import CallError

SUMMARY = "List the released models."


def add_options(option):
    report_options(option)
    option("pattern", nargs="?", default="*", metavar="PATTERN", help="such as '*x8*'")


def run(args):
    names = presets.list_models(args.pattern)
    if not names:
        raise CallError(f"no model matches {args.pattern!r}; `facesr models` lists all")
    found = [presets.find(name) for name in names]
    if args.json != "-":
        _print_models(found)
    console.write_json(args, [_describe(preset) for preset in found])
    if not args.json:
        console.delivered()
    return 0


def _describe(preset):
    """A preset as plain data, with the names of ``config.json``."""
    entry = {"name": preset.name, "aliases": preset.aliases, "class": preset.class_name}
    names = "task config scale hr_size parameters description data terms recipe figures"
    entry |= {name: getattr(preset, name) for name in names.split()}
    exports = {runtime: vars(file) for runtime, file in preset.exports.items()}
    return {**entry, "weights": vars(preset.weights), "exports": exports}


def _print_models(found):
    """Print two lines for each model: its figures in columns, then its description."""
    names = [f"{preset.name} ({', '.join(preset.aliases)})" if preset.aliases else preset.name for preset in found]
    width = max(map(len, names))
    print(f"{'':<{width}}       scale       makes  parameters  over bicubic")
    for name, preset in zip(names, found):
        scale = f"x{preset.scale}" if preset.scale else "-"
        sides = preset.hr_size if isinstance(preset.hr_size, tuple) else 2 * (preset.hr_size,)
        size = "{}x{}".format(*sides) if preset.hr_size else "any"
        gain = "-" if preset.gain is None else f"{preset.gain:+.2f} dB"
        print(f"{name:<{width}}{scale:>12}{size:>12}{preset.parameters:>12,}{gain:>14}")
        print(f"    {preset.description}")
