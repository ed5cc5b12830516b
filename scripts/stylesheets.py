"""Join the style sheets under static/payments_ui/css into the two that are served.

One request each, and one nonce: imports would need more of both. `--check` only compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "payments_ui" / "static" / "payments_ui"


def main() -> int:
    """Write the sheets; with --check, 1 where one is not what its sources make."""
    sheets = built()
    if "--check" not in sys.argv:
        for name, text in sheets.items():
            (STATIC / name).write_text(text, "utf-8")
        return 0
    stale = [name for name, text in sheets.items() if not _is(STATIC / name, text)]
    sys.stderr.writelines(f"{name} is stale: run {__file__}\n" for name in stale)
    return bool(stale)


def built() -> dict[str, str]:
    """Return what the served sheets have to be, by file name."""
    sources = sorted((STATIC / "css").glob("*.css"))
    css = _small("\n".join(path.read_text("utf-8") for path in sources))
    return {
        "payments_ui.min.css": f"{css}\n",
        "payments_ui.layer.min.css": f"@layer payments-ui{{{css}}}\n",
    }


def _small(css: str) -> str:
    # No string of ours holds a comment, a brace, a semicolon or two spaces.
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};,]) ?", r"\1", css).replace(";}", "}").strip()


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    raise SystemExit(main())
