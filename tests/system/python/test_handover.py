# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program `ionwatch` becomes for plots and analyses: it ends as other programs do."""
import os
import subprocess

from conftest import PACKAGE

HANDOVER = PACKAGE / "ionwatch" / "handover.py"


def handed(folder, body, out):
    (folder / "loud.py").write_text(f"def main():\n    {body}\n    return 0\n")
    return subprocess.Popen(["/usr/bin/python3", str(HANDOVER), "landscape", "", "loud", ""], stdout=out,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(folder)})  # fmt: skip


def test_a_reader_who_leaves_ends_it_in_silence(folder):
    with handed(folder, "print('x\\n' * 1000000)", subprocess.PIPE) as process:
        assert process.stdout.readline() == "x\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == -13  # SIGPIPE


def test_a_full_disk_behind_standard_output_is_one_line(folder):
    for size in (1, 1000000):  # written at the end, and before
        with open("/dev/full", "w") as full, handed(folder, f"print('x' * {size})", full) as process:
            said = process.communicate(timeout=30)[1]
        assert process.returncode == 1
        assert said == "ionwatch landscape: standard output: No space left on device\n"
