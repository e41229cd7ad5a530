# SPDX-License-Identifier: GPL-3.0-or-later
"""lmprun - runs LAMMPS with the fix, and the programs around it, for the tests of this folder."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = pathlib.Path(os.environ.get("IONWATCH_BUILD", "build")).resolve()
HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = BUILD / "lammps" / "ionwatch.lmp"
CLI = BUILD / "ionwatch"
DAEMON = BUILD / "ionwatchd"


def skip(why):
    print("SKIPPED:", why)
    sys.exit(77)


def require(*paths):
    for path in paths:
        if not path.exists():
            skip(f"{path} was not built")
    if not shutil.which("lmp"):
        skip("lmp is not installed")


def lmp(script, folder, ranks=1, env=None, wait=True, timeout=120):
    """Runs a script; returns the finished process with its output as text, or the running one."""
    name = f"in.{time.monotonic_ns()}"
    (folder / name).write_text(script)
    command = ["lmp", "-in", name, "-log", "log.lammps"]
    settings = dict(os.environ, OMP_NUM_THREADS="1", **(env or {}))
    if ranks > 1:
        launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none",
                    "--mca", "mpi_yield_when_idle", "1"]
        command = launcher + ["-np", str(ranks)] + command
    if wait:
        return subprocess.run(
            command, cwd=folder, env=settings, timeout=timeout, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    return subprocess.Popen(
        command, cwd=folder, env=settings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )


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
def daemon(folder, endpoint, data="data"):
    """A daemon of our own; killed at the end if the test did not end it."""
    log = open(folder / "daemon.log", "a")
    process = subprocess.Popen(
        [str(DAEMON), "--listen", endpoint, "--data", str(folder / data),
         "--db", f"sqlite:///{folder}/runs.sqlite"],
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
