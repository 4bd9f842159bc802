"""How far something is, on a terminal or in lines now and then; and how times are written."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Task


LINE_EVERY: Final = 10.0  # seconds between two lines where there is no terminal
MINUTE: Final = 60
HOUR: Final = 3600


def moment(seconds: float | None) -> str:
    """Write a time of the journal for people, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC" if seconds is not None else ""


def duration(seconds: float) -> str:
    """Write how long something takes, roughly.

    >>> duration(3), duration(150), duration(8000)
    ('3 s', '2 min 30 s', '2 h 13 min')
    """
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min {seconds % MINUTE:.0f} s"
    return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:.0f} min"


class _RateColumn(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        """Write the speed, once there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class Working:
    """Shows what is done before anything is sent, and how far it is; only on a terminal, and gone when it is done."""

    def __init__(self, screen: Console) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(show_speed=False),
            TimeElapsedColumn(),
            console=screen,
            transient=True,
            disable=not screen.is_terminal or screen.quiet,
        )
        self._what = "Starting"
        self._task = self._bar.add_task(self._what, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __call__(self, what: str, share: float | None) -> None:
        """Say what is done, and which share of it; None where nobody knows."""
        total, completed = (None, 0.0) if share is None else (1.0, share)
        shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in what)
        self._bar.update(self._task, description=shown, total=total, completed=completed, refresh=what != self._what)
        self._what = what

    def stop(self) -> None:
        """Take it off the screen."""
        self._bar.stop()


class Watching:
    """Shows a run's progress: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, screen: Console, doing: str = "Sending", done: str = "settled") -> None:
        self._screen = screen
        self._words = doing, done
        self._bar: Progress | None = None
        self._task: Any = None
        self._total = self._done = 0
        self._began = self._said = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()
        elif self._total:
            self._line()

    def begin(self, total: int) -> None:
        """Start to show the progress of *total* cases."""
        self._total, self._began = total, time.monotonic()
        self._said = self._began
        if self._screen.is_terminal and not self._screen.quiet:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                _RateColumn(),
                TimeRemainingColumn(),
                console=self._screen,
            )
            self._task = self._bar.add_task(self._words[0], total=total)
            self._bar.start()

    def settled(self, _status: str) -> None:
        """Count one more row."""
        self._done += 1
        if self._bar:
            self._bar.update(self._task, advance=1, description=self._words[0])
        elif time.monotonic() - self._said >= LINE_EVERY:
            self._line()

    def waiting(self, reason: str, until: float) -> None:
        """Say why nothing moves, and until when."""
        text = f"Waiting until {moment(until)}: {reason}"
        if self._bar:
            self._bar.update(self._task, description=text)
        else:
            self._screen.print(text, markup=False)

    def stopping(self) -> None:
        """Say that the interruption was heard."""
        self._screen.print("Stopping: what is in flight is settled first. Interrupt again to stop at once.")

    def _line(self) -> None:
        self._said = time.monotonic()
        elapsed = self._said - self._began
        speed = self._done / elapsed if elapsed else 0.0
        left = duration((self._total - self._done) / speed) if speed else "unknown time"
        self._screen.print(f"{self._done:,} of {self._total:,} {self._words[1]}, {speed:.1f}/s, {left} left")
