"""Hooks for mkdocs (``hooks`` in mkdocs.yml): add files from beside ``docs`` to the site, and adapt the links to them.

Pages link to files of the repository, so that links also work there. Here such a link becomes one of the site.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
BESIDE = ("CHANGELOG.md", "LICENSE", "benchmarks/*", "examples/**/*", "saved_models/*/README.md", "yardsticks/README.md")
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")  # the relative target of [text](target#place)


def on_files(files, config):
    """Add the files beside ``docs`` under their names in the repository."""
    for path in sorted(path for pattern in BESIDE for path in ROOT.glob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts and "models" not in path.relative_to(ROOT).parts:
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Change links between files of the repository to links between pages of the site."""
    beside = Path(page.file.abs_src_path) == ROOT / page.file.src_uri
    here = posixpath.dirname(page.file.src_uri)
    folder = here if beside else posixpath.join("docs", here)

    def placed(link):
        target = posixpath.normpath(posixpath.join(folder, link[1]))
        return posixpath.relpath(target.removeprefix("docs/"), here or ".")

    return LINK.sub(placed, markdown)
