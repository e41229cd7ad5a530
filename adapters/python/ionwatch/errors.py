# SPDX-License-Identifier: BSD-3-Clause
"""How failures are told: one exception with a status, and one warning."""
from __future__ import annotations

import contextlib
import enum
import sys
import warnings


class Status(enum.IntEnum):
    """`ionwatch_status` of <ionwatch/ionwatch.h>."""

    OK = 0
    NO_MEMORY = 1
    INVALID = 2
    IO = 3
    PROTOCOL = 4
    REFUSED = 5
    FULL = 6
    CORRUPT = 7
    NOT_FOUND = 8
    EXISTS = 9
    UNSUPPORTED = 10
    AGAIN = 11
    END = 12
    DROPPED = 13
    CLOSED = 14
    TIMEOUT = 15


class IonwatchError(RuntimeError):
    """Something failed; `status` is for programs, the text for people."""

    def __init__(self, status: Status, text: str):
        super().__init__(text)
        self.status = status


class IonwatchStop(Exception):
    """Ends a run from inside an observer that was asked to raise (`stop="raise"`)."""


class IonwatchWarning(UserWarning):
    """A failure that does not disturb the MD run."""


def tell(text: str) -> None:
    """Warns; where warnings are errors it is still not one, for the MD run goes first."""
    try:
        warnings.warn(text, IonwatchWarning, stacklevel=3)
    except Warning:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            print(f"ionwatch: {text}", file=sys.stderr)
