"""The story of one run: every step on the terminal and in `story.json`.

A step holds or it does not; the tour ends with exit code 0 only when every step held. The
file is written anew after each step, so that a run that is killed leaves what it did.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console


@dataclass(slots=True)
class Step:
    """One thing done and what came of it; `artefact` is a path below the build folder."""

    chapter: str
    title: str
    request: str = ""
    status: int | None = None
    expected: Any = None
    actual: Any = None
    held: bool = False
    artefact: str | None = None


@dataclass(slots=True)
class Story:
    """The steps so far."""

    directory: Path
    console: Console = field(default_factory=Console)
    steps: list[Step] = field(default_factory=list)
    _chapter: str = ""

    def chapter(self, title: str) -> None:
        """Begin a new part."""
        self._chapter = title
        self.console.print(f"\n[bold]{title}[/bold]")

    @contextmanager
    def step(self, title: str, *, expected: object) -> Iterator[Step]:
        """Do one thing: the body fills in the step; an exception is a step that did not hold."""
        step = Step(self._chapter, title, expected=expected)
        self.steps.append(step)
        try:
            yield step
            step.held = step.actual == expected
        except Exception as error:
            step.actual = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._tell(step)
            self.write()

    def artefact(self, step: Step, name: str, content: bytes) -> Path:
        """Keep something the run made."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        step.artefact = name
        return path

    @property
    def held(self) -> bool:
        """Whether there were steps and every one held."""
        return bool(self.steps) and all(step.held for step in self.steps)

    def write(self) -> None:
        """Write `story.json`."""
        document = {"held": self.held, "steps": [asdict(step) for step in self.steps]}
        text = json.dumps(document, indent=1, ensure_ascii=False, default=str)
        (self.directory / "story.json").write_text(text, "utf-8")

    def _tell(self, step: Step) -> None:
        mark = "[green]✓[/green]" if step.held else "[red]✗[/red]"
        request = f" [dim]{step.request} {step.status or ''}[/dim]" if step.request else ""
        self.console.print(f" {mark} {step.title}{request}", highlight=False)
        if not step.held:
            self.console.print(f"   expected {step.expected!r}, got {step.actual!r}", style="red")
        elif step.artefact:
            self.console.print(f"   [dim]{self.directory / step.artefact}[/dim]", highlight=False)
