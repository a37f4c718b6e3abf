"""Writes docs/api.md, the reference of the three kinds, from crds/*.yaml.

python3 tools/apidoc            writes it
python3 tools/apidoc --check    fails where it is not what would be written
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "api.md"
ORDER = ("ecsclusters", "ecstaskdefinitions", "ecsservices")


def with_yaml() -> None:
    """Goes on in the Python of the test bed where this one can't read YAML."""
    try:
        import yaml  # noqa: F401
    except ImportError:
        sys.path.append(str(ROOT / "tools" / "testbed"))
        import layout

        python = layout.venv_python()
        if python is None or Path(sys.prefix) == layout.venv_folder():
            sys.exit("docs/api.md is written with PyYAML: run `make setup`, which installs it.")
        os.execv(python, [str(python), *sys.argv])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python3 tools/apidoc", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is out of date")
    check = parser.parse_args().check
    with_yaml()
    import page
    import yaml

    crds = [yaml.safe_load((ROOT / "crds" / f"{name}.yaml").read_text()) for name in ORDER]
    text = page.write(crds)
    if check:
        if not PAGE.is_file() or PAGE.read_text() != text:
            print("docs/api.md is not what crds/ says; run `make docs`.", file=sys.stderr)
            return 1
        print("docs/api.md is what crds/ says")
        return 0
    PAGE.write_text(text)
    print(f"wrote {PAGE.relative_to(ROOT)} ({len(text) // 1024} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
