"""What the documents say that can be held against the code without running it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import place
from blocks import blocks
from tell import NotAsTold, expect


def check(pages: dict[str, str]) -> int:
    """How many facts were checked; raises at the first that is wrong."""
    readme = pages["README.md"]
    checks = [reasons(readme), actions(readme)]
    for name, page in pages.items():
        checks += [flags(name, page), targets(name, page), links(name, page), paths(name, page)]
    return sum(checks)


def source(path: str) -> str:
    return (place.ROOT / path).read_text()


def same(what: str, told: set[str], true: set[str]) -> int:
    expect(not true - told, f"README.md says nothing of {what} {', '.join(sorted(true - told))}.")
    expect(not told - true, f"README.md tells of {what} {', '.join(sorted(told - true))}, which the code has not.")
    return len(true)


def reasons(readme: str) -> int:
    table = readme.split("| STATUS |", 1)[1].split("\n\n", 1)[0]
    told = set(re.findall(r"^\| `(\w+)` \|", table, re.M))
    words = set(re.findall(r'Self::\w+ => "(\w+)",', source("src/api/status.rs")))
    return same("the reason", told, {word for word in words if word[0].isupper()})


def actions(readme: str) -> int:
    policy = json.loads(next(block.text for block in blocks(readme) if block.mark == "iam"))
    told = set(policy["Statement"][0]["Action"])
    calls = re.findall(r"^    (\w+) = \w+ (?:read|write) \w+ \(", source("src/ecs/client.rs"), re.M)
    expect(len(calls) > 10, "tools/docs finds no operations in src/ecs/client.rs any more.")
    return same("the action", told, {f"ecs:{call}" for call in calls})


def flags(name: str, page: str) -> int:
    program = place.operator()
    expect(program.is_file(), f"{program} is not there; `cargo build` makes it.")
    told = subprocess.run([program, "run", "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    known = set(re.findall(r"--[a-z-]+|ECS_OPERATOR_[A-Z_]+", told))
    used = set(re.findall(r"(?:ecs-operator run[^`\n]* |^  \| `)(--[a-z-]+)|(ECS_OPERATOR_[A-Z_]+)", page, re.M))
    words = {word for pair in used for word in pair if word}
    for word in words - known:
        raise NotAsTold(f"{name} tells of {word}, which `ecs-operator run --help` does not.")
    return len(words)


def targets(name: str, page: str) -> int:
    known = set(re.findall(r"^([a-z]+):", source("Makefile"), re.M))
    words = set(re.findall(r"(?:`|^)make ([a-z]+)", page, re.M))
    for word in words - known:
        raise NotAsTold(f"{name} tells of `make {word}`, which the Makefile has not.")
    return len(words)


def links(name: str, page: str) -> int:
    """Links to files of ours and to headings of the same page."""
    titles = re.findall(r"^#+ (.*)$", page, re.M)
    headings = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
    found = [link for link in re.findall(r"\]\(([^)\s]+)\)", page) if "://" not in link]
    for link in found:
        path, _, heading = link.partition("#")
        if path:
            there = (place.ROOT / Path(name).parent / path).exists()
        else:
            there = heading in headings
        expect(there, f"{name} links to {link}, which is not there.")
    return len(found)


def paths(name: str, page: str) -> int:
    """Files and folders that stand in back-ticks."""
    found = re.findall(r"`((?:src|tests|tools|crds|mirror|examples|docs)/[\w./-]*)`", page)
    for path in found:
        expect((place.ROOT / path).exists(), f"{name} names {path}, which is not there.")
    return len(found)
