# SPDX-License-Identifier: GPL-3.0-or-later
"""ionwatch.Stream: what is sent is what arrives, failures are told, and the MD run goes on."""
import ctypes
import os
import subprocess
import sys
import uuid
import warnings

import ionwatch
import numpy as np
import pytest
from conftest import MASSES, SOURCE, SPECIES, analyze, same_series, until, walk
from ionwatch import library

CELL = np.diag([12.0, 13.0, 14.0])


def send_all(stream, x, v=None, first=0, **more):
    for t in range(len(x)):
        stream.send(first + t, x[t], None if v is None else v[t], CELL, **more)


def test_structures_and_statuses_are_those_of_the_header(folder):
    lines = ["#include <ionwatch/ionwatch.h>", "#include <stdio.h>", "int main(void) {"]
    structures = {"run": library.Run, "frame": library.Frame, "stats": library.Stats}
    for name, structure in structures.items():
        lines.append(f'printf("{name} %zu\\n", sizeof(ionwatch_{name}));')
        for field, _ in structure._fields_:
            lines.append(f'printf("{name}.{field} %zu\\n", offsetof(ionwatch_{name}, {field}));')
    lines += ["#define X(name, value, text) printf(#name \" %d\\n\", value);",
              "IONWATCH_STATUS_MAP(X)", "return 0; }"]
    (folder / "abi.c").write_text("\n".join(lines))
    subprocess.run(["cc", "-I", str(SOURCE / "include"), "abi.c", "-o", "abi"], check=True)
    said = subprocess.run(["./abi"], capture_output=True, text=True, check=True).stdout.split()
    header = dict(zip(said[::2], map(int, said[1::2])))
    ours = {one.name: one.value for one in ionwatch.Status}
    for name, structure in structures.items():
        ours[name] = ctypes.sizeof(structure)
        ours.update({f"{name}.{field}": getattr(structure, field).offset for field, _ in structure._fields_})
    assert ours == header


def test_package_and_library_are_of_one_version():
    assert library.load().version().decode() == ionwatch.__version__


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_frames_arrive_as_they_were_sent(daemon, kind):
    x, v = walk(120)
    x, v = x.astype(kind), v.astype(kind)
    options = dict(timestep=2.0, wrapped=False, temperature=600, charges=[1] * 6 + [-2] * 4,
                   metadata={"msd_stride": "1", "skip": "none"})
    with ionwatch.Stream(SPECIES, MASSES, name="live", endpoint=daemon.endpoint, **options) as live, \
            ionwatch.Stream(SPECIES, MASSES, endpoint="file://run.iwlog", **options) as log:
        for stream in (live, log):
            send_all(stream, x, v, potential_energy=-1.5)
        assert live.flush(20) == ionwatch.Status.OK
        assert live.stats.frames_acknowledged == 120
    filed = daemon.filed("live", 120)
    assert filed["run"]["state"] == "completed"
    assert filed["run"]["temperature_K"] == 600
    same_series(filed, analyze("run.iwlog", "--msd-stride", "1", "--skip", "none"))
    # And what arrived is what was sent: the MSD at lag 1, drift removed, from its definition.
    x = x.astype(float) - (np.array(MASSES)[:, None] * x).sum(1, keepdims=True) / sum(MASSES)
    first = ((x[1:, :6] - x[:-1, :6]) ** 2).sum(-1).mean()
    assert filed["groups"]["Li"]["msd"]["msd_A2"][1] == pytest.approx(first, rel=1e-9)


def test_contiguous_arrays_are_read_in_place_and_others_are_copied(folder):
    with ionwatch.Stream(SPECIES, timestep=1.0, endpoint="file://a.iwlog") as stream:
        for kind in (np.float64, np.float32):
            x = np.zeros((10, 3), kind)
            assert stream._array(x, "x") is x
        strided = np.asfortranarray(np.arange(30.0).reshape(10, 3))
        copied = stream._array(strided, "x")
        assert copied.flags.c_contiguous and (copied == strided).all()
        swapped = np.arange(30, dtype=">f8").reshape(10, 3)
        assert stream._array(swapped, "x").dtype == np.float64
        assert stream._array([[1, 2, 3]] * 10, "x").dtype == np.float64
        # Machine-learned potentials give energies in single precision, or as arrays of one.
        assert stream.send(0, strided, potential_energy=np.float32(-1.5), kinetic_energy=np.array(2.0),
                           time=np.float32(0)) == ionwatch.Status.OK


def test_units_are_converted(folder):
    x, v = walk(40)
    bohr, fs, _ = ionwatch.stream.UNITS["atomic"]
    with ionwatch.Stream(SPECIES, MASSES, timestep=2.0, endpoint="file://metric.iwlog") as metric, \
            ionwatch.Stream(SPECIES, MASSES, timestep=2.0 / fs, units="atomic",
                            endpoint="file://atomic.iwlog") as atomic:
        for t in range(40):
            metric.send(t, x[t], v[t], CELL)
            atomic.send(t, x[t] / bohr, v[t] / bohr * fs, CELL / bohr)
    same_series(analyze("atomic.iwlog"), analyze("metric.iwlog"), rtol=1e-9)
    from ase import units
    assert ionwatch.stream.UNITS["ase"].time_fs == pytest.approx(1 / units.fs, rel=1e-12)


def test_an_exception_leaves_the_run_open_and_a_restart_goes_on_with_it(daemon):
    x, v = walk(100)
    run_id = str(uuid.uuid4())
    options = dict(timestep=2.0, run_id=run_id, name="chain", endpoint=daemon.endpoint)
    with pytest.raises(ZeroDivisionError):
        with ionwatch.Stream(SPECIES, MASSES, **options) as stream:
            assert stream.run_id == run_id
            send_all(stream, x[:60], v[:60])
            1 / 0
    assert until(lambda: daemon.runs["chain"]["run"]["frames"] == 60, "60 frames")
    assert daemon.runs["chain"].state in ("running", "stalled")
    with ionwatch.Stream(SPECIES, MASSES, **options) as stream:
        send_all(stream, x[60:], v[60:], first=60)
    filed = daemon.filed("chain", 100)
    assert (filed.id, filed.state, filed["run"]["segments"]) == (run_id, "completed", 1)


def test_a_stop_is_heard_and_the_run_is_filed_as_stopped(daemon):
    x, _ = walk(4000)
    with ionwatch.Stream(SPECIES, MASSES, timestep=2.0, name="asked", endpoint=daemon.endpoint) as stream:
        send_all(stream, x[:20])
        stream.flush(20)
        assert stream.should_stop() is None
        daemon.runs.stop("asked")
        assert until(stream.should_stop, "the stop to arrive") == "a user asked for it (ionwatch stop)"
    assert daemon.filed("asked", 20).state == "stopped"


def test_errors_have_a_status_and_a_sentence_with_what_was_wrong(folder):
    def refused(status, says, *words, **options):
        with pytest.raises(ionwatch.IonwatchError, match=says) as caught:
            ionwatch.Stream(*words, **{"timestep": 1.0, "endpoint": "file://x.iwlog", **options})
        assert caught.value.status == status

    invalid = ionwatch.Status.INVALID
    refused(invalid, "timestep is -1", ["Li"], timestep=-1.0)
    refused(invalid, r"masses have the shape \(1,\), not \(2,\)", ["Li", "S"], [1.0])
    refused(invalid, "mass -1 amu", ["Li"], [-1.0])
    refused(invalid, "'foo' are not known", ["Li"], units="foo")
    refused(invalid, "'lose' is neither block nor drop", ["Li"], policy="lose")
    refused(invalid, "'7' is not a UUID", ["Li"], run_id="7")
    refused(invalid, "has 0 atoms", [])
    refused(invalid, "endpoint", ["Li"], endpoint="nowhere")
    with ionwatch.Stream(["Li", "S"], timestep=1.0, endpoint="file://y.iwlog") as stream:
        for says, frame in ((r"\(3, 3\), not \(2, 3\)", dict(positions=np.zeros((3, 3)))),
                            ("velocities have", dict(positions=np.zeros((2, 3)), velocities=[1])),
                            ("cell has the shape", dict(positions=np.zeros((2, 3)), cell=np.zeros(6))),
                            ("step 7", dict(positions=np.full((2, 3), np.nan)))):
            with pytest.raises(ionwatch.IonwatchError, match=says):
                stream.send(7, **frame)
    with pytest.raises(ionwatch.IonwatchError, match="not open") as caught:
        stream.send(8, np.zeros((2, 3)))
    assert caught.value.status == ionwatch.Status.CLOSED


def test_warn_mode_never_raises_and_says_each_thing_once(folder):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ionwatch.Stream(["Li"], timestep=1.0, endpoint="file://y.iwlog", errors="warn") as stream:
            for _ in range(5):
                assert stream.send(0, np.zeros((2, 3))) == ionwatch.Status.INVALID
            assert stream.send(0, "nonsense") == ionwatch.Status.INVALID
        dead = ionwatch.Stream(["Li"], timestep=-1.0, errors="warn")
        assert not dead.is_open and dead.should_stop() is None
        assert dead.send(0, np.zeros((1, 3))) == ionwatch.Status.CLOSED
        dead.finish()
    assert len(caught) == 3, [str(one.message) for one in caught]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as python -W error
        ionwatch.Stream(["Li"], timestep=-1.0, errors="warn")


def test_without_a_library_the_error_names_the_variable(folder):
    code = ("import ionwatch\ntry:\n ionwatch.Stream(['Li'], timestep=1.0)\n"
            "except ionwatch.IonwatchError as error: print(error.status.name, error)")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "IONWATCH_LIBRARY": "/nowhere.so"}).stdout
    assert said.startswith("NOT_FOUND") and "$IONWATCH_LIBRARY" in said and "/nowhere.so" in said


def test_without_a_daemon_frames_wait_in_the_spool_also_when_nobody_closes(folder, start):
    run_id = str(uuid.uuid4())
    code = (f"import ionwatch, numpy\ns = ionwatch.Stream(['Li', 'S'], timestep=1.0, run_id='{run_id}',"
            f" name='late', endpoint='ipc://{folder}/iw.sock')\n"
            "for t in range(30): s.send(t, numpy.full((2, 3), 0.01 * t))\n")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    daemon = start()
    with ionwatch.Stream(["Li", "S"], timestep=1.0, run_id=run_id, name="late",
                         endpoint=daemon.endpoint) as stream:
        stream.send(30, np.full((2, 3), 0.3))
    assert daemon.filed("late", 31).id == run_id
