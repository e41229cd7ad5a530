#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""on_event: a command of the user is told what happens to runs, once."""
import json
import os
import subprocess
import time

import monitoring
import program

TELL = r"""#!/bin/sh
cat >> told.json
printf '\n' >> told.json
env | grep '^IONWATCH_EVENT=\|^IONWATCH_NAME=' | tr '\n' ' ' >> told.env
printf '\n' >> told.env
"""


class Notices(monitoring.Daemon):
    kinds = "all"
    stalled_s = 1

    def start_daemon(self):
        path = self.path("tell")
        if not os.path.exists(path):
            with open(path, "w") as file:
                file.write(TELL)
            os.chmod(path, 0o755)
        self.options = ["--on-event", f"sh -c 'cd {self.folder} && ./tell'",
                        "--on-event-kinds", self.kinds, "--on-event-stalled-s",
                        str(self.stalled_s), "--heartbeat-s", "1", "--on-event-pause-s", "0", "--on-event-at-once", "1",
                        "--lost-after-s", "600", "--target", "2", "--min-hops", "0",
                        "--min-time-ps", "0", "--trend-sigmas", "0",
                        "--hop-length-A", "0.3", "--msd-stride", "1"]
        super().start_daemon()

    def told(self, event=None):
        """What the command was told, in order."""
        try:
            with open(self.path("told.json")) as file:
                all_told = [json.loads(line) for line in file if line.strip()]
        except (FileNotFoundError, json.JSONDecodeError):
            return []
        return [one for one in all_told if event in (None, one["event"])]

    def restart(self, kill):
        if kill:
            self.daemon.kill()
            self.daemon.wait()
            self.log.close()
        else:
            self.stop_daemon()
        self.start_daemon()

    def test_what_happens_to_a_run_is_told_in_its_words(self):
        follower = self.start_walk("LGPS", 400)
        self.wait_for(lambda: self.told("converged"), "the converged run to be told")
        one, = self.told("converged")
        record = self.show("LGPS")
        event = next(e for e in record["events"] if e["id"] == "converged")
        self.assertEqual((one["text"], one["frame"], one["severity"]),
                         (event["text"], event["frame"], "note"))
        self.assertAlmostEqual(one["time_ps"], event["time_ps"])
        self.assertEqual((one["run"], one["name"], one["material"], one["endpoint"]),
                         (record["run"]["id"], "LGPS", record["run"]["material"], self.endpoint))
        follower.kill()
        self.wait_for(lambda: self.told("stalled"), "the stalled run to be told")
        self.assertIn("400 frames are safe", self.told("stalled")[0]["text"])
        path = self.path("ends.extxyz")
        program.write_extxyz(path, program.SPECIES, program.walk(400)[0], dt_fs=10)
        self.expect(0, "follow", "--once", path, "--run", "ends", "-T", "600")
        self.wait_for(lambda: self.told("filed"), "the filed run to be told")
        one, = self.told("filed")
        row = self.row("ends")
        self.assertEqual((one["D_cm2_s"], one["stderr_cm2_s"]), (row["D_cm2_s"], row["stderr_cm2_s"]))
        self.assertRegex(one["text"], r"^completed after 400 frames, [\d.]+ ps; D [\d.e-]+ \+- "
                                      r"[\d.e-]+ cm2/s; converged$")

    def test_nothing_is_told_twice_over_kill_and_restart(self):
        self.start_walk("walk", 400).kill()
        self.wait_for(lambda: self.told("stalled"), "the stalled run to be told")
        before = [(one["run"], one["event"], one["text"]) for one in self.told()]
        self.assertIn("converged", [event for _, event, _ in before])
        for kill in (True, False):
            self.restart(kill)
            self.wait_for(lambda: self.row("walk")["frames"] == 400, "the journal to be read")
            time.sleep(1.5)  # longer than on_event_stalled_s
        after = [(one["run"], one["event"], one["text"]) for one in self.told()]
        self.assertEqual([one for one in after if one[1] != "recovered"], before)
        self.assertEqual(len({event for _, event, _ in before}), len(before))

    def test_names_that_are_commands_stay_names(self):
        name = "x'; touch gotcha; $(touch gotcha) `touch gotcha`\nIONWATCH_EVENT=forged"
        self.start_walk(name, 300)
        self.wait_for(lambda: self.told(), "an event")
        self.assertEqual(self.told()[0]["name"], name)
        self.assertNotIn("gotcha", os.listdir(self.folder))
        with open(self.path("told.env")) as file:
            for line in file:
                self.assertIn(name.replace("\n", " "), line)

    def test_a_command_that_hangs_does_not_hold_up_the_daemon(self):
        with open(self.path("tell"), "w") as file:
            file.write("#!/bin/sh\necho $$ >> pids\nsleep 1000\n")
        self.start_walk("first", 300)
        self.wait_for(lambda: os.path.exists(self.path("pids")), "the command to hang")
        began = time.monotonic()
        self.start_walk("second", 300)  # frames, analysis and listing go on
        self.assertLess(time.monotonic() - began, 15)
        self.stop_daemon()
        with open(self.path("pids")) as file:
            pids = file.read().split()
        left = subprocess.run(["ps", "-o", "pid=,stat=", "-p", ",".join(pids)], capture_output=True,
                              text=True).stdout
        self.assertNotRegex(left, r"(?m)^\s*\d+\s+[^Z\s]")  # none but what nobody waits for
        self.assertIn("herald.killed", self.said())
        self.start_daemon()

    def test_a_command_that_is_missing_is_said_once(self):
        os.rename(self.path("tell"), self.path("gone"))
        self.start_walk("first", 400)
        self.start_walk("second", 400)
        self.wait_for(lambda: self.said().count("herald.tell ") >= 2, "events")
        self.assertEqual(self.said().count("herald.failed"), 1)
        self.assertRegex(self.said(), "herald.failed .*exit code 127: .*tell")
        status = json.loads(self.expect(0, "status", "--json").stdout)
        self.assertRegex(status["notice_trouble"], "exit code 127")
        self.assertGreaterEqual(status["counted"]["notices_failed"], 1)
        self.assertIn(status["notice_trouble"], self.expect(0, "status").stdout)
        os.rename(self.path("gone"), self.path("tell"))
        self.start_walk("third", 400)
        self.wait_for(lambda: "herald.works" in self.said() and self.told(), "the command to work")
        self.wait_for(lambda: "exit code 127" not in self.expect(0, "status").stdout,
                      "status to say so")


class Chosen(Notices):
    """With the kinds that are told if nothing is said."""
    kinds = "converged,futile,broken,health,stalled,lost,filed,unfiled,database,disk"

    def start_daemon(self):
        super().start_daemon()

    def test_what_happens_to_a_run_is_told_in_its_words(self):
        super().test_what_happens_to_a_run_is_told_in_its_words()
        self.assertEqual({one["event"] for one in self.told()}, {"converged", "stalled", "filed"})

    test_nothing_is_told_twice_over_kill_and_restart = None
    test_names_that_are_commands_stay_names = None
    test_a_command_that_hangs_does_not_hold_up_the_daemon = None
    test_a_command_that_is_missing_is_said_once = None


class Command(program.Case):
    def try_command(self, *options):
        return subprocess.run([program.DAEMON, *options, "--test-notice"], capture_output=True,
                              text=True, timeout=60, env=program.environment(self.folder))

    def test_a_trial_says_how_the_command_went(self):
        done = self.try_command("--on-event", "sh -c '[ \"$IONWATCH_EVENT\" = test ]'")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("sh: exit code 0", done.stdout)
        for command, code, says in (("sh -c 'echo no mailer; exit 3'", 1, "exit code 3: no mailer"),
                                    ("no-such-command", 1, "cannot run no-such-command: No such file"),
                                    ("", 2, "on_event names no command"),
                                    ("mail -s 'x", 2, "a quote or a backslash is not ended")):
            done = self.try_command("--on-event", command)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(says, done.stderr)
        done = self.try_command("--on-event", "true", "--on-event-kinds", "converged,helth")
        self.assertEqual(done.returncode, 2)
        self.assertIn('did you mean "health"?', done.stderr)

    def test_a_configuration_file_gives_the_command(self):
        with open(self.path("conf"), "w") as file:
            file.write("[notices]\non_event = sh -c 'echo \"$IONWATCH_SEVERITY\" > seen'\n")
        done = subprocess.run([program.DAEMON, "-c", self.path("conf"), "--test-notice"],
                              capture_output=True, text=True, cwd=self.folder,
                              env=program.environment(self.folder))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(self.path("seen")) as file:
            self.assertEqual(file.read(), "note\n")


if __name__ == "__main__":
    program.main()
