# SPDX-License-Identifier: BSD-3-Clause
"""Runs at the daemon, now.

    runs = ionwatch.live.Runs()             # a table in a notebook
    record = runs["lgps-600K"]              # all that is known of one
    record.plot()
    for record in (watch := runs.watch("lgps-600K")):
        ...
    watch.plot()                            # D against the length of the run
"""
from __future__ import annotations

import html
import time
from typing import Any, Dict, Iterator, List, Optional

from . import program
from .record import Record, _number, pandas, scalars

# States in which more frames may come.
OPEN_STATES = ("running", "stalled", "waiting for disk", "reopening", "ending")


class Runs:
    """The runs of a daemon.

    endpoint  "ipc://path" or "tcp://host:port"; None: $IONWATCH_ENDPOINT, else this user's daemon.
              Keys are those of the program: IONWATCH_KEY and IONWATCH_SERVER_KEY, or their files.
    timeout   how long to wait for an answer, s
    """

    def __init__(self, endpoint: Optional[str] = None, timeout: float = 5.0):
        self.endpoint = endpoint
        self.timeout = timeout

    def _words(self) -> List[str]:
        words = ["--timeout", str(self.timeout)]
        return words if self.endpoint is None else [*words, "--endpoint", self.endpoint]

    def list(self, all: bool = False) -> List[Dict[str, Any]]:
        """Objects of `ionwatch ls --json`; all: with runs that ended before the daemon started."""
        more = ["--all"] if all else []
        answer = program.ask_json("ls", *more, *self._words())
        return answer["runs"] if isinstance(answer, dict) else answer

    def table(self, all: bool = False) -> Any:
        """The same as a DataFrame."""
        return pandas().DataFrame(self.list(all))

    def show(self, run: str, series: bool = True) -> Record:
        """A run by name, id, or the beginning of its id; series: with MSD, VACF and VDOS, thinned
        to a readable length."""
        more = ["--series"] if series else []
        return Record(program.ask_json("show", *more, *self._words(), "--", run))

    def __getitem__(self, run: str) -> Record:
        return self.show(run)

    def watch(self, run: str, interval: float = 1.0, series: bool = False) -> "Watch":
        """Iterates over records as the run grows, until it has ended."""
        return Watch(self, run, interval, series)

    def stop(self, run: str) -> None:
        """Asks a run to end; its adapter ends the MD code cleanly."""
        program.ask("stop", *self._words(), "--", run)

    def __repr__(self) -> str:
        return f"<ionwatch.live.Runs at {self.endpoint or 'the default endpoint'}>"

    def _repr_html_(self) -> str:
        rows = []
        for run in self.list():
            d = run.get("D_cm2_s")
            value = d.get("value") if isinstance(d, dict) else d
            cells = [
                html.escape(str(run.get("name", ""))),
                html.escape(str(run.get("state", ""))),
                _number(run.get("time_ps")),
                _number(value),
                _number(run.get("relative_error"), 3),
            ]
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        head = "".join(
            f"<th>{word}</th>" for word in ("run", "state", "ps", "D (cm²/s)", "relative error")
        )
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


class Watch:
    """A run that is watched: an iterator of records that remembers how D went."""

    def __init__(self, runs: Runs, run: str, interval: float, series: bool):
        self.runs = runs
        self.run = run
        self.interval = interval
        self.series = series
        self.record: Optional[Record] = None
        self._rows: list[dict[str, Any]] = []

    def __iter__(self) -> Iterator[Record]:
        frames = -1
        while True:
            record = self.runs.show(self.run, self.series)
            ended = record.state not in OPEN_STATES
            if record["run"]["frames"] != frames or ended:
                frames = record["run"]["frames"]
                self._remember(record)
                yield record
            if ended:
                return
            time.sleep(self.interval)

    def _remember(self, record: Record) -> None:
        self.record = record
        row = {"frames": record["run"]["frames"], "time_ps": record["run"]["time_ps"]}
        group = scalars(record["groups"].get("mobile", {}))
        for key in ("D_cm2_s", "D_cm2_s_stderr", "D_cm2_s_ci95_lo", "D_cm2_s_ci95_hi", "alpha"):
            row[key] = group.get(key)
        row["relative_error"] = (record.get("convergence") or {}).get("relative_error")
        self._rows.append(row)

    def history(self) -> Any:
        """DataFrame: frames, time_ps, D of the mobile ions with its error and 95 % interval."""
        return pandas().DataFrame(self._rows).astype(float)

    def plot(self, ax: Any = None) -> Any:
        """D against the length of the run; returns the axes."""
        from . import plots

        table = self.history().rename(
            columns={"D_cm2_s_ci95_lo": "lower_cm2_s", "D_cm2_s_ci95_hi": "upper_cm2_s"}
        )
        return plots.draw_history(dict(table.items()), self.run, ax, scale="log")

    def _repr_html_(self) -> str:
        return self.record._repr_html_() if self.record else html.escape(self.run)
