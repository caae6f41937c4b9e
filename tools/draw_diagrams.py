"""Draw the Mermaid diagrams of the documentation, for a site that loads nothing from elsewhere.

``python tools/draw_diagrams.py MERMAID`` writes an SVG for each ``mermaid`` block of ``docs/`` into
``docs/images/diagrams``, and deletes those that no block has any more. MERMAID is the file
``dist/mermaid.min.js`` of the npm package ``mermaid`` (``npm pack mermaid@11``, unpacked); a
Chromium is needed too. Only who changes a diagram runs it. Colours and fonts are left to the page.
"""

from __future__ import annotations

__all__ = ["main", "page_of", "plain_svg"]

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs_diagrams import FOLDER, diagram_name, mermaid_blocks

ROOT = Path(__file__).resolve().parent.parent
_PAGE = """<!doctype html><meta charset="utf-8"><body><pre id="drawn"></pre>
<script src="{script}"></script><script>
mermaid.initialize({{startOnLoad: false, theme: "neutral", fontFamily: "sans-serif",
  themeVariables: {{fontSize: "12px"}},
  htmlLabels: false, flowchart: {{htmlLabels: false, wrappingWidth: 250}},
  state: {{htmlLabels: false, nodeSpacing: 65, rankSpacing: 75}},
  deterministicIds: true}});
mermaid.render({name}, {source}).then(({{svg}}) => {{
  document.querySelector("#drawn").textContent = svg;
}});
</script>
"""
_STATES = "stateDiagram-v2\n"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def page_of(source: str, name: str, script: Path) -> str:
    """Return a page that draws one diagram and shows the drawing's source as its text."""
    words = json.dumps(_narrowed(source)).replace("</", "<\\/")
    return _PAGE.format(script=script.resolve().as_uri(), name=json.dumps(name), source=words)


def _narrowed(source: str) -> str:
    """Return a state diagram that fits a page.

    It goes from left to right, with an arrow's words in two lines. An arrow that leads back to its
    own state would lie under the words of others: it becomes a note.
    """
    if not source.startswith(_STATES):
        return source
    noted = re.sub(r"( +)(\w+) --> \2: (.*)", r"\1note left of \2: \3", source)
    return noted.replace(_STATES, f"{_STATES}    direction LR\n", 1).replace(" / ", " /<br>")


def plain_svg(document: str) -> str:
    """Return the drawing that a page shows, without the colours and fonts of its own.

    Raises:
        ValueError: the page shows none: the source is no diagram, or the script is not Mermaid.
    """
    found = re.search(r'<pre id="drawn">(.+?)</pre>', document, re.DOTALL)
    if found is None:
        raise ValueError("nothing was drawn")
    svg = html.unescape(found[1])
    svg = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", " ", svg) + "\n"


def _drawn(source: str, name: str, script: Path, browser: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(page_of(source, name, script), encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += ["--virtual-time-budget=20000", f"--user-data-dir={folder}", page.as_uri()]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return plain_svg(shown.stdout)


def main(arguments: list[str] | None = None) -> int:
    """Draw what is not drawn yet; return the exit status."""
    (script,) = sys.argv[1:] if arguments is None else arguments
    browser = os.environ.get("VOXGATE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)))
    folder = ROOT / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for source in mermaid_blocks(page.read_text(encoding="utf-8")):
            wanted[diagram_name(source)] = source
    for name, source in wanted.items():
        print(f"{FOLDER / name}: {source.splitlines()[0]}")
        svg = _drawn(source, f"diagram-{Path(name).stem}", Path(script), browser)
        (folder / name).write_text(svg, encoding="utf-8")
    for path in folder.glob("*.svg"):
        if path.name not in wanted:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
