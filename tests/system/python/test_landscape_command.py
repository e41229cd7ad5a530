# SPDX-License-Identifier: GPL-3.0-or-later
"""`ionwatch landscape` as a user has it: tables, reports, and words instead of stack traces."""
import contextlib
import csv
import html.parser
import io
import json
import os
import re
import signal
import subprocess
import tempfile
import time

import pytest

import landscapes
import ionwatch
from conftest import BUILD
from ionwatch import Status

for needed in ("scipy", "sklearn", "matplotlib"):
    pytest.importorskip(needed)

from ionwatch.landscape import command, regression  # noqa: E402

# Matplotlib's list of fonts, which takes longer to make than all that is drawn here.
FONTS = tempfile.TemporaryDirectory(prefix="iw-fonts-")
os.environ["MPLCONFIGDIR"] = FONTS.name
ENVIRONMENT = {"IONWATCH_PYTHON": "/usr/bin/python3"}


def run(*words, code=0, says=(), **env):
    """The program, as a process: for what is its own."""
    environment = {**os.environ, **ENVIRONMENT, **env}
    environment.pop("PYTHONPATH", None)  # the program brings its package
    done = subprocess.run([str(BUILD / "ionwatch"), "landscape", *map(str, words)], capture_output=True, text=True, env=environment)
    assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
    for phrase in [says] if isinstance(says, str) else says:
        assert phrase in done.stderr
    assert "Traceback" not in done.stderr
    if code:
        assert not done.stdout
    return done.stdout


def ask(what, path, **options):
    """What the program asks of the package, which needs no process that loads scikit-learn; what it prints."""
    request = {"what": what, "db": str(path), "window_K": 100, "method": "physical", "all": False, "missing": 20, "correlation": "spearman",
               "dimensions": 2, "impute": False, "log": False, "limits_as_values": False, "seed": 1, "json": False, "csv": False, **options}  # fmt: skip
    said = io.StringIO()
    with contextlib.redirect_stdout(said), command.limited():
        command.run(request)
    return said.getvalue()


def refused(what, path, status, says, **options):
    with pytest.raises(ionwatch.IonwatchError) as caught:
        ask(what, path, **options)
    assert says in str(caught.value) and caught.value.status == status


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = landscapes.empty(tmp_path_factory.mktemp("landscape"))
    runs, _, _ = landscapes.planted(12, temperatures=(400, 600))
    runs[0]["material"] = runs[1]["material"] = "<b>&\x1b[31m$x_1$"
    landscapes.write(path, runs)
    return str(path)


def test_who_has_no_database_or_an_empty_one_is_told_what_to_do(folder):
    run("--db", "nowhere.db", code=1, says="there is no database nowhere.db: ionwatchd and `ionwatch analyze --db` file runs in one")
    refused("select", landscapes.empty(folder), Status.NOT_FOUND, "no run is filed in")
    (folder / "text").write_text("no database")
    refused("select", "text", Status.NOT_FOUND, "text: file is not a database")
    refused("select", "mysql://x/y", Status.UNSUPPORTED, "unknown kind of database 'mysql'")


def test_words_that_are_wrong_are_named(database):
    run("raport", code=2, says='did you mean "report"?')
    run("report", "--db", database, code=2, says="-o DIR is missing")
    run("select", "--folds", "3", code=2, says="select has no use for --folds")
    run("correlate", "--json", "--csv", code=2, says="--json or --csv, not both")
    refused("select", database, Status.INVALID, "there is no family 'Mg': one of Li, Na, halide", family="Mg")
    refused("select", database, Status.INVALID, "alhpa is no descriptor", **{"with": "alhpa"})
    refused("regress", database, Status.INVALID, "'forst' is no model: one of mean, kernel-ridge", models="forst")
    refused("clusters", database, Status.INVALID, "12 clusters of 12 different materials: at most 11", clusters=12)
    refused("correlate", database, Status.NOT_FOUND, "no alpha to go by among 12 runs of 12 materials: no value at all", target="alpha")
    refused("select", database, Status.NOT_FOUND, "(24 outside 5000 +- 100 K)", temperature_K=5000)


def test_too_little_is_counted_not_crashed_on(folder, capsys):
    path = landscapes.empty(folder)
    one = {"mobile": ["Li"], "temperature_K": 500.0, "numbers": {"all": {"omega_mean_meV": 30.0}}}
    landscapes.write(path, [{**one, "material": "A"}, {**one, "material": "B", "state": "lost"}, {**one, "material": "C", "temperature_K": None}])
    assert "1 material (Li 1) and 0 descriptors" in ask("select", path)
    for what, need in (("correlate", 4), ("components", 3), ("clusters", 4), ("regress", 4)):
        refused(what, path, Status.NOT_FOUND, f"need at least {need} materials, and 1 is left of 3 runs (")
    refused("correlate", path, Status.NOT_FOUND, "1 is left of 3 runs (1 not finished, 1 ")
    ask("report", path, output="r")
    assert "Correlations: correlations need at least 4 materials" in capsys.readouterr().err
    assert "Not possible: " in open("r/index.html").read()
    landscapes.write(path, [{**one, "material": f"M{i}", "numbers": {"all": {"omega_mean_meV": 30.0}}} for i in range(5)])
    refused("correlate", path, Status.NOT_FOUND, "need at least 2 descriptors, and 0 are left (D_cm2_s: no value at all; omega_mean_meV: constant: 30;")


def test_tables_for_people_programs_and_spreadsheets_have_the_same_numbers(database):
    text = ask("correlate", database, temperature_K=600)
    rows = list(csv.DictReader(io.StringIO(run("correlate", "--db", database, "-T", "600", "--csv"), newline="")))
    of = json.loads(ask("correlate", database, temperature_K=600, json=True))
    assert [row["descriptor"] for row in rows] == [row["descriptor"] for row in of["tables"]["ranking"]]
    assert [float(row["r"]) for row in rows] == [row["r"] for row in of["tables"]["ranking"]]
    assert f"{float(rows[0]['r']):.4g}" in text and rows[0]["descriptor"] in text
    assert "rule: temperature: 600 +- 100 K (as asked)" in text
    assert {row["why"] for row in of["left_out"]["runs"]} == {"outside 600 +- 100 K"}
    assert "\x1b" not in ask("select", database)


class Page(html.parser.HTMLParser):
    """What a page refers to, and what its figures say in words; every tag must be closed."""

    EMPTY = {"meta", "img", "link", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.refers, self.alternatives, self.tags = [], [], [], set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.refers += [value for key, value in attrs if key in ("src", "href", "action", "data", "srcset")]
        self.alternatives += [value for key, value in attrs if tag == "img" and key == "alt"]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


FEW = "omega30_mean_meV,e_vib_meV,s_vib_meV_K,c_v_meV_K"  # are left out: figures of seven descriptors take less time


def contents(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)}


@pytest.fixture(scope="module")
def report(database, tmp_path_factory):
    """By the program."""
    path = tmp_path_factory.mktemp("report") / "out"
    run(*f"report --target D_cm2_s --models forest --folds 3 --without {FEW} -o".split(), path, "--db", database, says="index.html is the page")
    assert os.listdir(path.parent) == ["out"]
    return path


def test_a_report_is_a_page_of_its_own_with_figures_and_tables(report, monkeypatch):
    monkeypatch.chdir(report)
    text = open("index.html").read()
    page = Page(text)
    assert not page.tags & {"script", "iframe", "object", "link", "form"}
    assert "<b>" not in text and "&lt;b&gt;&amp;" in text
    for name in page.refers:
        assert name.startswith("data:image/png;base64,") or os.path.isfile(name) or f'id="{name[1:]}"' in text, name
    for name in ("correlogram", "bars", "components", "clusters", "parity_d_cm2_s"):
        assert open(f"{name}.png", "rb").read(8) == b"\x89PNG\r\n\x1a\n"
        assert open(f"{name}.pdf", "rb").read(5) == b"%PDF-"
    about = json.load(open("landscape.json"))
    assert about["about"]["seed"] == 1 and "sklearn" in about["about"] and not about["not_possible"]
    figures = [name for one in about["analyses"] for name in one["figures"]]
    assert len(page.alternatives) == len(figures) >= 5 and all(len(one) > 40 for one in page.alternatives)
    for one in about["analyses"]:
        assert all(os.path.isfile(name) for name in one["tables"]) and one["rules"]
    scores = list(csv.DictReader(open("scores.csv")))
    assert len(scores) == 12 and {"material", "family", "PC1", "PC2"} <= set(scores[0])


def test_the_same_seed_gives_the_same_files_on_one_thread_and_on_several(database, report, folder, monkeypatch):
    before = contents(report)
    several = 3 if regression.workers() == 1 else 1  # what the program did not have
    monkeypatch.setattr(regression, "workers", lambda: several)
    ask("report", database, target="D_cm2_s", models="forest", folds=3, without=FEW, output="out")
    now = contents("out")
    assert now.keys() == before.keys()
    assert [name for name in now if now[name] != before[name]] == []


def test_a_folder_is_replaced_as_a_whole(database, folder):
    ask("select", database, output="out")
    assert "selection.csv" in contents("out")
    ask("components", database, without=FEW, output="out")
    assert "selection.csv" not in contents("out") and "loadings.csv" in contents("out") and os.listdir(".") == ["out"]


def test_the_mean_alone_makes_a_figure_too(database, folder):
    ask("regress", database, models="mean", output="out")
    assert os.path.getsize("out/parity_d_cm2_s.png") > 1000


def test_what_was_left_out_is_counted_with_its_reasons(database):
    said = ask("clusters", database)
    assert re.search(r"(?m)^left out: (\d+) runs \((\d+: [a-z][^;)]*(; )?)+\)$", said), said
    assert re.search(r"\(--csv prints another table, clusters, of \d+ rows\)", said), said


def test_folders_of_others_are_left_alone(database, folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.tex").write_text("x")
    (folder / "file").write_text("x")
    refused("select", database, Status.EXISTS, "the folder mine has files that are not of a report", output="mine")
    refused("select", database, Status.EXISTS, "file is there and is no folder", output="file")
    refused("select", database, Status.IO, "there is no such folder", output="no/where")
    assert sorted(os.listdir(".")) == ["file", "mine"]


def test_ctrl_c_leaves_nothing_behind(database, folder):
    process = subprocess.Popen([str(BUILD / "ionwatch"), "landscape", "report", "--db", database, "--models", "mlp", "-o", "out"],
                               stderr=subprocess.PIPE, text=True, env={**os.environ, **ENVIRONMENT})  # fmt: skip
    time.sleep(3)
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:  # as one presses it who sees nothing happen
        process.send_signal(signal.SIGINT)
        time.sleep(1)
    process.kill()
    said = process.communicate()[1]
    assert process.returncode in (130, -signal.SIGINT) and "Traceback" not in said
    assert not os.listdir(".")


def test_what_is_missing_is_named_with_the_way_to_get_it(folder):
    bare = folder / "python3"
    bare.write_text('#!/bin/sh\nexec /usr/bin/python3 -S -s "$@"\n')  # without Debian's packages
    bare.chmod(0o755)
    run("--db", "x.db", code=1, says="sudo apt-get install python3-numpy python3-pandas python3-scipy python3-sklearn", IONWATCH_PYTHON=str(bare))


def test_a_family_has_a_selection_of_its_own(database):
    rows = list(csv.DictReader(io.StringIO(ask("select", database, family="li", csv=True), newline="")))
    assert rows and {row["family"] for row in rows} == {"Li"}
    assert "only materials of the family Li" in ask("select", database, family="Li")
