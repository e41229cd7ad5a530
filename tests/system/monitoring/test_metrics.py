#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /metrics of a live daemon: by hand, by promtool, and by a Prometheus."""
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import monitoring
import program

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers, answer.read().decode()


class Metrics(monitoring.Daemon):
    options = ["--http", "127.0.0.1:0", "--heartbeat-s", "5"]

    def setUp(self):
        super().setUp()
        self.wait_for(lambda: "http.listen" in self.said(), "the page")
        self.url = re.search(r"http://[\d.]+:\d+", self.said()).group(0)

    def scrape(self):
        """{(name, labels in order): value}"""
        samples = {}
        for line in get(self.url + "/metrics")[1].splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.match(line).groups()
            labels = tuple((key, json.loads(f'"{text}"')) for key, text in LABEL.findall(labels or ""))
            self.assertNotIn((name, labels), samples)
            samples[name, labels] = float(value)
        return samples

    def test_values_are_those_of_show_and_ls(self):
        hostile = 'a "quoted\\ name}\n# TYPE x'
        self.start_walk(hostile, 300, "--material", "Li6PS5Cl")
        self.start_walk("plain", 400)
        samples = self.scrape()
        for name in (hostile, "plain"):
            row = self.row(name)
            run = (("run", row["id"]),)
            record = self.show(row["id"])
            self.assertEqual(samples["ionwatch_run_diffusion_cm2_per_second", run],
                             record["groups"]["mobile"]["D_cm2_s"]["value"])
            self.assertEqual(samples["ionwatch_run_diffusion_stderr_cm2_per_second", run],
                             record["groups"]["mobile"]["D_cm2_s"]["stderr"])
            self.assertEqual(samples["ionwatch_run_frames", run], record["run"]["frames"])
            self.assertAlmostEqual(samples["ionwatch_run_simulated_seconds", run] * 1e12,
                                   record["run"]["time_ps"], 9)
            self.assertEqual(samples["ionwatch_run_temperature_kelvin", run], 600)
            self.assertEqual(samples["ionwatch_run_target_ratio", run], 0.2)
            self.assertEqual(samples["ionwatch_run_convergence",
                                     run + (("state", record["convergence"]["state"]),)], 1)
            self.assertEqual(samples["ionwatch_run_health",
                                     run + (("state", record["health"]["state"]),)], 1)
            self.assertEqual(samples["ionwatch_run_lindemann_ratio", run]
                             if record["health"]["lindemann"] is not None else None,
                             record["health"]["lindemann"])
            self.assertEqual(samples["ionwatch_run_info",
                                     run + (("name", name), ("material", row["material"]),
                                            ("code", row["code"]))], 1)
            self.assertEqual(samples["ionwatch_run_state", run + (("state", "running"),)], 1)
        self.assertEqual(samples["ionwatch_frames_received_total", ()], 700)
        self.assertEqual(samples["ionwatch_frames_acknowledged_total", ()], 700)
        self.assertEqual(samples["ionwatch_frames_analysed_total", ()], 700)
        self.assertEqual(samples["ionwatch_runs", (("state", "running"),)], 2)
        self.assertEqual(samples["ionwatch_runs_begun_total", ()], 2)
        self.assertEqual(samples["ionwatch_adapters_connected", ()], 2)
        self.assertEqual(samples["ionwatch_database_up", ()], 1)
        self.assertEqual(samples["ionwatch_journal_bytes", ()],
                         sum(row["journal_bytes"] for row in self.listing()))
        self.assertEqual(samples["ionwatch_journal_written_bytes_total", ()],
                         samples["ionwatch_journal_bytes", ()])
        room = shutil.disk_usage(self.path("data"))
        self.assertEqual(samples["ionwatch_disk_bytes", ()], room.total)
        self.assertLess(samples["ionwatch_disk_free_bytes", ()], room.total)

    def test_a_run_has_series_until_it_is_filed_and_a_restart_begins_at_nought(self):
        self.start_walk("still", 300).kill()
        run = self.row("still")["id"]
        self.assertIn(("ionwatch_run_frames", (("run", run),)), self.scrape())
        self.daemon.kill()
        self.daemon.wait()
        self.log.close()
        self.start_daemon()
        self.wait_for(lambda: self.said().count("http.listen") == 2, "the page")
        self.url = re.findall(r"http://[\d.]+:\d+", self.said())[-1]
        self.wait_for(lambda: self.scrape()["ionwatch_frames_analysed_total", ()] == 300,
                      "the journal to be read again")
        samples = self.scrape()
        self.assertEqual(samples["ionwatch_frames_received_total", ()], 0)
        self.assertEqual(samples["ionwatch_runs_begun_total", ()], 0)
        self.assertEqual(samples["ionwatch_run_state", (("run", run), ("state", "stalled"))], 1)
        path = self.path("ends.extxyz")
        program.write_extxyz(path, program.SPECIES, *program.walk(60))
        self.expect(0, "follow", "--once", path, "--run", "ends")
        self.wait_for(lambda: self.scrape()["ionwatch_runs_filed_total", ()] == 1, "the filing")
        ended = self.row("ends")["id"]
        runs = {dict(labels).get("run") for _, labels in self.scrape()}
        self.assertEqual(runs, {None, run})
        self.assertNotIn(ended, runs)

    def test_promtool_accepts_what_a_live_daemon_answers(self):
        self.require("promtool")
        self.start_walk("one")
        headers, text = get(self.url + "/metrics")
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        told = set(re.findall(r"(?m)^# TYPE (\w+)", text))
        self.assertEqual(told, monitoring.known_metrics())

    def require(self, tool):
        if not shutil.which(tool):
            self.skipTest(f"{tool} is not installed")

    def ask(self, port, query):
        """[(labels, value)] of an instant query; none while Prometheus is not up."""
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        try:
            answer = json.loads(get(url)[1])
        except OSError:
            return []
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def start_prometheus(self, port):
        target = self.url[len("http://"):]
        with open(self.path("prometheus.yml"), "w") as file:
            file.write("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: ionwatch\n"
                       f"    static_configs: [{{targets: ['{target}']}}]\n")
        log = open(self.path("prometheus.log"), "w")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            ["prometheus", "--config.file", self.path("prometheus.yml"), "--storage.tsdb.path",
             self.path("tsdb"), "--web.listen-address", f"127.0.0.1:{port}"],
            stdout=log, stderr=log, env=program.environment(self.folder))
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def test_a_prometheus_scrapes_a_live_run_and_gives_its_D_back(self):
        self.require("prometheus")
        self.start_walk("LGPS 600 K", 500, "--material", "Li10GeP2S12")
        port = free_port()
        server = self.start_prometheus(port)
        joined = ('ionwatch_run_diffusion_cm2_per_second * on (instance, run) group_left (name) '
                  'ionwatch_run_info{name="LGPS 600 K"}')
        self.wait_for(lambda: server.poll() is not None or self.ask(port, joined),
                      "Prometheus to have D", 60)
        self.assertIsNone(server.poll())
        (labels, value), = self.ask(port, joined)
        record = self.show("LGPS 600 K")
        self.assertEqual(value, record["groups"]["mobile"]["D_cm2_s"]["value"])
        self.assertEqual(labels["run"], record["run"]["id"])
        self.assertEqual(self.ask(port, "up")[0][1], 1)
        (_, frames), = self.ask(port, "ionwatch_frames_received_total")
        self.assertEqual(frames, 500)

    def test_openmetrics_for_who_asks_for_it(self):
        headers, text = get(self.url + "/metrics",
                            Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        self.assertEqual(headers["Content-Type"],
                         "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertIn("# TYPE ionwatch_frames_received counter\n", text)

    def test_time_goes_on_and_counters_never_fall(self):
        first = self.scrape()
        self.start_walk("more", 300)
        grow = [(name, ()) for name in ("ionwatch_uptime_seconds", "process_cpu_seconds_total", "ionwatch_questions_total",
                                        "ionwatch_analysis_seconds_total", "ionwatch_snapshots_total")]
        for _ in range(100):
            time.sleep(0.2)
            second = self.scrape()
            if all(second[key] > first[key] for key in grow):
                break
        for key in grow:
            self.assertGreater(second[key], first[key])
        for key, value in first.items():
            if key[0].endswith("_total"):
                self.assertGreaterEqual(second[key], value)
        self.assertLess(abs(second["process_start_time_seconds", ()] - time.time()), 120)


if __name__ == "__main__":
    program.main()
