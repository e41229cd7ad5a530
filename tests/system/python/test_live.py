# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs at the daemon and records in the database: tables, plots, pictures for notebooks, keys."""
import json
import os
import socket
import sqlite3
import subprocess
import sys

import ionwatch
import ionwatch.database
import ionwatch.live
import numpy as np
import pytest
from conftest import MASSES, SPECIES, Daemon, analyze, until, walk
from ionwatch import program
from ionwatch.record import Record

pytest.importorskip("pandas")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

CELL = np.diag([12.0, 12.0, 12.0])


def stream(name, endpoint, frames=300, seed=1, **more):
    x, v = walk(frames, seed)
    with ionwatch.Stream(SPECIES, MASSES, timestep=10.0, wrapped=False, temperature=600, name=name,
                         endpoint=endpoint, **more) as out:
        for t in range(frames):
            out.send(t, x[t], v[t], CELL)
        out.flush(20)


def test_runs_are_listed_and_shown_as_the_program_says(daemon):
    stream("first", daemon.endpoint)
    stream("second", daemon.endpoint, seed=2)
    filed = daemon.filed("second", 300)
    runs = daemon.runs
    assert sorted(run["name"] for run in runs.list()) == ["first", "second"]
    table = runs.table()
    assert list(table.sort_values("name").frames) == [300, 300]
    record = runs["first"]
    said = json.loads(subprocess.run([program.find(), "show", "first", "--json", "--series", "--endpoint",
                                      daemon.endpoint], capture_output=True, text=True, check=True).stdout)
    assert record == said
    history = runs["second"]["history"]
    assert list(filed["history"]) == list(history) == ["diffusion", "health"]
    assert filed["history"]["diffusion"]["D_cm2_s"] == history["diffusion"]["D_cm2_s"] != []
    assert "history" not in filed["groups"]["all"]
    html = runs._repr_html_()
    assert "first" in html and "completed" in html and html.count("<tr>") == 3


def test_names_of_runs_cannot_put_markup_into_a_notebook(daemon):
    stream("<script>x</script>", daemon.endpoint, 40)
    daemon.filed("<script>x</script>", 40)
    for html in (daemon.runs._repr_html_(), daemon.runs["<script>x</script>"]._repr_html_(),
                 ionwatch.database.Database(daemon.db)._repr_html_()):
        assert "<script" not in html and "&lt;script&gt;" in html


def test_tables_have_the_numbers_of_the_record_with_units_in_their_columns(folder):
    stream("file", "file://run.iwlog")
    record = analyze("run.iwlog")
    mobile = record["groups"]["mobile"]
    msd = record.msd()
    assert list(msd.columns) == ["lag_ps", "msd_A2", "stderr_A2", "lo_A2", "hi_A2"]
    assert list(msd.msd_A2) == mobile["msd"]["msd_A2"]
    # 95 % of a normal distribution, wherever the band does not end at zero.
    inner = msd[msd.lo_A2 > 0]
    np.testing.assert_allclose(inner.hi_A2 - inner.lo_A2, 2 * 1.959964 * inner.stderr_A2, rtol=1e-9)
    assert list(record.vacf("Li").columns) == ["lag_fs", "vacf_A2_fs2", "stderr_A2_fs2"]
    vdos = record.vdos("S")
    assert list(vdos.columns) == ["energy_meV", "g_per_meV", "stderr_per_meV"]
    assert list(record.vdos("all", "paper").g_per_meV) == record["groups"]["all"]["paper"]["vdos"]["g"]
    wide = record.descriptors()
    assert list(wide.index) == list(record["groups"])
    row = wide.loc["mobile"]
    assert row.D_cm2_s == mobile["D_cm2_s"]["value"] and row.D_cm2_s_ci95_lo == mobile["D_cm2_s"]["ci95"][0]
    assert row.D_axes_cm2_s_y == mobile["D_axes_cm2_s"][1] and row.atoms == 6
    assert row.fit_window_ps_hi == mobile["fit_window_ps"][1]
    assert row.paper_omega_mean_meV == mobile["paper"]["omega_mean_meV"]
    assert set(record.events().columns) >= {"id", "severity", "text"}
    for wrong in (lambda: record.msd("Na"), lambda: record.series("rdf"), lambda: record.vdos("S", "other"),
                  lambda: record.plot("rdf")):
        with pytest.raises(ionwatch.IonwatchError):
            wrong()
    with pytest.raises(ionwatch.IonwatchError, match="no msd"):
        Record({**record, "groups": {"mobile": {}}}).msd()


def test_plots_show_band_window_and_line(folder):
    stream("file", "file://run.iwlog")
    record = analyze("run.iwlog")
    ax = record.plot()
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "ps" in ax.get_xlabel() and "Å²" in ax.get_ylabel()
    curve, fit = ax.get_lines()[0], ax.get_lines()[-1]
    assert list(curve.get_ydata()) == record["groups"]["mobile"]["msd"]["msd_A2"][1:]
    window = record["groups"]["mobile"]["fit_window_ps"]
    assert [fit.get_xdata()[0], fit.get_xdata()[-1]] == pytest.approx(window)
    # The line is that of D: it runs through the curve where that was fitted.
    middle = np.interp(np.mean(window), *[np.array(one, float) for one in curve.get_data()])
    assert np.interp(np.mean(window), *fit.get_data()) == pytest.approx(middle, rel=0.1)
    assert len(ax.collections) == 1
    assert record.plot("vacf", "Li").get_xlabel() == "lag (fs)"
    assert record.plot("vdos", "all", method="paper").get_ylabel() == "VDOS (1/meV)"
    both = record.plot("vdos")
    assert record.plot("vdos", "Li", ax=both) is both and len(both.get_lines()) == 2
    ax.figure.savefig("plot.png")


def test_what_is_drawn_is_what_the_record_says(folder):
    from ionwatch import plots
    stream("file", "file://run.iwlog")
    record = analyze("run.iwlog")
    mobile = record["groups"]["mobile"]
    for kind, group, column in (("vacf", "Li", "c"), ("vdos", "S", "g")):
        line = record.plot(kind, group).get_lines()[-1]
        assert list(line.get_ydata()) == record["groups"][group][kind][column]
    history = record["history"]["diffusion"]
    ax = record.plot("d")
    assert list(ax.get_lines()[0].get_ydata()) == history["D_cm2_s"]
    band = ax.collections[0].get_paths()[0].vertices
    assert set(band[:, 1]) == set(history["lower_cm2_s"]) | set(history["upper_cm2_s"])
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > history["upper_cm2_s"][-1]
    both = record.plot("vdos", "Li", method="both")
    physical, paper = both.get_lines()
    assert list(physical.get_ydata()) == record["groups"]["Li"]["vdos"]["g"]
    assert list(paper.get_ydata()) == record["groups"]["Li"]["paper"]["vdos"]["g"]
    assert physical.get_color() == paper.get_color()
    # One window is shaded; of several, the lines of the fits show where they are.
    ax = record.plot("msd", "mobile")
    assert len(ax.patches) == 1
    record.plot("msd", "S", ax=ax)
    assert len(ax.patches) == 0 and [line.get_linestyle() for line in ax.get_lines()] == ["-", "--"] * 2
    low, high = ax.get_ylim()
    for group in ("mobile", "S"):
        seen = record["groups"][group]["msd"]["msd_A2"][1:]
        assert low < min(seen) and max(seen) < high
    words = ax.get_legend().get_texts()[0].get_text()
    d = mobile["D_cm2_s"]
    power = int(np.floor(np.log10(d["value"])))
    assert words.startswith("file: mobile (Li)\nD ") and f"{d['value'] / 10.0**power:.1f}" in words
    assert plots.power_of_ten(power) in words


def test_numbers_in_legends_have_two_digits_of_their_error():
    from ionwatch import plots
    for value, error, words in ((2.4552e-5, 2.72e-6, "(2.46 ± 0.27) × 10⁻⁵ m"), (9.86e-6, 1.81e-6, "(9.9 ± 1.8) × 10⁻⁶ m"),
                                (3.0, 4.0, "(3.0 ± 4.0) × 10⁰ m"), (1.5e-4, None, "1.50 × 10⁻⁴ m"), (0.0, 1.0, "0 m")):
        assert plots.with_error(value, error, "m") == words
    group = {"D_cm2_s": {"value": 1.75e-8, "stderr": 1e-8, "ci95": [0.0, 4.18e-8]}, "diffusive": False}
    assert plots.diffusion_words(group) == "D < 4.2 × 10⁻⁸ cm²/s (95 %), not diffusive"
    assert plots.diffusion_words({"D_cm2_s": None}) is None


def test_figures_are_saved_from_python_as_by_the_program(folder):
    from ionwatch import figures
    stream("file", "file://run.iwlog")
    record = analyze("run.iwlog")
    with open("record.json", "w") as file:
        json.dump(record, file)
    figures.save([record], "msd", "mine.svg", groups=["Li", "S"], title="A title")
    subprocess.run([program.find(), "plot", "record.json", "msd", "-o", "its.svg", "--groups", "Li,S", "--title",
                    "A title"], check=True, env={**os.environ, "IONWATCH_PYTHON": sys.executable})
    assert open("mine.svg").read() == open("its.svg").read()
    for wrong, says in ((("msd", "x.jpg"), "ends in one of"), (("rdf", "x.png"), "no plot")):
        with pytest.raises(ionwatch.IonwatchError, match=says):
            figures.save([record], *wrong)


def test_a_watch_follows_a_run_to_its_end_and_remembers_D(daemon):
    x, v = walk(400)
    with ionwatch.Stream(SPECIES, MASSES, timestep=10.0, wrapped=False, name="grows",
                         endpoint=daemon.endpoint) as out:
        for t in range(200):
            out.send(t, x[t], v[t], CELL)
        out.flush(20)
        until(lambda: daemon.runs["grows"]["run"]["frames"] == 200, "200 frames")
        watch = daemon.runs.watch("grows", interval=0.05)
        records = iter(watch)
        assert next(records)["run"]["frames"] == 200
        for t in range(200, 400):
            out.send(t, x[t], v[t], CELL)
    states = [record.state for record in records]
    assert states[-1] == "completed"
    history = watch.history()
    assert history.frames.iloc[0] == 200 and history.frames.iloc[-1] == 400
    assert history.frames.is_monotonic_increasing
    last = daemon.filed("grows", 400)["groups"]["mobile"]["D_cm2_s"]
    assert history.D_cm2_s.iloc[-1] == pytest.approx(last["value"], rel=1e-12)
    assert history.D_cm2_s_ci95_hi.iloc[-1] == pytest.approx(last["ci95"][1], rel=1e-12)
    ax = watch.plot()
    assert list(ax.get_lines()[0].get_ydata()) == list(history.D_cm2_s)
    assert "grows" in watch._repr_html_()


def test_records_of_the_database_are_those_of_the_program(daemon):
    for seed, name in enumerate(("one", "two"), 1):
        stream(name, daemon.endpoint, seed=seed)
        daemon.filed(name, 300)
    with ionwatch.database.Database(daemon.db) as db:
        assert len(db) == 2 and list(db.runs().name) == ["one", "two"]
        record = db["one"]
        said = json.loads(subprocess.run([program.find(), "db", "show", "one", "--json", "--series", "--full",
                                          "--db", daemon.db], capture_output=True, text=True, check=True).stdout)
        assert set(record["groups"]) == set(said["groups"])
        for name, group in said["groups"].items():
            for series in ("msd", "vacf", "vdos"):
                for column, values in group[series].items():
                    np.testing.assert_array_equal(np.array(record["groups"][name][series][column], float),
                                                  np.array(values, float))
            assert record["groups"][name]["paper"]["vdos"]["g"] == group["paper"]["vdos"]["g"]
            assert record["groups"][name]["D_cm2_s"] == group["D_cm2_s"]
        wide = db.descriptors()
        assert list(wide.name) == ["one", "two"] and set(wide["group"]) == {"mobile"}
        assert wide.D_cm2_s[0] == record["groups"]["mobile"]["D_cm2_s"]["value"]
        assert set(db.descriptors(group=None, run="two")["group"]) == set(said["groups"])
        assert db.sql("SELECT count(*) AS n FROM runs WHERE name = ?", ["two"]).n[0] == 1
        assert list(db.materials().material.unique()) == ["Li3S2"]
        assert db[record.id[:8]].id == record.id
        assert "one" in db._repr_html_()
        with pytest.raises(ionwatch.IonwatchError, match="no run 'three'"):
            db["three"]
        with pytest.raises(ionwatch.IonwatchError, match="readonly"):
            db.sql("DELETE FROM runs")


def test_a_database_is_named_as_the_programs_name_it():
    for uri, path in (("sqlite:///a/b.db", "/a/b.db"), ("sqlite:////a/b.db", "/a/b.db"),
                      ("sqlite:a/b.db", "a/b.db"), ("b.db", "b.db")):
        assert ionwatch.database.path_of(uri) == path


def test_databases_that_are_none_are_refused(folder):
    sqlite3.connect("other.db").execute("CREATE TABLE t (x)").connection.commit()
    for uri, says in (("other.db", "not a database of ionwatch"), ("sqlite:///nowhere/x.db", "unable to open"),
                      ("mysql://x", "unknown kind of database 'mysql'")):
        with pytest.raises(ionwatch.IonwatchError, match=says):
            ionwatch.database.Database(uri)
    assert not os.path.exists("nowhere")


@pytest.mark.parametrize("version, says", [(3, "`ionwatch db migrate`"), (99, "use a newer ionwatch")])
def test_a_database_of_another_version_is_refused(folder, version, says):
    other = sqlite3.connect(f"version{version}.db")
    other.executescript(f"PRAGMA application_id = 1769432162; PRAGMA user_version = {version}")
    other.close()
    with pytest.raises(ionwatch.IonwatchError, match=f"has schema version {version}, .*{says}") as caught:
        ionwatch.database.Database(f"version{version}.db")
    assert caught.value.status == ionwatch.Status.UNSUPPORTED


def test_who_asks_in_vain_hears_why(folder, daemon):
    for status, what in ((ionwatch.Status.TIMEOUT, lambda: ionwatch.live.Runs("ipc:///nowhere.sock", 0.2).list()),
                         (ionwatch.Status.NOT_FOUND, lambda: daemon.runs["nothing"]),
                         (ionwatch.Status.NOT_FOUND, lambda: daemon.runs["--help"]),
                         (ionwatch.Status.NOT_FOUND, lambda: daemon.runs.stop("-x"))):
        with pytest.raises(ionwatch.IonwatchError) as caught:
            what()
        assert caught.value.status == status


def test_a_daemon_that_wants_keys_is_read_with_them(folder, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    keygen = [program.find(), "keygen"]
    (folder / "data").mkdir(mode=0o700)
    line = subprocess.run([*keygen, "anna", "--roles", "stream,read", "--out", str(folder / "keys")],
                          capture_output=True, text=True, check=True).stdout
    (folder / "data" / "authorised_keys").write_text(line)
    (folder / "data" / "authorised_keys").chmod(0o600)
    subprocess.run([*keygen, "--server", "--out", str(folder / "data")], capture_output=True, check=True)
    daemon = Daemon(folder, "--require-keys", listen=endpoint)
    try:
        assert not daemon.answers()
        monkeypatch.setenv("IONWATCH_KEY", str(folder / "keys" / "key"))
        monkeypatch.setenv("IONWATCH_SERVER_KEY", str(folder / "data" / "server.pub"))
        until(daemon.answers, "the daemon to answer")
        stream("keyed", endpoint, 50)
        assert daemon.filed("keyed", 50)["run"]["name"] == "keyed"
        assert daemon.runs["keyed"].state == "completed"
        with pytest.raises(ionwatch.IonwatchError, match="control|not"):
            daemon.runs.stop("keyed")
    finally:
        daemon.end()
