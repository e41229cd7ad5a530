#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal view in a terminal (tmux), with a real daemon and a run that goes on."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import unittest

import program
from program import DAEMON, PROGRAM, SPECIES, Case, environment, write_extxyz

import numpy as np


class Terminal:
    """A window of tmux with one shell command in it."""

    def __init__(self, case, command, columns=80, rows=24, **env):
        self.case = case
        self.socket = case.path(f"tmux-{time.monotonic_ns()}")
        self.env = environment(case.folder, **{"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"})
        inside = {"IONWATCH_ENDPOINT": case.endpoint, "LC_ALL": "C.UTF-8", **env}
        words = " ".join(f"{key}={shlex.quote(value)}" for key, value in inside.items())
        # cat keeps the window: what the program left of the terminal is seen below its last words
        line = f"env -u NO_COLOR {words} {command}; echo EXIT=$?; stty -a; cat"
        self.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  line)
        case.addCleanup(lambda: self.tmux("kill-server", check=False))

    def tmux(self, *words, check=True):
        return subprocess.run(["tmux", "-S", self.socket, *words], check=check, text=True,
                              env=self.env, capture_output=True, timeout=30).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def styles(self):
        return self.tmux("capture-pane", "-e", "-p")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def until(self, what, timeout_s=30):
        """The screen that has (text) or fulfils (function) what."""
        end = time.monotonic() + timeout_s
        while True:
            screen = self.screen()
            if what in screen if isinstance(what, str) else what(screen):
                return screen
            if time.monotonic() > end:
                self.case.fail(f"waited {timeout_s} s for {what} on\n{screen}")
            time.sleep(0.05)

    def until_left(self, exit_code=0):
        """The program has ended, on the normal screen of a terminal that echoes and edits."""
        screen = self.until(lambda screen: re.search(r"EXIT=\d+(.|\n)* -?echonl", screen))
        self.case.assertIn(f"EXIT={exit_code}", screen)
        for mode in ("icanon", "isig", "echo", "icrnl", "opost", "onlcr"):
            self.case.assertRegex(screen, rf"(^|[\s]){mode}\b")
        self.case.assertEqual(self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}"),
                              "0 1\n")
        return screen


class Watch(Case):
    def setUp(self):
        super().setUp()
        self.endpoint = "ipc://" + self.path("ionwatch.sock")
        self.log = open(self.path("daemon.log"), "w")
        self.addCleanup(self.log.close)
        self.start_daemon()
        r, v = program.walk(900)
        self.frames = (r, v)
        write_extxyz(self.path("a.extxyz"), SPECIES, r[:600], v[:600], cell=12.0 * np.eye(3))
        self.follower = subprocess.Popen(
            [PROGRAM, "follow", self.path("a.extxyz"), "--run", "锂 live", "-T", "600"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(self.folder))
        self.addCleanup(self.end, self.follower)
        self.wait_for(600)

    def start_daemon(self):
        self.daemon = subprocess.Popen(
            [DAEMON, "--listen", self.endpoint, "--data", self.path("data"), "--db",
             self.path("ions.db"), "--publish-every-s", "0.1"],
            stderr=self.log, stdout=self.log, env=environment(self.folder))
        self.addCleanup(self.end, self.daemon)

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()

    def record(self):
        return json.loads(self.expect(0, "show", "锂 live", "--json", "--series").stdout)

    def wait_for(self, frames):
        """Until the record has so many frames, and the listing, which comes behind it, their D."""
        end = time.monotonic() + 30
        while True:
            done = self.run_program("show", "锂 live", "--json")
            record = json.loads(done.stdout) if done.returncode == 0 else None
            if record and record["run"]["frames"] == frames:
                row = json.loads(self.expect(0, "ls", "--json").stdout)[0]
                if row["D_cm2_s"] == record["groups"]["mobile"]["D_cm2_s"]["value"]:
                    return
            self.assertLess(time.monotonic(), end, f"{frames} frames: {done.stderr}")
            time.sleep(0.05)

    def value(self):
        """D and its error as they must stand on the screen."""
        D = self.record()["groups"]["mobile"]["D_cm2_s"]
        return f"D {D['value']:.3e} ± {D['stderr']:.1e} cm2/s"

    def test_a_live_run_is_shown_with_the_numbers_of_show(self):
        view = Terminal(self, f"{PROGRAM} watch --interval 0.2")
        row = view.until(self.value()[2:-6])  # the listing comes behind the record
        self.assertIn("锂 live", row)
        self.assertIn("running", row)
        view.keys("Enter")
        view.until(self.value())
        view.until("MSD of mobile")
        before = self.value()
        write_extxyz(self.path("a.extxyz"), SPECIES, *(a[600:] for a in self.frames), mode="a",
                     first=600, cell=12.0 * np.eye(3))
        self.wait_for(900)
        self.assertNotEqual(self.value(), before)
        view.until(self.value())  # by itself
        for key, text in (("2", "dots: 95 % interval"), ("3", "VDOS of mobile"),
                          ("4", "C(t)/C(0)"), ("5", "temperature, K"), ("6", "Diffusion, cm2/s"),
                          ("7", "events"), ("1", "MSD of mobile")):
            view.keys(key)
            view.until(text)
        view.keys("g")
        view.until("MSD of framework")
        view.keys("q")
        view.until("STATE")
        view.keys("/", "nosuch")
        view.until("no run fits the filter")
        view.keys("Escape")
        view.until("锂 live")
        view.keys("?")
        view.until("ask the run to end")
        view.keys("x", "q")
        view.until_left()

    def test_it_follows_the_size_of_the_window(self):
        view = Terminal(self, f"{PROGRAM} watch '锂 live' --interval 0.2", 80, 24)
        screen = view.until("MSD of mobile")
        self.assertNotIn("VDOS of mobile", screen)
        view.resize(160, 44)
        screen = view.until("VDOS of mobile")
        for text in ("MSD of mobile", "D of mobile", "VACF of mobile", "temperature", "events"):
            self.assertIn(text, screen)
        self.assertGreater(max(map(len, screen.split("\n"))), 120)
        view.resize(40, 12)
        view.until(lambda screen: "MSD of mobile" in screen and "VDOS of" not in screen)
        view.resize(30, 6)
        view.until("40 x 8 will do")
        view.resize(80, 24)
        view.until("MSD of mobile")
        view.keys("C-c")
        view.until_left()

    def test_a_daemon_that_goes_away_is_missed_and_found_again(self):
        view = Terminal(self, f"{PROGRAM} watch '锂 live' --interval 0.2 --timeout 60")
        view.until(self.value())
        value = self.value()
        self.daemon.send_signal(signal.SIGSTOP)
        view.until(r"no answer: this is")
        view.keys("2")  # keys are heard while the daemon is asked
        screen = view.until("D of mobile against time")
        self.assertIn(value, screen)
        self.daemon.send_signal(signal.SIGCONT)
        view.until(lambda screen: "no answer" not in screen)
        self.daemon.kill()
        self.daemon.wait()
        view.until("no answer: this is")
        self.assertIn(value, view.screen())
        self.start_daemon()
        view.until(lambda screen: "no answer" not in screen and value in screen)
        view.keys("q", "q")
        view.until_left()

    def test_an_answer_that_comes_too_late_is_not_taken_for_another(self):
        view = Terminal(self, f"{PROGRAM} watch '锂 live' --interval 0.2 --timeout 1")
        value = self.value()
        view.until(value)
        self.daemon.send_signal(signal.SIGSTOP)
        view.until(lambda screen: re.search(r"this is ([3-9]|\d\d+) s old", screen))  # asked again
        view.keys("q")
        view.until("sort")
        self.daemon.send_signal(signal.SIGCONT)
        view.until(lambda screen: "no answer" not in screen and value[2:-6] in screen)
        view.keys("Enter")
        view.until(lambda screen: value in screen and "MSD of mobile" in screen)
        view.keys("C-c")
        view.until_left()

    def test_it_rests_between_questions_whatever_became_of_the_daemon(self):
        view = Terminal(self, f"{PROGRAM} watch --interval 600")
        view.until("锂 live")
        view.keys(">")
        view.until("1 run by NAME")
        self.daemon.kill()
        self.daemon.wait()
        with open(f"/proc/{self.program_of(view)}/stat") as file:
            before = file.read().split()[13:15]
            time.sleep(2)
            file.seek(0)
            after = file.read().split()[13:15]
        ticks = sum(map(int, after)) - sum(map(int, before))
        self.assertLess(ticks / os.sysconf("SC_CLK_TCK"), 0.3)
        view.keys("a")  # asks now, in vain, and then more often than that
        view.until("no answer: this is")
        self.start_daemon()
        view.until(lambda screen: "no answer" not in screen and "锂 live" in screen)
        view.keys("q")
        view.until_left()

    def program_of(self, view):
        shell = view.tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(subprocess.check_output(["pgrep", "-P", shell, "ionwatch"]))

    def test_a_run_is_stopped_after_a_question(self):
        view = Terminal(self, f"{PROGRAM} watch --interval 0.2")
        view.until("锂 live")
        view.keys("s")
        view.until("ask 锂 live to end?")
        view.keys("n")
        view.until(lambda screen: "to end?" not in screen)
        self.assertIsNone(self.follower.poll())
        view.keys("s", "y")
        view.until("is asked to stop")
        listing = json.loads(self.expect(0, "ls", "--json").stdout)
        self.assertIn("a user asked for it", listing[0]["stop_reason"])
        self.follower.send_signal(signal.SIGINT)
        self.follower.wait(timeout=30)
        view.until("stopped")
        view.keys("s")
        view.until("has ended already")
        os.kill(self.program_of(view), signal.SIGTERM)  # as any end of the program
        view.until_left()

    def test_without_utf8_or_colours_it_shows_ascii_and_no_colour(self):
        view = Terminal(self, f"{PROGRAM} watch '锂 live'", 100, 32, LC_ALL="C", NO_COLOR="1")
        screen = view.until("MSD of mobile")
        self.assertIn(self.value().replace("±", "+-"), screen)
        self.assertTrue(screen.isascii(), screen)
        self.assertIn("+---", screen)
        self.assertNotRegex(view.styles(), "\033\\[[0-9;]*3[0-7]m")
        view.keys("q", "q")
        view.until_left()
        view = Terminal(self, f"{PROGRAM} watch '锂 live'", TERM="xterm", LC_ALL="xx_XX.UTF-8")
        screen = view.until("MSD of mobile")
        self.assertTrue(re.search("[\u2801-\u28ff]", screen))
        self.assertRegex(view.styles(), "\033\\[[0-9;]*36m")  # of eight colours
        view.keys("q", "q")
        view.until_left()

    def test_it_is_plain_where_it_cannot_be_a_view(self):
        line = self.value()
        for words, env, endless in (("'锂 live' --count 2 --interval 0.05", {}, False),
                                    ("--count 1 | cat", {}, False),
                                    ("--interval 0.1", {"TERM": "dumb"}, True),
                                    ("--interval 0.1 </dev/null", {}, True),
                                    ("--interval 0.1", {"TERM": "nosuchterm"}, True)):
            view = Terminal(self, f"{PROGRAM} watch {words}", 150, 60, **env)
            screen = view.until(line)
            self.assertRegex(screen, r"\d\d:\d\d:\d\d \w{8} 锂 live running", words)
            if endless:
                view.keys("C-c")
            view.until_left()

    def test_a_run_that_is_not_there_is_an_error_and_no_view(self):
        screen = Terminal(self, f"{PROGRAM} watch nosuch").until_left(4)
        self.assertIn("ionwatch watch:", screen)
        self.assertIn("nosuch", screen)


if __name__ == "__main__":
    if not shutil.which("tmux"):
        print("SKIPPED: no tmux")
        sys.exit(77)
    program.main()
