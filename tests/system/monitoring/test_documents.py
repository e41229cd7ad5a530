#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/monitoring: dashboard, alerts and configuration use what there is, and work."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import monitoring
import program

FOLDER = os.path.join(program.SOURCE, "docs/monitoring")


def promtool(*words):
    return subprocess.run(["promtool", *words], capture_output=True, text=True, cwd=FOLDER)


def needs_promtool(case):
    return unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")(case)


class Documents(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(FOLDER, "grafana-dashboard.json")) as file:
            self.dashboard = json.load(file)
        self.queries = [target["expr"] for panel in self.dashboard["panels"]
                        for target in panel.get("targets", [])]

    def test_every_metric_in_dashboard_and_alerts_exists(self):
        known = monitoring.known_metrics()
        self.assertGreater(len(known), 40)
        texts = {"dashboard": " ".join(self.queries + [
            one["definition"] for one in self.dashboard["templating"]["list"] if "definition" in one])}
        for name in ("ionwatch-alerts.yml", "ionwatch-alerts-test.yml"):
            with open(os.path.join(FOLDER, name)) as file:
                texts[name] = re.sub(r"(?m)#.*$", "", file.read())
        for name, text in texts.items():
            used = set(re.findall(r"\b(?:ionwatch|process)_\w+", text))
            self.assertGreater(len(used), 3, name)
            self.assertEqual(used - known, set(), name)

    def test_every_panel_has_a_place_of_its_own_and_a_source(self):
        taken = {}
        ids = set()
        for panel in self.dashboard["panels"]:
            ids.add(panel["id"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    taken[x, y] = panel["title"]
            if panel["type"] == "row":
                continue
            self.assertEqual(panel["datasource"]["uid"], "${datasource}")
            self.assertTrue(panel["title"] and panel["targets"])
            refs = [target["refId"] for target in panel["targets"]]
            self.assertEqual(len(set(refs)), len(refs))
        self.assertEqual(len(ids), len(self.dashboard["panels"]))

    @needs_promtool
    def test_every_query_of_the_dashboard_is_one(self):
        self.assertGreater(len(self.queries), 30)
        rules = [{"record": f"query:{i}", "expr": query} for i, query in enumerate(self.queries)]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)  # JSON is YAML
            file.flush()
            done = promtool("check", "rules", file.name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(rules)} rules found", done.stdout)

    @needs_promtool
    def test_the_example_configuration_is_valid(self):
        done = promtool("check", "config", "prometheus.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @needs_promtool
    def test_alerts_fire_when_they_should_and_not_otherwise(self):
        done = promtool("test", "rules", "ionwatch-alerts-test.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(os.path.join(FOLDER, "ionwatch-alerts.yml")) as file:
            alerts = set(re.findall(r"- alert: (\w+)", file.read()))
        with open(os.path.join(FOLDER, "ionwatch-alerts-test.yml")) as file:
            tested = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", file.read()))
        self.assertEqual(alerts, tested)


if __name__ == "__main__":
    program.main()
