"""How the demo talks: steps, sentences, commands with their output."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

WIDTH = 80  # of sentences
WIDEST = 120  # of output that is not broken into lines
INDENT = "    "


class NotAsTold(Exception):
    """Something is not as the demo says. The message is one sentence."""


class Teller:
    def __init__(self) -> None:
        self.colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.steps = 0
        self.title = "the start"

    def _styled(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    def _print(self, text: str = "") -> None:
        print(text, flush=True)

    def step(self, title: str) -> None:
        """Begins a step."""
        self.steps += 1
        self.title = title
        self._print()
        self._print(self._styled("1", f"{self.steps}. {title}"))
        if not self.colours:
            self._print("-" * len(f"{self.steps}. {title}"))

    def say(self, text: str) -> None:
        """A sentence or two."""
        self._print(textwrap.fill(" ".join(text.split()), WIDTH))

    def text(self, text: str) -> None:
        """Something to read as it is: output, an address."""
        room = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
        for line in text.rstrip("\n").splitlines():
            folded = textwrap.wrap(
                line,
                max(room, WIDTH),
                initial_indent=INDENT,
                subsequent_indent=INDENT * 2,
                break_long_words=False,
                break_on_hyphens=False,
            )
            self._print("\n".join(folded))

    def command(self, text: str, prompt: str = "$") -> None:
        """A command that is about to run."""
        self._print("  " + self._styled("36", f"{prompt} {text}"))

    def end(self, seconds: float) -> None:
        self._print()
        self.say(f"All as told, in {seconds:.0f} seconds.")

    def failed(self, sentence: str, log: str) -> None:
        self._print()
        if log:
            self._print("The end of the operator's log:")
            self.text(log)
            self._print()
        self._print(self._styled("1;31", "NOT AS TOLD") + f' in step "{self.title}": {sentence}')


def expect(right: bool, sentence: str) -> None:
    """Ends the demo unless all is as told; `sentence` says what is wrong."""
    if not right:
        raise NotAsTold(sentence)
