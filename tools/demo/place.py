"""Where the demo finds what it shows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TESTBED = ROOT / "tools" / "testbed"

# How child processes are started and ended is written once, in the test bed.
sys.path.append(str(TESTBED))


def operator() -> Path:
    """The debug build, where cargo puts it."""
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "debug" / "ecs-operator"
