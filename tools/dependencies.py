"""What deny.toml asks, without cargo-deny: the licences of all dependencies,
the crates that must not be among them, and where they come from.

cargo-deny looks closer and is run beside this where it is installed; this
needs nothing but cargo."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES_IO = "https://github.com/rust-lang/crates.io-index"


def listed(text: str, section: str, name: str) -> list[str]:
    """The strings in a list of deny.toml. Python has a TOML parser only since 3.11."""
    body = re.search(rf"^\[{section}\]$(.*?)(?=^\[|\Z)", text, re.M | re.S).group(1)
    items = re.search(rf"^{name} = \[(.*?)^\]", body, re.M | re.S).group(1)
    return re.findall(r'"([^"]+)"', items)


def crates() -> list[tuple[str, str]]:
    """Each crate that is built for any platform, with its licence."""
    command = ["cargo", "tree", "--workspace", "--locked", "--target", "all", "--edges", "normal,build,dev"]
    command += ["--prefix", "none", "--all-features", "--format", "{p}\t{l}"]
    tree = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = {line.removesuffix(" (*)") for line in tree.splitlines() if line}  # (*): told above already
    return sorted(tuple(row.split("\t")) for row in rows)


def is_allowed(licence: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met with the licences allowed."""
    words = re.findall(r"\(|\)|\bOR\b|\bAND\b|[^\s()]+(?: WITH [^\s()]+)?", licence.replace("/", " OR "))
    terms = {"OR": "or", "AND": "and", "(": "(", ")": ")"}
    # Only these words and truth values reach eval; AND binds tighter, as in SPDX.
    return bool(words) and eval(" ".join(terms.get(word) or str(word in allowed) for word in words))


def main() -> int:
    text = (ROOT / "deny.toml").read_text()
    allowed, banned = set(listed(text, "licenses", "allow")), listed(text, "bans", "deny")
    found = crates()
    wrong = [
        f"{name} has the licence '{licence}', which deny.toml does not allow"
        for name, licence in found
        if not is_allowed(licence, allowed)
    ]
    wrong += [f"{name} is among the dependencies; deny.toml bans it" for name, _ in found if name.split()[0] in banned]
    sources = set(re.findall(r'^source = "registry\+(.*)"$', (ROOT / "Cargo.lock").read_text(), re.M))
    sources |= set(re.findall(r'^source = "(git\+.*)"$', (ROOT / "Cargo.lock").read_text(), re.M))
    wrong += [f"Cargo.lock takes crates from {source}" for source in sorted(sources - {CRATES_IO})]
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"{len(found)} crates: licences, bans and sources are as deny.toml asks")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
