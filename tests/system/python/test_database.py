# SPDX-License-Identifier: GPL-3.0-or-later
"""The same runs in a file and on a PostgreSQL server: what is read from both is the same."""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import conftest
from conftest import SOURCE
import ionwatch
import ionwatch.database
from ionwatch import program

CELL = np.diag([12.0, 12.0, 12.0])
SCRIPT = SOURCE / "tests" / "postgres.sh"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = pathlib.Path("/tmp") / f"iw-python-{os.getpid()}"
    done = subprocess.run(["bash", str(SCRIPT), "start", str(folder), str(os.getpid())],
                          capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("PostgreSQL is not installed")
    assert done.returncode == 0, done.stderr
    yield f"postgresql:///postgres?host={folder}&user=ionwatch"
    subprocess.run(["bash", str(SCRIPT), "remove", str(folder)], check=True)


@pytest.fixture
def both(server, folder):
    """Two runs in a file and, copied, on the server."""
    psycopg2 = pytest.importorskip("psycopg2")
    admin = psycopg2.connect(server)
    admin.autocommit = True
    admin.cursor().execute(f"CREATE DATABASE {folder.name}")
    admin.close()
    server = server.replace("/postgres?", f"/{folder.name}?")
    file = f"sqlite://{folder}/ions.db"
    for seed, name in ((1, "cold"), (2, "hot")):
        x, v = conftest.walk(200, seed=seed)
        with ionwatch.Stream(conftest.SPECIES, conftest.MASSES, timestep=10.0, wrapped=False, name=name,
                             endpoint=f"file://{folder}/{name}.iwlog") as out:
            for t in range(200):
                out.send(t, x[t], v[t], CELL)
        subprocess.run([program.find(), "analyze", f"{name}.iwlog", "--name", name, "-T", str(300 * seed), "--db", file,
                        "--material", "50 % ?"], check=True, capture_output=True)
    subprocess.run([program.find(), "db", "ingest", file, "--db", server], check=True, capture_output=True)
    with ionwatch.database.Database(file) as here, ionwatch.database.Database(server) as there:
        yield here, there


def test_a_landscape_reads_the_same(both):
    pd = pytest.importorskip("pandas")
    from ionwatch.landscape import selection

    here, there = (selection.read(db, "both", ["conductivity_mS_cm"]) for db in both)
    assert len(here.table) == 2 and here.table.omega_mean_meV.notna().all() and here.table.D_cm2_s.notna().all()
    order = list(here.table.run)
    for one, other in ((here.table.set_index("run"), there.table.set_index("run")), (here.conventions, there.conventions),
                       (here.limits.set_axis(here.table.run), there.limits.set_axis(there.table.run))):  # fmt: skip
        pd.testing.assert_frame_equal(one.loc[order], other.loc[order], check_dtype=False)


def test_tables_are_the_same(both):
    here, there = both
    assert len(here) == len(there) == 2
    for read in (lambda db: db.runs(), lambda db: db.materials(), lambda db: db.descriptors(),
                 lambda db: db.descriptors(group=None), lambda db: db.descriptors(run="hot"),
                 lambda db: db.sql("SELECT * FROM series ORDER BY run, ordinal"),
                 lambda db: db.sql("SELECT name, '50 % ?' AS \"?\" FROM runs WHERE material = ? AND frames > ?",
                                   ["50 % ?", 7])):
        one, other = read(here), read(there)
        assert list(one.columns) == list(other.columns) and len(one) > 0
        assert one.equals(other), (one, other)
        assert list(one.dtypes) == list(other.dtypes)


def test_records_are_the_same(both):
    here, there = both
    # As text: what is not known is NaN, which is not even the same as itself.
    assert json.dumps(here["hot"]) == json.dumps(there["hot"]) and here["hot"]["groups"]["mobile"]["msd"]["lag_ps"]
    assert here[there["cold"].id[:8]].name == there[here["cold"].id].name == "cold"
    assert here._repr_html_().split("</p>")[1] == there._repr_html_().split("</p>")[1]
    for db in both:
        with pytest.raises(ionwatch.IonwatchError, match="there is no run 'warm'"):
            db.record("warm")


def test_nothing_can_be_written(both):
    for db in both:
        with pytest.raises(ionwatch.IonwatchError, match="read-only|readonly"):
            db.sql("DELETE FROM runs")
        with pytest.raises(ionwatch.IonwatchError, match="syntax error"):
            db.sql("SELEC")
        assert len(db) == 2  # it goes on


def test_servers_that_are_none_are_refused_without_the_password(server, folder):
    pytest.importorskip("psycopg2")
    nowhere = f"postgresql://me:secret@/x?host={folder}"
    for uri, says, status in ((nowhere, "No such file", ionwatch.Status.CLOSED),
                              ("postgresql://me:secret@host/x?nonsense=1", "nonsense", ionwatch.Status.INVALID),
                              (server.replace("/postgres?", "/template1?"), "not a database of ionwatch",
                               ionwatch.Status.INVALID)):
        with pytest.raises(ionwatch.IonwatchError, match=says) as caught:
            ionwatch.database.Database(uri)
        assert caught.value.status == status and "secret" not in str(caught.value)


def test_without_psycopg2_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ionwatch.IonwatchError, match="python3-psycopg2"):
        ionwatch.database.Database("postgresql://me@host/ions")
