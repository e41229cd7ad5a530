#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server under the command and under the daemon: the same answers as from a file, and a
server that is away, or hangs, costs nobody anything."""
import json
import os
import re
import signal
import subprocess
import sys
import time

import program
from program import DAEMON, PROGRAM, SPECIES, Case, environment, write_extxyz

SCRIPT = os.path.join(program.SOURCE, "tests", "postgres.sh")
FOLDER = f"/tmp/iw-cli-postgres-{os.getpid()}"


def server(word, *more):
    return subprocess.run(["bash", SCRIPT, word, FOLDER, *more], capture_output=True, text=True)


def setUpModule():
    done = server("start", str(os.getpid()))
    if done.returncode == 77:
        print("SKIPPED: PostgreSQL is not installed")
        sys.exit(77)
    assert done.returncode == 0, done.stderr


def tearDownModule():
    server("remove")


class OnServer(Case):
    made = 0

    def setUp(self):
        super().setUp()
        OnServer.made += 1
        self.uri = f"postgresql://ionwatch:secret@/case{OnServer.made}?host={FOLDER}"
        self.sql("postgres", f"CREATE DATABASE case{OnServer.made}")
        for seed, name in ((1, "one"), (2, "two")):
            r, v = program.walk(120, seed=seed)
            write_extxyz(self.path(f"{name}.extxyz"), SPECIES, r, v)

    def sql(self, database, statement):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", FOLDER, "-U", "ionwatch", "-d",
                               database, "-c", statement], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def said(self):
        if not os.path.exists(self.path("daemon.log")):
            return ""
        with open(self.path("daemon.log")) as file:
            return file.read()

    def wait_for(self, condition, what, timeout_s=40):
        until = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > until:
                self.fail(f"waited {timeout_s} s for {what}\n{self.said()}")
            time.sleep(0.1)

    def file_run(self, name, db, *more):
        return self.expect(0, "analyze", self.path(f"{name}.extxyz"), "--json", "--db", db, "-T", "600",
                           "--name", name, *more, says="filed as number")


class Command(OnServer):
    def test_every_answer_is_that_of_a_file(self):
        file = self.path("ions.db")
        for name in ("one", "two"):
            for db in (file, self.uri):
                done = self.file_run(name, db, "--material", "ä, Ünit")
                self.assertNotIn("secret", done.stderr)
        for words in (["db", "ls"], ["db", "query"], ["db", "query", "--csv", "--group", "Li"],
                      ["db", "query", "SELECT * FROM descriptors_wide", "--json"],
                      ["db", "query", "SELECT name, \"temperature_K\" FROM runs ORDER BY name"],
                      ["db", "query", "SELECT * FROM species", "--csv"],
                      ["db", "query", "SELECT count(*) AS n FROM runs WHERE name LIKE 'O%' OR name LIKE 't%'"], ["db", "export", "--json"], ["db", "export"],
                      ["db", "show", "two", "--json", "--series", "--full"], ["arrhenius", "--json"]):
            here = self.expect(0, *words, "--db", file).stdout
            there = self.expect(0, *words, "--db", self.uri).stdout
            self.assertTrue(here.strip() not in ("", "[]"), words)
            self.assertEqual(here, there, words)
        for words, code in ((["db", "show", "none"], 4), (["db", "query", "DELETE FROM runs"], 1),
                            (["db", "query", "SELECT 1; SELECT 2"], 1), (["db", "query", "-g", "Li", "SELECT 1"], 2)):
            for db in (file, self.uri):
                self.assertNotIn("secret", self.expect(code, *words, "--db", db).stderr)
        self.expect(0, "db", "rm", "one", "--db", self.uri)
        self.assertEqual(self.sql(self.uri.split("?")[0].split("/")[-1], "SELECT name FROM runs"), "two")

    def test_the_campaign_is_the_same_on_both(self):
        file = self.path("campaign.db")
        for db in (file, self.uri):  # numbers of rows are in the order of filing then
            self.expect(0, "db", "ingest", os.path.join(program.SOURCE, "docs", "campaign", "campaign.db"), "--db", db)
        tables = {"runs": "run", "groups": "run, name", "species": "run, species", "events": "run, ordinal",
                  "descriptors": 'run, "group", descriptor, method', "series": 'run, "group", series, "column"',
                  "metadata": "run, key", "material_descriptors": "material, descriptor, method",
                  "run_descriptors": "run, descriptor", "materials": 'material, "group"',
                  "descriptors_wide": 'run, "group"'}
        run = json.loads(self.expect(0, "db", "ls", "--json", "--db", file).stdout)[7]
        questions = [["db", "query", f"SELECT * FROM {table} ORDER BY {key}", "--json"] for table, key in tables.items()]
        questions += [["db", "ls"], ["db", "ls", "--json"], ["db", "query"], ["db", "export"], ["db", "export", "--json"],
                      ["db", "query", "-g", "mobile", "--csv"], ["db", "query", "--descriptor", "D_cm2_s"],
                      ["db", "query", "--run", run["name"], "-g", "mobile", "--descriptor", "alpha", "--json"],
                      ["db", "query", "--run", run["id"][:7].upper()], ["db", "show", run["id"], "--json", "--full"],
                      ["arrhenius", "--json"], ["arrhenius", run["material"], "-g", "framework"],
                      ["db", "query", 'SELECT material, count(*) AS n, avg("D_cm2_s") AS d, max(alpha) > 0.5 AS a FROM '
                       'descriptors_wide WHERE "group" = \'mobile\' GROUP BY material ORDER BY d DESC, material', "--json"]]
        for words in questions:
            here, there = (self.expect(0, *words, "--db", db).stdout for db in (file, self.uri))
            self.assertGreater(len(here), 1, words)
            self.assertEqual(here, there, words)

    def test_runs_of_a_file_move_to_the_server(self):
        file = self.path("ions.db")
        for name in ("one", "two"):
            self.file_run(name, file)
        for n in ("2 runs filed\n",) * 2:
            self.assertEqual(self.expect(0, "db", "ingest", file, "--db", self.uri).stdout, n)
        self.assertEqual(self.expect(0, "db", "ingest", "sqlite://" + file, "--run", "one", "--db",
                                     self.uri).stdout, "1 run filed\n")
        for query in ("runs ORDER BY run", "materials ORDER BY 1, 2", "metadata ORDER BY 1, 2",
                      'descriptors_wide ORDER BY run, "group"'):
            words = ["db", "query", f"SELECT * FROM {query}", "--json"]
            self.assertEqual(self.expect(0, *words, "--db", file).stdout,
                             self.expect(0, *words, "--db", self.uri).stdout)
        # And back, from a record in a file.
        with open(self.path("record.json"), "w") as out:
            out.write(self.expect(0, "db", "show", "one", "--json", "--series", "--full", "--db", self.uri).stdout)
        self.expect(0, "db", "ingest", "record.json", "--db", self.path("other.db"))
        words = ["db", "show", "one", "--json", "--series", "--full", "--db"]
        self.assertEqual(self.expect(0, *words, self.path("other.db")).stdout, self.expect(0, *words, file).stdout)
        for source, says in (("one.extxyz", "neither a database nor a record"), ("none.json", "neither"),
                             ("sqlite:///nowhere/x.db", "no such database")):
            self.expect(1, "db", "ingest", source, "--db", self.uri, says=says)
        self.expect(4, "db", "ingest", file, "--run", "three", "--db", self.uri, says='ions.db: no run "three"')

    def test_a_server_that_is_not_there_is_told_before_the_work(self):
        uri = f"postgresql://me:secret@/ions?host={self.folder}"
        done = self.expect(1, "analyze", self.path("one.extxyz"), "--db", uri, says="No such file or directory")
        self.assertEqual(done.stdout, "")
        self.assertNotIn("secret", done.stderr)
        self.expect(1, "db", "ls", "--db", uri, says=f"postgresql://me@/ions?host={self.folder}: connecting")
        self.expect(1, "db", "ls", "--db", self.uri, says="is empty")

    def test_a_connection_that_was_cut_during_a_long_analysis_costs_nothing(self):
        r, v = program.walk(3000, seed=3)
        write_extxyz(self.path("long.extxyz"), SPECIES, r, v)
        self.expect(0, "db", "migrate", "--db", self.uri)
        process = subprocess.Popen([PROGRAM, "analyze", self.path("long.extxyz"), "-T", "600", "--db", self.uri],
                                   stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env=environment(self.folder))
        cut = "0"
        while cut == "0" and process.poll() is None:  # it is connected before it reads the file
            cut = self.sql("postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                       f"application_name = 'ionwatch' AND datname = 'case{OnServer.made}'")
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("filed as number", said)
        if cut == "0":
            print("it was quicker than the cut: not tested")

    def test_a_long_question_is_ended_by_ctrl_c(self):
        self.file_run("one", self.uri)
        process = subprocess.Popen([PROGRAM, "db", "query", "SELECT pg_sleep(60)", "--db", self.uri],
                                   stderr=subprocess.PIPE, env=environment(self.folder))
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)


class Takeover(OnServer):
    """The last of them: the server is gone in the end."""

    def test_a_standby_answers_and_takes_over(self):
        self.file_run("one", self.uri)
        self.assertEqual(server("standby").returncode, 0)
        name = f"case{OnServer.made}"
        standby = f"postgresql://ionwatch@/{name}?host={FOLDER}/standby"
        self.assertIn("true", self.expect(0, "db", "query", "SELECT CASE WHEN pg_is_in_recovery() THEN 'true' END AS t",
                                          "--json", "--db", standby).stdout)
        for words in (["ls"], ["query"], ["show", "one", "--json", "--full"], ["export"]):
            self.assertEqual(self.expect(0, "db", *words, "--db", standby).stdout,
                             self.expect(0, "db", *words, "--db", self.uri).stdout)
        self.assertIn("as it was", self.expect(0, "db", "migrate", "--db", standby).stdout)
        self.expect(1, "db", "rm", "one", "--db", standby, says="it takes no writes now (a standby")
        both = (f"postgresql://ionwatch@/{name}?host={FOLDER}/standby,{FOLDER}&port=5432,5432&"
                "target_session_attrs=read-write")
        self.file_run("two", both)
        self.assertEqual(self.sql(name, "SELECT count(*) FROM runs"), "2")
        position = self.sql("postgres", "SELECT pg_current_wal_lsn()")
        self.wait_for(lambda: json.loads(self.expect(
            0, "db", "query", f"SELECT CASE WHEN pg_last_wal_replay_lsn() >= '{position}' THEN 1 END AS there", "--json",
            "--db", standby).stdout)[0]["there"], "the standby to have all")
        self.assertEqual(server("stop").returncode, 0)
        self.expect(1, "db", "rm", "one", "--db", both, says=f"db rm: postgresql://ionwatch@/{name}?host=")
        self.assertEqual(server("promote").returncode, 0)
        self.expect(0, "db", "rm", "one", "--db", both)
        self.assertEqual(len(json.loads(self.expect(0, "db", "ls", "--json", "--db", standby).stdout)), 1)


class Daemon(OnServer):
    def setUp(self):
        super().setUp()
        self.endpoint = "ipc://" + self.path("ionwatch.sock")

    def start_daemon(self, *more):
        with open(self.path("daemon.log"), "a") as log:
            self.daemon = subprocess.Popen(
                [DAEMON, "--listen", self.endpoint, "--data", self.path("data"), "--db", self.uri, "--http", "off", *more],
                stderr=log, stdout=log, env=environment(self.folder))
        self.addCleanup(self.daemon.kill)
        self.wait_for(lambda: self.run_program("ls").returncode == 0, "the daemon to answer")

    def end(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(timeout=25), 0, self.said())

    def stream(self, name):
        self.expect(0, "follow", "--once", self.path(f"{name}.extxyz"), "--run", name)

    def states(self):
        return {run["name"]: run["state"] for run in json.loads(self.run_program("ls", "--json").stdout)}

    def test_a_server_that_is_away_is_waited_for(self):
        self.start_daemon()
        self.stream("one")
        self.wait_for(lambda: "store.filed" in self.said(), "the first run to be filed")
        place = self.sql(f"case{OnServer.made}", "SELECT value FROM metadata WHERE key = 'journal'")
        journal = os.path.join(place.partition(":")[2], "journal.iwlog")
        self.assertTrue(journal.startswith(self.path("data")), place)
        self.assertEqual(self.sql(f"case{OnServer.made}", "SELECT input_hash FROM runs"),
                         self.record(journal)["run"]["input_hash"])
        self.assertEqual(server("stop").returncode, 0)
        try:
            self.stream("two")
            self.wait_for(lambda: "store.retry" in self.said(), "word of the server")
            self.assertEqual(self.states()["two"], "ending")
            self.assertIn("waits for the database", self.run_program("ls").stdout)
            self.daemon.kill()  # and the daemon, too
            self.daemon.wait()
            self.start_daemon()  # which does not need the server to start
        finally:
            self.assertEqual(server("restart").returncode, 0)
        self.wait_for(lambda: self.sql(f"case{OnServer.made}", "SELECT count(*) FROM runs") == "2", "both runs")
        self.wait_for(lambda: self.states().get("two") not in (None, "ending"), "the state of the run")
        self.assertEqual(json.loads(self.run_program("show", "one", "--json").stdout)["run"]["name"], "one")
        self.end()
        self.assertNotIn("secret", self.said())
        self.assertNotIn("secret", self.run_program("status").stdout)

    def test_a_lost_database_is_made_again_from_the_journals(self):
        name = f"case{OnServer.made}"
        kept = ("SELECT r.name, d.* FROM descriptors d JOIN runs r ON r.run = d.run ORDER BY r.name, d.\"group\", "
                "d.descriptor, d.method", "SELECT r.name, s.series, s.\"column\", md5(s.data) FROM series s JOIN runs r "
                "ON r.run = s.run ORDER BY 1, s.\"group\", 2, 3", "SELECT * FROM materials ORDER BY 1, 2",
                "SELECT name, state, input_hash FROM runs ORDER BY 1")
        self.start_daemon()
        for run in ("one", "two"):
            self.stream(run)
        self.wait_for(lambda: self.sql(name, "SELECT count(*) FROM runs") == "2", "both runs")
        before = [self.sql(name, question) for question in kept]
        self.end()
        self.sql(name, "DELETE FROM runs WHERE name = 'two'")  # as of a dump that is older
        self.start_daemon("--refile", "missing")
        self.wait_for(lambda: self.sql(name, "SELECT count(*) FROM runs") == "2", "the lost run")
        self.end()
        self.sql(name, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.start_daemon("--refile", "missing")
        self.wait_for(lambda: self.sql(name, "SELECT count(*) FROM runs") == "2", "both runs again")
        self.end()
        self.assertIn(" 1 filed runs are filed again", self.said())
        self.assertIn(" 2 filed runs are filed again", self.said())
        after = [self.sql(name, question) for question in kept]
        numbers = re.compile(r"^(one|two)\|[12]\|", re.M)  # which of them is first may differ
        self.assertEqual(*([numbers.sub(r"\1|", text) for text in texts] for texts in (before, after)))

    def test_a_server_that_hangs_does_not_hold_up_the_end(self):
        self.start_daemon()
        self.stream("one")
        self.wait_for(lambda: "store.filed" in self.said(), "the first run to be filed")
        pid = int(self.sql("postgres", "SELECT pid FROM pg_stat_activity WHERE application_name = 'ionwatch' AND "
                                       f"datname = 'case{OnServer.made}'"))
        os.kill(pid, signal.SIGSTOP)
        try:
            self.stream("two")
            time.sleep(1)  # it is being filed
            self.end()
        finally:
            os.kill(pid, signal.SIGCONT)
        self.start_daemon()
        self.wait_for(lambda: self.sql(f"case{OnServer.made}", "SELECT count(*) FROM runs") == "2", "both runs")
        self.end()


if __name__ == "__main__":
    program.main()
