# SPDX-License-Identifier: BSD-3-Clause
"""Plots of records with Matplotlib: MSD, D against time, VACF, VDOS, Arrhenius lines.

Each kind has two functions: `..._parts` makes the numbers, `draw_...` draws them and nothing else,
so that a table of the parts holds what a figure shows.
"""
from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from .errors import IonwatchError, Status
from .record import Z95, Record

MEV_THZ = 4.135667696  # h, meV per THz
BOLTZMANN_EV_K = 8.617333262e-5
A2_PS = 1e4  # 1 cm2/s
BAND = {"alpha": 0.25, "lw": 0}
NAME = 36  # characters of a name in a legend
# What several curves share comes last in a legend.
SHARED = ("95 % interval", "fit", "window of the fit", "not in the fit")
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Part(NamedTuple):
    """One curve: where it comes from, and its numbers; the first column is x, the second y."""

    run: str
    group: str
    part: str
    columns: dict[str, np.ndarray]


def curve(run: str, group: str, part: str, columns: dict[str, np.ndarray]) -> Part:
    """A part that has something to draw."""
    if np.isfinite(list(columns.values())[1]).sum() < 2:
        raise IonwatchError(
            Status.NOT_FOUND, f"run {run} is too short to draw {part} of {group}: no two points"
        )
    return Part(run, group, part, columns)


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


# ---- words ----


def plain(text: str, limit: int = NAME) -> str:
    """A name as a legend can show it: no formula, no line break, of a length that fits."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    if len(text) > limit:
        text = text[: limit // 2 - 1] + "…" + text[-limit // 2 :]
    if text.startswith("_"):  # Matplotlib hides such labels
        text = "\u200a" + text
    return text.replace("$", r"\$")


def label_of(record: Record, group: str) -> str:
    species = record["run"].get("mobile") or []
    if group == "mobile" and species:
        group = f"mobile ({', '.join(species)})"
    return f"{plain(record.name)}: {plain(group)}"


def power_of_ten(power: int) -> str:
    return "10" + str(power).translate(SUPERSCRIPT)


def with_error(value: float, error: Optional[float], unit: str) -> str:
    """ "(2.46 ± 0.27) × 10⁻⁵ cm²/s": two digits of the error."""
    if not value:
        return f"0 {unit}"
    power = math.floor(math.log10(abs(value)))
    if not error:
        return f"{value / 10.0**power:.2f} × {power_of_ten(power)} {unit}"
    digits = max(0, min(6, power - math.floor(math.log10(error)) + 1))
    number = f"({value / 10.0**power:.{digits}f} ± {error / 10.0**power:.{digits}f})"
    return f"{number} × {power_of_ten(power)} {unit}"


def with_interval(value: float, low: float, high: float, unit: str) -> str:
    """ "4.7 (2.6 … 8.6) × 10⁻⁶ cm²/s": a value and its 95 % interval."""
    power = math.floor(math.log10(value))
    a, b, c = (number / 10.0**power for number in (value, low, high))
    return f"{a:.1f} ({b:.1f} … {c:.1f}) × {power_of_ten(power)} {unit}"


def diffusion_words(group: dict) -> Optional[str]:
    """ "D = (2.46 ± 0.27) × 10⁻⁵ cm²/s", or a bound where the interval begins at zero."""
    d = group.get("D_cm2_s") or {}
    low, high = d.get("ci95") or (None, None)
    if d.get("value") is None:
        return None
    if low == 0 and high:
        power = math.floor(math.log10(high))
        words = f"D < {high / 10.0**power:.1f} × {power_of_ten(power)} cm²/s (95 %)"
    else:
        words = "D = " + with_error(d["value"], d.get("stderr"), "cm²/s")
    return words + ("" if group.get("diffusive", True) else ", not diffusive")


def name_axis(axis: Any, quantity: str, unit: str) -> None:
    """Label of an axis; a power of ten goes from the numbers into it, but not over decades."""
    from matplotlib import ticker

    low, high = sorted(map(abs, axis.get_view_interval()))
    log = axis.get_scale() == "log"
    middle = math.sqrt(low * high) if log else high
    power = math.floor(math.log10(middle) + 1e-9) if middle > 0 else 0
    if log and high / low > 300:
        axis.set_major_formatter(ticker.LogFormatterSciNotation())
        axis.set_minor_formatter(ticker.NullFormatter())
        power = 0
    elif log:
        digits = {4: range(1, 10), 30: (1, 2, 3, 5), math.inf: (1, 2, 5)}
        labelled = next(some for most, some in digits.items() if high / low < most)

        def show(value: float, _: Any) -> str:
            digit = value / 10.0 ** math.floor(math.log10(value) + 1e-9)
            return f"{value / 10.0**power:g}" if round(digit) in labelled else ""

        axis.set_major_formatter(ticker.FuncFormatter(show))
        axis.set_minor_formatter(ticker.FuncFormatter(show))
    elif abs(power) >= 3:
        formatter = ticker.ScalarFormatter(useOffset=False)
        formatter.set_powerlimits((power, power))
        axis.set_major_formatter(formatter)
        axis.offsetText.set_visible(False)
    else:
        power = 0
    axis.set_label_text(f"{quantity} ({power_of_ten(power) + ' ' if power else ''}{unit})")


def top_axis(ax: Any, functions: Any, label: str) -> None:
    """The same in another unit, once."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    if ax.child_axes:
        return
    top = ax.secondary_xaxis("top", functions=functions)
    top.set_xlabel(label)
    top.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    top.xaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="x", which="both", top=False)


def ordered_legend(ax: Any, **more: Any) -> None:
    """Every curve with its own name, then what they share, once."""
    named: dict[str, Any] = {}
    pairs = zip(*ax.get_legend_handles_labels())
    # What belongs to points comes before what is read off their line.
    for handle, label in sorted(pairs, key=lambda p: (p[1] in SHARED, p[1].startswith("D("))):
        named.setdefault(label, handle)
    if named:
        ax.legend(list(named.values()), list(named), **more)


# ---- mean-square displacement ----


def msd_parts(record: Record, group: str) -> list[Part]:
    columns = record.columns("msd", group)
    seen = columns["lag_ps"] > 0
    columns = {name: values[seen] for name, values in columns.items()}
    if "stderr_A2" in columns:
        band = Z95 * columns.pop("stderr_A2")
        columns["lower_A2"] = np.maximum(columns["msd_A2"] - band, 0)
        columns["upper_A2"] = columns["msd_A2"] + band
    parts = [curve(record.name, group, "msd", columns)]
    of = record.group(group)
    low, high = of.get("fit_window_ps") or (None, None)
    d = (of.get("D_cm2_s") or {}).get("value")
    if d is not None and low and high:
        tau = np.geomspace(low, high, 64)
        fit = 6 * d * A2_PS * tau + (of.get("msd_intercept_A2") or 0.0)
        parts.append(Part(record.name, group, "fit", {"lag_ps": tau, "msd_A2": fit}))
    return parts


def draw_msd(record: Record, group: str, ax: Any = None, scale: str = "log") -> Any:
    """95 % band, the window of the fit and the line of D through it."""
    msd, *fits = msd_parts(record, group)
    ax = axes(ax)
    alone = not ax.get_lines()
    x, y = msd.columns["lag_ps"], msd.columns["msd_A2"]
    ax.set_xscale(scale)
    ax.set_yscale(scale)
    words = diffusion_words(record.group(group))
    (line,) = ax.plot(x, y, label="\n".join(filter(None, (label_of(record, group), words))))
    for window in [] if alone else list(ax.patches):  # several of them hide each other
        window.remove()
    if "upper_A2" in msd.columns:
        low = msd.columns["lower_A2"]
        if scale == "log":
            low = np.maximum(low, y * 1e-3)  # a band down to zero has no logarithm
        upper = msd.columns["upper_A2"]
        ax.fill_between(x, low, upper, color=line.get_color(), label="95 % interval", **BAND)
    for fit in fits:
        tau = fit.columns["lag_ps"]
        if alone:
            ax.axvspan(tau[0], tau[-1], color="0.92", lw=0, zorder=0, label="window of the fit")
        ax.plot(tau, fit.columns["msd_A2"], "k--", lw=0.9, label="fit", zorder=3)
    longest = x[-1] if alone else max(ax.get_xlim()[1], x[-1])
    room = 1.5 if scale == "log" else 1.1
    highest, lowest = np.nanmax(y), np.nanmin(y[y > 0], initial=np.nanmax(y))
    if not alone:
        bottom, top = ax.get_ylim()
        lowest, highest = min(bottom * room, lowest), max(top / room, highest)
    if not highest > 0:  # nothing has moved
        lowest, highest = 0.1, 1.0
    if scale == "log":
        ax.set_ylim(lowest / room, highest * room)
    else:
        ax.set_xlim(0, longest)
        ax.set_ylim(0, highest * room)
    ax.set_xlabel("lag (ps)")
    ax.set_ylabel("MSD (Å²)")
    ordered_legend(ax, loc="upper left")
    return ax


# ---- D against the length of the run ----


def history_parts(history: dict, run: str) -> list[Part]:
    columns = {"time_ps": history["time_ps"], "D_cm2_s": history["D_cm2_s"]}
    for name in ("lower_cm2_s", "upper_cm2_s"):
        if name in history:
            columns[name] = history[name]
    return [curve(run, "mobile", "d", {k: np.asarray(v, float) for k, v in columns.items()})]


def settled_limits(part: Part, scale: str) -> tuple[float, float]:
    """Of the axis of D: what the last three quarters of the run show.  The first estimates are so
    uncertain that nothing else would be seen."""
    x, y = part.columns["time_ps"], part.columns["D_cm2_s"]
    late = x >= x[-1] / 4
    high = np.nanmax(part.columns.get("upper_cm2_s", y)[late], initial=0.0)
    if not high > 0:
        return (0.0 if scale == "linear" else 1e-10), 1e-9
    low = part.columns.get("lower_cm2_s", y)[late]
    low = np.nanmin(low[low > 0], initial=high / 3)
    return (0.0 if scale == "linear" else low / 1.5), 1.3 * high


def draw_history(
    history: dict, run: str, ax: Any = None, scale: str = "linear", words: str = ""
) -> Any:
    """D with its 95 % interval; history as Record.history() has it."""
    (part,) = history_parts(history, run)
    ax = axes(ax)
    before = ax.get_ylim() if ax.get_lines() else (math.inf, 0.0)
    x, y = part.columns["time_ps"], part.columns["D_cm2_s"]
    ax.set_yscale(scale)
    (line,) = ax.plot(x, y, label="\n".join(filter(None, (plain(run), words))))
    if "upper_cm2_s" in part.columns:
        low, high = part.columns["lower_cm2_s"], part.columns["upper_cm2_s"]
        if scale == "log":
            low = np.maximum(low, y * 1e-3)
        ax.fill_between(x, low, high, color=line.get_color(), label="95 % interval", **BAND)
    ax.set_xlim(0, max(one.get_xdata()[-1] for one in ax.get_lines()))
    bottom, top = settled_limits(part, scale)
    ax.set_ylim(min(before[0], bottom), max(before[1], top))
    ax.set_xlabel("length of the run (ps)")
    name_axis(ax.yaxis, "D", "cm²/s")
    ordered_legend(ax, loc="upper right")
    return ax


def draw_d(record: Record, group: str = "mobile", ax: Any = None, scale: str = "linear") -> Any:
    words = diffusion_words(record["groups"].get("mobile") or {}) or ""
    return draw_history(record.history(), record.name, ax, scale, words)


def d_parts(record: Record, group: str = "mobile") -> list[Part]:
    return history_parts(record.history(), record.name)


# ---- velocities ----


def vacf_parts(record: Record, group: str) -> list[Part]:
    columns = record.columns("vacf", group)
    if "stderr_A2_fs2" in columns:
        band = Z95 * columns.pop("stderr_A2_fs2")
        columns["lower_A2_fs2"] = columns["vacf_A2_fs2"] - band
        columns["upper_A2_fs2"] = columns["vacf_A2_fs2"] + band
    return [curve(record.name, group, "vacf", columns)]


def draw_vacf(record: Record, group: str, ax: Any = None, scale: str = "linear") -> Any:
    """To where nothing is seen any more; with scale "log", of the lag, as far as it is known."""
    (part,) = vacf_parts(record, group)
    ax = axes(ax)
    drawn = ax.get_xlim()[1] if ax.get_lines() else 0.0
    x, y = part.columns["lag_fs"], part.columns["vacf_A2_fs2"]
    if not drawn:
        ax.axhline(0, color="0.6", lw=0.5, zorder=0)
    ax.set_xscale(scale)
    (line,) = ax.plot(x, y, label=label_of(record, group))
    if "upper_A2_fs2" in part.columns:
        low, high = part.columns["lower_A2_fs2"], part.columns["upper_A2_fs2"]
        ax.fill_between(x, low, high, color=line.get_color(), label="95 % interval", **BAND)
    seen = x[-1] if scale == "log" else min(x[-1], 1.5 * x[np.abs(y) >= 0.02 * abs(y[0])][-1])
    ax.set_xlim(x[1] if scale == "log" and len(x) > 1 else 0, max(seen, drawn))
    ax.set_xlabel("lag (fs)")
    name_axis(ax.yaxis, "VACF", "Å²/fs²")
    ordered_legend(ax, loc="upper right")
    return ax


def vdos_parts(record: Record, group: str, method: str = "physical") -> list[Part]:
    """method: "physical", "paper", or "both": what the record has of them."""
    if method == "both":
        both = vdos_parts(record, group)
        paper = (record.group(group).get("paper") or {}).get("vdos")
        return both + vdos_parts(record, group, "paper") if paper else both
    columns = record.columns("vdos", group, method)
    if "stderr_per_meV" in columns:
        band = Z95 * columns.pop("stderr_per_meV")
        columns["lower_per_meV"] = np.maximum(columns["g_per_meV"] - band, 0)
        columns["upper_per_meV"] = columns["g_per_meV"] + band
    return [curve(record.name, group, method, columns)]


def draw_vdos(
    record: Record, group: str, ax: Any = None, method: str = "physical", scale: str = "linear"
) -> Any:
    ax = axes(ax)
    right, top = (ax.get_xlim()[1], ax.get_ylim()[1]) if ax.get_lines() else (0.0, 0.0)
    color = None
    for part in vdos_parts(record, group, method):
        x, y = part.columns["energy_meV"], part.columns["g_per_meV"]
        label = f"{label_of(record, group)}, {part.part}"
        noisy = {"lw": 0.4, "alpha": 0.55, "zorder": 1.5} if part.part == "paper" else {}
        (line,) = ax.plot(x, y, label=label, color=color, **noisy)
        if np.isfinite(part.columns.get("upper_per_meV", np.nan)).any():
            low, high = part.columns["lower_per_meV"], part.columns["upper_per_meV"]
            ax.fill_between(x, low, high, color=line.get_color(), label="95 % interval", **BAND)
        if color is None:
            right = max(right, 1.15 * x[y >= 5e-3 * y.max()][-1])
        color = line.get_color()
        top = max(top, 1.1 * y.max())
    top = top or 1.0
    ax.set_xlim(0, right)  # not to the Nyquist energy, for nothing is there
    ax.set_yscale(scale)
    ax.set_ylim((0, top) if scale == "linear" else (top * 1e-4, top))
    ax.set_xlabel("energy (meV)")
    top_axis(ax, (lambda e: e / MEV_THZ, lambda f: f * MEV_THZ), "frequency (THz)")
    name_axis(ax.yaxis, "VDOS", "1/meV")
    ordered_legend(ax, loc="upper right" if scale == "linear" else "lower left")
    return ax


# ---- Arrhenius ----


def thousand_over(temperature_K: Any) -> Any:
    with np.errstate(divide="ignore"):
        return 1000.0 / np.asarray(temperature_K, float)


def line_band(report: dict, T: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """D on the line at temperatures T, and its 95 % interval: about the weighted mean of 1/kT,
    value and slope of the line are independent."""
    fit = report["fit"]
    points = [p for p in report["points"] if p["used"]]
    of = np.array(
        [[p["temperature_K"], p["D_cm2_s"]["value"], p["D_cm2_s"]["stderr"]] for p in points]
    )
    weight = (of[:, 1] / of[:, 2]) ** 2
    centre = (weight / (BOLTZMANN_EV_K * of[:, 0])).sum() / weight.sum()
    slope = fit["E_a_eV"]["stderr"]
    quantile = (fit["E_a_eV"]["ci95"][1] - fit["E_a_eV"]["value"]) / slope
    beta = 1 / (BOLTZMANN_EV_K * T)
    value = fit["ln_D0"]["value"] - fit["E_a_eV"]["value"] * beta
    error = np.hypot(fit["errors_widened"] / np.sqrt(weight.sum()), (beta - centre) * slope)
    return np.exp(value), np.exp(value - quantile * error), np.exp(value + quantile * error)


def arrhenius_parts(report: dict, at_K: Optional[float] = None) -> list[Part]:
    """Runs in the fit, runs left out of it, the line, and the line on to at_K."""

    def part(name: str, T: Any, D: Any, low: Any, high: Any) -> Part:
        columns = {"thousand_over_K": thousand_over(T), "D_cm2_s": D, "lower_cm2_s": low,
                   "upper_cm2_s": high, "temperature_K": np.asarray(T, float)}  # fmt: skip
        return Part(report["material"], report["group"], name, columns)

    parts = []
    for name, used in (("runs", True), ("left out", False)):
        of = [(p["temperature_K"], p["D_cm2_s"]["value"], p["D_cm2_s"]["stderr"])
              for p in report["points"] if p["used"] == used]  # fmt: skip
        T, D, error = np.array(of, float).reshape(-1, 3).T
        seen = (T > 0) & (D > 0)  # others have no place on these axes
        T, D = T[seen], D[seen]
        away = np.exp(Z95 * np.nan_to_num(error[seen] / D))
        if T.size:
            parts.append(part(name, T, D, D / away, D * away))
    if report["fit"]:
        cold, hot = report["fit"]["temperature_range_K"]
        T = 1 / np.linspace(1 / hot, 1 / cold, 64)
        parts.append(part("line", T, *line_band(report, T)))
        if at_K and not cold <= at_K <= hot:
            T = 1 / np.linspace(1 / (cold if at_K < cold else hot), 1 / at_K, 64)
            parts.append(part("further", T, *line_band(report, T)))
    return parts


def arrhenius_words(report: dict) -> str:
    words = f"{plain(report['material'])}: {plain(report['group'])}"
    if report["fit"]:
        e = report["fit"]["E_a_eV"]
        digits = max(0, min(4, 1 - math.floor(math.log10(e["stderr"]))))
        words += f"\nEₐ = {e['value']:.{digits}f} ± {e['stderr']:.{digits}f} eV"
    return words


def draw_arrhenius(report: dict, ax: Any = None, at_K: Optional[float] = None) -> Any:
    """D of a material against 1000/T; report as `ionwatch arrhenius --json` has it."""
    ax = axes(ax)
    ax.set_yscale("log")
    color = None
    for part in arrhenius_parts(report, at_K):
        x, y, low, high, _ = part.columns.values()
        if part.part in ("runs", "left out"):
            full = {} if part.part == "runs" else {"mfc": "white"}
            drawn = ax.errorbar(x, y, [y - low, high - y], fmt="o", color=color, zorder=3, **full)
            drawn.set_label(arrhenius_words(report) if color is None else "not in the fit")
            color = drawn.lines[0].get_color()
        else:
            ax.plot(x, y, "-" if part.part == "line" else "--", color=color, lw=0.9)
            ax.fill_between(x, low, high, color=color, **BAND)
        if part.part == "further":
            words = f"D({at_K:g} K) = {with_interval(y[-1], low[-1], high[-1], 'cm²/s')}"
            ax.plot(x[-1:], y[-1:], "D", color=color, ms=4, label=words)
    ax.set_xlabel("1000/T (1/K)")
    bottom, top = ax.dataLim.intervaly
    span = top / bottom
    ax.set_ylim(bottom / span**0.3, top * span**0.08)  # with room for the legend
    name_axis(ax.yaxis, "D", "cm²/s")
    top_axis(ax, (thousand_over, thousand_over), "T (K)")
    ordered_legend(ax, loc="lower left")
    return ax


KINDS: dict[str, Callable[..., Any]] = {
    "msd": draw_msd,
    "d": draw_d,
    "vacf": draw_vacf,
    "vdos": draw_vdos,
}
PARTS: dict[str, Callable[..., list[Part]]] = {
    "msd": msd_parts,
    "d": d_parts,
    "vacf": vacf_parts,
    "vdos": vdos_parts,
}


def draw(record: Record, kind: str, group: str, ax: Any, **options: Any) -> Any:
    if kind not in KINDS:
        raise IonwatchError(Status.INVALID, f"{kind!r} is no plot: one of {', '.join(KINDS)}")
    return KINDS[kind](record, group, ax, **options)
