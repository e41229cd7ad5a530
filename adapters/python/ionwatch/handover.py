# SPDX-License-Identifier: BSD-3-Clause
"""Runs a module of this package for the program `ionwatch`, which becomes this script.

    python3 handover.py COMMAND OTHER MODULE NEEDS [WORD...]

COMMAND  what the user typed, for messages
OTHER    a Python to try where this one lacks a module, or ""
MODULE   its main() is called; what it returns is the exit code
NEEDS    modules of others that it cannot do without, with spaces between
"""
import importlib
import importlib.util
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Debian's package of a module is python3-MODULE.
INSTALL = "sudo apt-get install "


def complain(command, text):
    print(f"ionwatch {command}: {text}", file=sys.stderr)


def lacks(needs):
    """The modules that are not there."""
    return [name for name in needs.split() if importlib.util.find_spec(name) is None]


def say_what_is_missing(command, missing):
    packages = " ".join("python3-" + name for name in missing)
    complain(
        command,
        f"{sys.executable or 'this Python'} has no {' and no '.join(missing)}: "
        f"`{INSTALL}{packages}`, or name a Python that has it in $IONWATCH_PYTHON",
    )


def run(command, module):
    from ionwatch.errors import IonwatchError, Status

    try:
        status = importlib.import_module(module).main()
        sys.stdout.flush()
        return status
    except IonwatchError as error:
        complain(command, str(error))
        return 2 if error.status == Status.INVALID else 1
    except OSError as error:
        # What is still in the buffer would fail again at the end, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complain(command, f"{error.filename or 'standard output'}: {error.strerror}")
        return 1


def main():
    # This folder has an ase.py of its own, the current one any file of any name: modules come from
    # neither.
    sys.path[:] = [os.path.dirname(HERE)] + [p for p in sys.path if p not in ("", HERE)]
    command, other, module, needs, *sys.argv[1:] = sys.argv[1:]
    missing = lacks(needs)
    if missing and os.access(other, os.X_OK):
        os.execv(other, [other, __file__, command, "", module, needs, *sys.argv[1:]])
    if missing:
        say_what_is_missing(command, missing)
        return 1
    try:
        return run(command, module)
    except ImportError as error:
        complain(command, f"{sys.executable}: {error}")
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it in silence, as other programs
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
