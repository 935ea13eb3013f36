"""What the pages of the repository print, for the tests that do it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BESIDE = [
    *sorted(ROOT.glob("examples/*/README.md")),
    *sorted(ROOT.glob("saved_models/*/README.md")),
    ROOT / "benchmarks/README.md",
    ROOT / "yardsticks/README.md",
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REMARK = r"(?=\s{2,}|\s+# |$)"


def named(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page, *languages):
    return [text for language, text in BLOCK.findall(page.read_text()) if language in languages]


def commands(page, program):
    """The calls of a program on a page, in blocks and in the text, without remarks; options in brackets are given, too."""
    text = "\n".join(blocks(page, "", "sh")).replace("\\\n", "")
    calls = re.findall(rf"^(?:.*&& |\$ |[A-Z_]+='[^']*' +)?(?:[\w./]+/)?({program} .+?){REMARK}", text, re.MULTILINE)
    inline = [" ".join(call.split()) for call in re.findall(rf"`({program} [^`]+)`", page.read_text())]
    calls += [call for call in inline if len(call.split()) > 2 or call.endswith(".py")]
    return list(dict.fromkeys(call.replace("[", "").replace("]", "") for call in calls if "..." not in call))
