# SPDX-License-Identifier: GPL-3.0-or-later
"""programs - the programs of ionwatch around an MD code under test, for the folders beside this."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = pathlib.Path(os.environ.get("IONWATCH_BUILD", "build")).resolve()
CLI = BUILD / "ionwatch"
DAEMON = BUILD / "ionwatchd"


def skip(why):
    print("SKIPPED:", why)
    sys.exit(77)


def require_built(*paths):
    for path in paths:
        if not path.exists():
            skip(f"{path} was not built")


def ionwatch(*words, ok=True):
    done = subprocess.run(
        [str(CLI), *map(str, words)], text=True, capture_output=True, timeout=120
    )
    if ok and done.returncode != 0:
        raise AssertionError(f"ionwatch {words}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def analyze(*words):
    return json.loads(ionwatch("analyze", *words, "--json", "--series", "--full").stdout)


@contextlib.contextmanager
def workfolder():
    with tempfile.TemporaryDirectory(prefix="ionwatch-") as name:
        yield pathlib.Path(name)


@contextlib.contextmanager
def daemon(folder, endpoint, data="data", options=("--http", "off")):
    """A daemon of our own; killed at the end if the test did not end it."""
    log = open(folder / "daemon.log", "a")
    process = subprocess.Popen(
        [str(DAEMON), "--listen", endpoint, "--data", str(folder / data),
         "--db", f"sqlite:///{folder}/runs.sqlite", *options],
        cwd=folder, stdout=log, stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: ionwatch("ls", "--endpoint", endpoint, ok=False).returncode == 0, 10,
              "the daemon answers")
        yield process
    except BaseException:
        print((folder / "daemon.log").read_text()[-3000:])
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def close(actual, expected, rtol, what, atol=0.0):
    if not abs(actual - expected) <= atol + rtol * abs(expected):
        raise AssertionError(f"{what} = {actual!r}, expected {expected!r}")


def main(cases):
    """Runs the cases, all of them, and says how each went."""
    failed = 0
    for case in cases:
        start = time.monotonic()
        try:
            case()
            word = "ok"
        except Exception:
            traceback.print_exc()
            failed += 1
            word = "FAILED"
        print(f"{word:7s} {case.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
    sys.exit(1 if failed else 0)
