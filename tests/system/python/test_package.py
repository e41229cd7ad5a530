# SPDX-License-Identifier: GPL-3.0-or-later
"""The package as users get it: installed by pip without a network, and its examples."""
import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import BUILD, PACKAGE, SOURCE


def run(*words, **env):
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, timeout=200,
                          env={**os.environ, **env})


@pytest.fixture
def installed(folder):
    """A folder that pip installed into, from a copy, for setuptools leaves files in its source."""
    for tool in ("pip", "setuptools", "wheel"):
        if not importlib.util.find_spec(tool):
            pytest.skip(f"python3-{tool} is not installed")
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    done = run("-m", "pip", "install", "--no-build-isolation", "--no-index", "--no-deps", "--target",
               folder / "site", folder / "source")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_pip_installs_every_module_and_the_library_beside_it_is_found(folder, installed):
    for path in PACKAGE.glob("ionwatch/*.py"):
        assert (installed / "ionwatch" / path.name).read_text() == path.read_text()
    assert (installed / "ionwatch" / "py.typed").exists()
    shutil.copy(BUILD / "plugin" / "libionwatch.so.0", installed / "ionwatch")
    code = ("import ionwatch, ionwatch.live, ionwatch.database, ionwatch.vasp, numpy\n"
            "with ionwatch.Stream(['Li'], timestep=1.0, endpoint='file://a.iwlog') as s:\n"
            "    s.send(0, numpy.zeros((1, 3)))\n"
            "from ionwatch import library\nprint(ionwatch.__file__, next(library.candidates()))")
    env = {key: value for key, value in os.environ.items() if key != "IONWATCH_LIBRARY"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**env, "PYTHONPATH": str(installed)})
    assert done.returncode == 0, done.stderr
    where, found = done.stdout.split()
    assert where.startswith(str(installed)) and found == str(installed / "ionwatch" / "libionwatch.so.0")
    assert (folder / "a.iwlog").exists()


def test_from_the_tree_library_and_program_are_those_of_its_build_folder(folder):
    code = ("from ionwatch import library, program\nprint(next(library.candidates()), program.find())")
    env = {key: value for key, value in os.environ.items() if not key.startswith("IONWATCH_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**env, "PYTHONPATH": str(PACKAGE), "PATH": "/usr/bin"})
    build = SOURCE / "build"
    expected = [str(build / "plugin" / "libionwatch.so.0"), str(build / "ionwatch")]
    if not all(map(os.path.exists, expected)):
        pytest.skip("the tree is built elsewhere")
    assert done.stdout.split() == expected


def test_the_examples_run(folder, start):
    daemon = start("--min-time-ps", "0.2", "--min-hops", "1", "--hold", "1")
    env = {"IONWATCH_ENDPOINT": daemon.endpoint}
    done = run(PACKAGE / "examples" / "own_code.py", **env)
    assert done.returncode == 0, done.stderr
    # A toy may be done before a busy daemon has come to its answer.
    filed = daemon.filed("toy")
    assert filed.state == ("stopped" if "ends at step" in done.stdout else "completed")
    assert filed["groups"]["Li"]["D_cm2_s"]["value"] == pytest.approx(0.08**2 / 2 / 0.01 * 1e-4, rel=0.5)
    pytest.importorskip("ase")
    for steps in (15, 10):
        done = run(PACKAGE / "examples" / "ase_copper.py", steps, **env)
        assert done.returncode == 0 and f"{steps} steps" in done.stdout, done.stdout + done.stderr
    assert daemon.filed("copper", 26)["run"]["segments"] == 1


def test_every_name_that_the_readme_calls_exists():
    text = (PACKAGE / "README.md").read_text()
    names = set(re.findall(r"\bionwatch\.[A-Za-z_.]+[A-Za-z_]", text)) - {"ionwatch.json"}
    assert {"ionwatch.ase.Observer", "ionwatch.Stream", "ionwatch.live.Runs"} <= names
    for name in names:
        module, _, attribute = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ImportError:
            assert hasattr(importlib.import_module(module), attribute), name
