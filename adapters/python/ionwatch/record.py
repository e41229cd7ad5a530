# SPDX-License-Identifier: BSD-3-Clause
"""The record of a run, as `show --json` has it: a dict with tables, a picture and a plot."""
from __future__ import annotations

import html
from typing import Any, Optional

import numpy as np

from .errors import IonwatchError, Status

Z95 = 1.959964  # of a normal distribution
# Series of a group: key, columns in JSON, columns in tables.
SERIES = {
    "msd": [("lag_ps", "lag_ps"), ("msd_A2", "msd_A2"), ("stderr_A2", "stderr_A2")],
    "vacf": [("lag_fs", "lag_fs"), ("c", "vacf_A2_fs2"), ("stderr", "stderr_A2_fs2")],
    "vdos": [("energy_meV", "energy_meV"), ("g", "g_per_meV"), ("stderr", "stderr_per_meV")],
}


def pandas() -> Any:
    """pandas, or an error that says what to install."""
    try:
        import pandas as module
    except ImportError as error:
        raise IonwatchError(
            Status.NOT_FOUND, "tables need pandas (Debian: python3-pandas)"
        ) from error
    return module


def _number(value: Any, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


def scalars(group: dict) -> dict[str, Optional[float]]:
    """The numbers of a group, one column each: D_cm2_s, D_cm2_s_stderr, paper_omega_mean_meV, ..."""
    flat: dict[str, Any] = {}
    for key, value in group.items():
        if key in SERIES or key == "stderr":
            continue
        if isinstance(value, dict) and "value" in value:
            flat[key] = value["value"]
            flat[key + "_stderr"] = value.get("stderr")
            low, high = value.get("ci95") or (None, None)
            flat[key + "_ci95_lo"], flat[key + "_ci95_hi"] = low, high
        elif key == "paper":
            for name, number in (value or {}).items():
                if not isinstance(number, dict):
                    flat["paper_" + name] = number
        elif isinstance(value, list):
            names = "xyz" if len(value) == 3 else ("lo", "hi")
            for name, number in zip(names, value):
                flat[f"{key}_{name}"] = number
        elif not isinstance(value, (dict, str)):
            flat[key] = value
    for key, value in (group.get("stderr") or {}).items():
        flat[key + "_stderr"] = value
    return flat


class Record(dict):
    """All that is known about a run at one moment; the keys are those of docs/quantities.md."""

    @property
    def id(self) -> str:
        return self["run"]["id"]

    @property
    def name(self) -> str:
        return self["run"]["name"]

    @property
    def state(self) -> str:
        return self["run"]["state"]

    def group(self, name: str = "mobile") -> dict:
        """A group of atoms: "all", "mobile", "framework" or a species."""
        try:
            return self["groups"][name]
        except KeyError:
            raise IonwatchError(
                Status.NOT_FOUND,
                f"run {self.name} has no group {name!r}: it has {', '.join(self['groups'])}",
            ) from None

    def descriptors(self) -> Any:
        """DataFrame: a row for each group, a column for each number, units in the names."""
        table = pandas().DataFrame.from_dict(
            {name: scalars(group) for name, group in self["groups"].items()}, orient="index"
        )
        table.index.name = "group"
        return table

    def columns(
        self, kind: str, group: str = "mobile", method: str = "physical"
    ) -> dict[str, np.ndarray]:
        """Arrays of "msd", "vacf" or "vdos", by name; method "paper" has a "vdos" of its own."""
        if kind not in SERIES:
            raise IonwatchError(
                Status.INVALID, f"{kind!r} is no series: one of {', '.join(SERIES)}"
            )
        of = self.group(group)
        if method != "physical":
            of = of.get(method) or {}
        data = of.get(kind) or {}
        names = SERIES[kind]
        if not all(data.get(key) for key, _ in names[:2]):
            raise IonwatchError(
                Status.NOT_FOUND,
                f"run {self.name} has no {kind} of {group} by method {method}: it is too short, or "
                "the record was made without --series",
            )
        return {column: np.array(data[key], float) for key, column in names if data.get(key)}

    def series(self, kind: str, group: str = "mobile", method: str = "physical") -> Any:
        """The same as a DataFrame."""
        return pandas().DataFrame(self.columns(kind, group, method))

    def history(self) -> dict[str, np.ndarray]:
        """Arrays: D of the mobile ions with its 95 % interval against the length of the run."""
        data = (self.get("history") or {}).get("diffusion") or {}
        if not data.get("time_ps"):
            raise IonwatchError(
                Status.NOT_FOUND,
                f"the record of {self.name} has no history of D: it is too short, or made without "
                "--series, or by an earlier version",
            )
        return {key: np.array(values, float) for key, values in data.items() if values}

    def msd(self, group: str = "mobile") -> Any:
        """DataFrame: lag_ps, msd_A2, stderr_A2, and the 95 % band lo_A2, hi_A2."""
        table = self.series("msd", group)
        if "stderr_A2" in table:
            table["lo_A2"] = (table.msd_A2 - Z95 * table.stderr_A2).clip(lower=0)
            table["hi_A2"] = table.msd_A2 + Z95 * table.stderr_A2
        return table

    def vacf(self, group: str = "mobile") -> Any:
        """DataFrame: lag_fs, vacf_A2_fs2, stderr_A2_fs2."""
        return self.series("vacf", group)

    def vdos(self, group: str = "mobile", method: str = "physical") -> Any:
        """DataFrame: energy_meV, g_per_meV, stderr_per_meV."""
        return self.series("vdos", group, method)

    def events(self) -> Any:
        """DataFrame: what happened to the run, with frame, step and time_ps."""
        return pandas().DataFrame(self.get("events", []))

    def plot(self, kind: str = "msd", group: str = "mobile", ax: Any = None, **options: Any) -> Any:
        """Draws "msd", "d", "vacf" or "vdos" with Matplotlib; returns the axes."""
        from . import plots

        return plots.draw(self, kind, group, ax, **options)

    def __repr__(self) -> str:
        run = self["run"]
        return f"<ionwatch record of {run['name']}: {run['state']}, {_number(run['time_ps'])} ps>"

    def _repr_html_(self) -> str:
        run, text = self["run"], html.escape
        rows = []
        for name, group in self["groups"].items():
            d = group.get("D_cm2_s") or {}
            low, high = d.get("ci95") or (None, None)
            rows.append(
                f"<tr><th>{text(name)}</th><td>{group.get('atoms', '')}</td>"
                f"<td>{_number(d.get('value'))} ± {_number(d.get('stderr'), 2)}</td>"
                f"<td>{_number(low)} … {_number(high)}</td><td>{_number(group.get('alpha'), 3)}</td>"
                f"<td>{_number(group.get('omega_mean_meV'))}</td></tr>"
            )
        convergence = self.get("convergence") or {}
        health = self.get("health") or {}
        return (
            f"<b>{text(run['name'])}</b> {text(run['state'])}: {run['frames']} frames of "
            f"{run['atoms']} atoms, {_number(run['time_ps'])} ps at "
            f"{_number(run.get('temperature_K'))} K"
            "<table><tr><th>group</th><th>atoms</th><th>D (cm²/s)</th><th>95 %</th><th>α</th>"
            f"<th>⟨ω⟩ (meV)</th></tr>{''.join(rows)}</table>"
            f"{text(str(convergence.get('state', '')))}: {text(str(convergence.get('reason', '')))}"
            f"<br>health {text(str(health.get('state', '')))}: {text(str(health.get('reason', '')))}"
        )
