"""The marked blocks of a page."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass


@dataclass
class Block:
    mark: str
    name: str
    text: str


def blocks(page: str) -> list[Block]:
    found = re.finditer(
        r"^ *<!-- (?P<mark>run|file|iam)(?:: (?P<name>\S+))? -->\n(?P<indent> *)```\w+\n(?P<text>.*?)^(?P=indent)```$",
        page,
        re.M | re.S,
    )
    return [Block(one["mark"], one["name"] or "", textwrap.dedent(one["text"])) for one in found]
