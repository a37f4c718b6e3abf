"""Whether the documents are right: `make test` runs this after the tests, which build the operator.

The README's blocks that are marked are run, in order, beside an operator that
may do just what the README's RBAC grants it. The marks stand above a block:

<!-- run -->         these commands succeed
<!-- file: NAME -->  this is the file NAME that later commands use
<!-- iam -->         this policy allows the operations that the operator calls

Besides, its tables, flags, `make` targets and links are held against the code.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "demo"))

import facts
import run
from place import ROOT
from tell import NotAsTold

PAGES = ("README.md", "docs/architecture.md", "docs/events.md")


def main() -> int:
    began = time.monotonic()
    try:
        checked = facts.check({page: (ROOT / page).read_text() for page in PAGES})
        ran = run.run((ROOT / "README.md").read_text())
    except NotAsTold as failure:
        print(f"documents: {failure}", file=sys.stderr)
        return 1
    print(f"documents: {checked} facts are right, {ran} blocks run ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
