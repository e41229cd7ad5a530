# SPDX-License-Identifier: BSD-3-Clause
"""Plots of records with Matplotlib: MSD with its error band and fit window, VACF, VDOS, D(t)."""
from __future__ import annotations

from typing import Any, Callable

import numpy as np

from .errors import IonwatchError, Status
from .record import Z95, Record


def axes(ax: Any) -> Any:
    """These, or those of a new figure."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise IonwatchError(
            Status.NOT_FOUND, "plots need Matplotlib (Debian: python3-matplotlib)"
        ) from error
    return pyplot.subplots()[1]


def draw_msd(record: Record, group: str, ax: Any = None) -> Any:
    """Log-log, 95 % band, the window of the fit and the line of D through it."""
    table = record.msd(group)
    table = table[table.lag_ps > 0]
    ax = axes(ax)
    (line,) = ax.loglog(table.lag_ps, table.msd_A2, label=f"{record.name}: {group}")
    if "lo_A2" in table:
        low = np.maximum(table.lo_A2, table.msd_A2 * 1e-3)  # a band down to zero has no logarithm
        ax.fill_between(table.lag_ps, low, table.hi_A2, alpha=0.25, color=line.get_color(), lw=0)
    of = record.group(group)
    window = of.get("fit_window_ps") or [None, None]
    d = (of.get("D_cm2_s") or {}).get("value")
    low, high = window
    if low is not None and high is not None:
        ax.axvspan(low, high, color="0.9", zorder=0)
        if d is not None:
            tau = np.linspace(low, high, 50)
            fit = 6 * d * 1e4 * tau + (of.get("msd_intercept_A2") or 0.0)  # 1 cm2/s: 1e4 A2/ps
            ax.loglog(tau, fit, "k--", lw=1, label=f"D = {d:.3g} cm²/s")
    ax.set_ylim(bottom=min(ax.get_ylim()[1], max(ax.get_ylim()[0], table.msd_A2.min() / 3)))
    ax.set_xlabel("lag (ps)")
    ax.set_ylabel("MSD (Å²)")
    ax.legend()
    return ax


def draw_vacf(record: Record, group: str, ax: Any = None) -> Any:
    table = record.vacf(group)
    ax = axes(ax)
    ax.plot(table.lag_fs, table.vacf_A2_fs2, label=f"{record.name}: {group}")
    ax.axhline(0, color="0.8", lw=1, zorder=0)
    ax.set_xlabel("lag (fs)")
    ax.set_ylabel("VACF (Å²/fs²)")
    ax.legend()
    return ax


def draw_vdos(record: Record, group: str, ax: Any = None, method: str = "physical") -> Any:
    table = record.vdos(group, method)
    ax = axes(ax)
    (line,) = ax.plot(table.energy_meV, table.g_per_meV, label=f"{record.name}: {group}, {method}")
    if "stderr_per_meV" in table and table.stderr_per_meV.notna().any():
        band = Z95 * table.stderr_per_meV
        low = np.maximum(table.g_per_meV - band, 0)
        ax.fill_between(
            table.energy_meV, low, table.g_per_meV + band, alpha=0.25, color=line.get_color(), lw=0
        )
    seen = table.energy_meV[table.g_per_meV > 1e-3 * table.g_per_meV.max()]
    before = ax.get_xlim()[1] if len(ax.get_lines()) > 1 else 0.0
    ax.set_xlim(0, max(before, 1.1 * seen.max()))  # not to the Nyquist energy, for nothing is there
    ax.set_xlabel("energy (meV)")
    ax.set_ylabel("VDOS (1/meV)")
    ax.legend()
    return ax


def draw_history(history: Any, name: str, ax: Any = None) -> Any:
    """D against the length of the run, with its 95 % interval; history as live.Watch has it."""
    ax = axes(ax)
    (line,) = ax.plot(history.time_ps, history.D_cm2_s, label=name)
    ax.fill_between(
        history.time_ps,
        history.D_cm2_s_ci95_lo,
        history.D_cm2_s_ci95_hi,
        alpha=0.25,
        color=line.get_color(),
        lw=0,
    )
    ax.set_xlabel("length of the run (ps)")
    ax.set_ylabel("D (cm²/s)")
    ax.set_yscale("log")
    ax.legend()
    return ax


KINDS: dict[str, Callable[..., Any]] = {"msd": draw_msd, "vacf": draw_vacf, "vdos": draw_vdos}


def draw(record: Record, kind: str, group: str, ax: Any, **options: Any) -> Any:
    if kind not in KINDS:
        raise IonwatchError(Status.INVALID, f"{kind!r} is no plot: one of {', '.join(KINDS)}")
    return KINDS[kind](record, group, ax, **options)
