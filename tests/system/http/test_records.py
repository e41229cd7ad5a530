# SPDX-License-Identifier: GPL-3.0-or-later
"""What is served is what the programs print; it is packed, tagged and streamed."""

import contextlib
import csv
import io
import json
import os
import signal

from page import Events, OURS, header, page, quoted, running
from programs import main, until

AWKWARD = '<script>alert("x")</script> \'a/b\'\n&%2F?#ü'


def without_clocks(rows):
    return [{k: v for k, v in row.items() if k not in ("silent_s", "updated")} for row in rows]


def test_records_and_listing_are_those_of_the_program():
    with page() as p, running(p, "one") as one, running(p, AWKWARD) as two:
        for run in (one, two):
            run.wait()
            for series, words in (("", ()), ("?series=1", ("--series",))):
                shown = p.json_of("show", run.name, *words)
                served = p.ask(run.path_of_record + series)
                assert served.headers["Content-Type"] == "application/json"
                assert served.json == shown, (run.name, series)
        until(lambda: without_clocks(p.ask("/api/v1/runs").json["runs"]) ==
              without_clocks(p.json_of("ls")), 10, "the listings agree")
        assert p.ask("/api/v1/runs/" + two.wait()["run"]["id"]).json["run"]["name"] == AWKWARD
        full = p.ask("/api/v1/runs/one?series=full").json
        assert len(full["groups"]["mobile"]["msd"]["lag_ps"]) >= len(
            p.ask("/api/v1/runs/one?series=1").json["groups"]["mobile"]["msd"]["lag_ps"])
        one.end()

        def filed():  # the database adds to the record
            rows = {row["name"]: row for row in p.ask("/api/v1/runs").json["runs"]}
            return None if rows["one"]["live"] else rows

        assert set(until(filed, 20, "the run is filed")) == {"one", AWKWARD}
        assert p.ask("/api/v1/runs/one?series=1").json == p.json_of("show", "one", "--series")


def test_series_are_tables_of_the_record():
    with page() as p, running(p, "one") as one:
        one.wait()
        record = p.ask("/api/v1/runs/one?series=full").json
        for kind, at in (("msd", record["groups"]["mobile"]["msd"]),
                         ("vdos", record["groups"]["mobile"]["vdos"]),
                         ("history", record["history"]["diffusion"])):
            answer = p.ask(f"/api/v1/runs/one/series.csv?kind={kind}&group=mobile")
            assert answer.headers["Content-Type"].startswith("text/csv")
            rows = list(csv.reader(io.StringIO(answer.body.decode())))
            assert rows[0] == list(at), (kind, rows[0])
            for i, name in enumerate(rows[0]):
                column = [float(row[i]) if row[i] else None for row in rows[1:]]
                assert column[:len(at[name])] == at[name], (kind, name)
        assert p.ask("/api/v1/runs/one/series.csv?kind=msd&group=Xe").error == "not_found"
        assert p.ask("/api/v1/runs/one/series.csv?kind=pdf").error == "invalid"
        assert p.ask("/api/v1/runs/one/series.csv").error == "invalid"


def test_arrhenius_is_that_of_the_program():
    with page() as p, running(p, "cold", temperature=500) as cold, \
            running(p, "hot", temperature=700) as hot:
        cold.wait()
        material = hot.wait()["run"]["material"]
        said = json.loads(p.run_program("arrhenius", material, "--json", "--db",
                                        f"sqlite:///{p.folder}/runs.sqlite").stdout)
        assert p.ask("/api/v1/arrhenius?run=hot").json == said
        assert [point["name"] for point in said["points"]] == ["cold", "hot"]
        hot.end()
        until(lambda: [r["live"] for r in p.json_of("ls") if r["name"] == "hot"] == [False], 20, "hot is filed")
        report = p.ask("/api/v1/arrhenius?run=cold&group=Li&at_K=350").json
        assert report["group"] == "Li"
        assert {point["source"] for point in report["points"]} == {"live", "filed"}
        assert p.ask("/api/v1/arrhenius?run=nobody").status == 404
        assert p.ask("/api/v1/arrhenius").status == 400
        assert p.ask("/api/v1/arrhenius?run=hot&at_K=-1").status == 400


def test_many_siblings_are_asked_side_by_side_and_told_in_order():
    with page() as p, contextlib.ExitStack() as stack:
        runs = [stack.enter_context(running(p, f"run-{i}", temperature=500 + 50 * (i % 3)))
                for i in range(20)]
        material = [run.wait() for run in runs][0]["run"]["material"]
        said = json.loads(p.run_program("arrhenius", material, "--json", "--db",
                                        f"sqlite:///{p.folder}/runs.sqlite").stdout)
        answer = p.ask("/api/v1/arrhenius?run=run-3")
        assert answer.json == said, answer.body[:2000]
        assert sorted(point["name"] for point in said["points"]) == sorted(f"run-{i}" for i in range(20))


def test_answers_are_packed_and_tagged():
    with page() as p, running(p, "one") as one:
        one.wait()
        for path in ("/", "/assets/dygraph.min.js", "/api/v1/runs/one?series=1", "/api/v1/explain"):
            plain = p.ask(path)
            packed = p.ask(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
            refused = p.ask(path, headers={"Accept-Encoding": "gzip;q=0"})
            assert packed.headers["Content-Encoding"] == "gzip", path
            assert "Content-Encoding" not in plain.headers and "Content-Encoding" not in refused.headers
            assert plain.body == packed.body and len(packed.raw) < len(plain.raw), path
            assert plain.headers["ETag"] != packed.headers["ETag"]
            for answer, accept in ((plain, "identity"), (packed, "gzip")):
                again = p.ask(path, headers={"If-None-Match": f'"x", {answer.headers["ETag"]}',
                                             "Accept-Encoding": accept})
                assert again.status == 304 and again.raw == b"" and again.headers["ETag"] == answer.headers["ETag"]
            other = p.ask(path, headers={"If-None-Match": '"x"'})
            assert other.status == 200
            head = p.ask(path, method="HEAD")
            assert head.status == 200 and head.raw == b""
            assert head.headers["Content-Length"] == str(len(plain.raw))
        one.grow(40)
        one.wait()
        tag = p.ask("/api/v1/runs/one").headers["ETag"]
        one.grow(40)
        one.wait()
        assert p.ask("/api/v1/runs/one", headers={"If-None-Match": tag}).status == 200


def test_a_stream_follows_runs_and_one_run():
    with page() as p, Events(p) as all_runs:
        assert all_runs.next()[0] == "hello"
        first = all_runs.until(lambda name, data: name == "runs", "the listing")
        assert first == {"all": True, "runs": [], "removed": []}
        with running(p, AWKWARD) as run:
            row = all_runs.until(lambda name, data: name == "runs" and data["runs"], "the new run")
            assert row["runs"][0]["name"] == AWKWARD and "all" not in row and "silent_s" not in row["runs"][0]
            for accept in ("identity", "gzip"):
                with Events(p, run.name, headers={"Accept-Encoding": accept}) as stream:
                    assert stream.packed == (accept == "gzip")
                    seen = stream.until(lambda name, data: name == "run", "the record")
                    assert seen["groups"]["mobile"]["msd"]["lag_ps"]
                    run.grow(50)
                    stream.until(lambda name, data: name == "run" and data["run"]["frames"] == run.frames,
                                 "the record with the new frames")
                    stream.until(lambda name, data: name == "beat" and data["time"] > 1.7e9, "a beat")
            with Events(p, run.name) as stream:
                run.end()
                last = stream.until(lambda name, data: name == "run" and data["run"]["state"] != "running",
                                    "the end of the run")
                until(lambda: not p.json_of("ls")[0]["live"], 20, "it is filed")
                filed = p.json_of("show", run.name, "--series")
                if last["run"]["state"] != filed["run"]["state"]:
                    last = stream.until(lambda name, data: name == "run" and
                                        data["run"]["state"] == filed["run"]["state"], "the filed record")
                id = filed["run"]["id"]
                p.run_program("rm", id)
                stream.until(lambda name, data: name == "runs" and data["removed"] == [id], "its removal")
        answer = p.ask("/api/v1/stream?run=nobody")
        assert answer.status == 404 and answer.error == "not_found"


def test_a_killed_daemon_is_back_on_the_same_port():
    with page() as p, running(p, "one") as one:
        one.wait()
        with Events(p, "one") as stream:
            stream.until(lambda name, data: name == "run", "the record")
            p.process.kill()
            p.process.wait()
            try:
                while True:
                    stream.next()
            except (EOFError, OSError, ValueError, Exception) as error:
                assert not isinstance(error, AssertionError)
        with page(folder=p.folder, http=f"127.0.0.1:{p.port}") as again:
            assert again.port == p.port
            with Events(again, "one") as stream:
                one.grow(30)
                stream.until(lambda name, data: name == "run" and data["run"]["frames"] == one.frames,
                             "frames after the restart")


def test_a_stop_in_order_ends_streams_and_waits_for_nobody():
    with page() as p, running(p, "one"):
        streams = [Events(p, "one") for _ in range(5)] + [Events(p) for _ in range(5)]
        for stream in streams:
            stream.next()
        p.process.send_signal(signal.SIGTERM)
        assert p.process.wait(20) == 0
        for stream in streams:
            stream.close()


def test_an_operator_stops_a_run():
    with page() as p, running(p, AWKWARD) as run:
        path = run.path_of_record + "/stop"
        assert p.ask(path, "POST", headers=OURS).error == "forbidden"
        told = p.ask(path, "POST", headers=dict(OURS, **header(p.token("operator"))))
        assert told.status == 200 and "asked to stop" in told.json["text"]
        assert "ionwatch stop" in p.json_of("ls")[0]["stop_reason"]
        run.end()
        until(lambda: not p.json_of("ls")[0]["live"], 20, "it is filed")
        again = p.ask(path, "POST", headers=dict(OURS, **header(p.token("operator"))))
        assert again.status == 409 and "ended already" in again.json["error"]["text"]
        nobody = p.ask("/api/v1/runs/" + quoted("a/../b") + "/stop", "POST",
                       headers=dict(OURS, **header(p.token("operator"))))
        assert nobody.status == 404


def test_metrics_are_served():
    with page() as p, running(p, "one"):
        answer = p.ask("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert b"\nionwatch_build_info{" in answer.body
        assert p.ask("/healthz").body == b"ok\n"
        status = p.ask("/api/v1/status").json
        assert status["http"] == f"http://127.0.0.1:{p.port}/" and status["pid"] == p.process.pid


if __name__ == "__main__":
    os.environ.pop("IONWATCH_ENDPOINT", None)
    main([case for name, case in list(globals().items()) if name.startswith("test_")])
