# SPDX-License-Identifier: BSD-3-Clause
"""Figures of a landscape, as the paper's figures 1 to 5: each function returns one of Matplotlib."""
from __future__ import annotations

import io
from typing import Any, Callable, Optional, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ..figures import ALWAYS, COLORS, METADATA, MM, STYLE
from ..plots import name_axis, plain
from .clusters import NO_STRUCTURE, Clusters
from .components import Components
from .correlations import FALSE_DISCOVERIES, PAPER_P, Correlations
from .regression import Regression
from .selection import FAMILIES, OTHER
from .tables import percent

ONE, TWO = 86 * MM, 178 * MM  # widths of columns of a journal
MARKERS = dict(zip([*FAMILIES, OTHER], ["o", "s", "^", "D", "v", "P"]))
FAMILY_COLORS = dict(zip([*FAMILIES, OTHER], COLORS))
MOST_BARS = 30
MOST_LABELS = 40
RASTERIZED = 2000  # points, from which on they are pixels in a PDF, too
SQUARE = 3.4 * MM  # of a matrix, at least
Label = Callable[[str], str]


def render(draw: Callable[[], Figure], endings: Sequence[str], dpi: float = 300) -> dict[str, bytes]:
    """The files of a figure, by their ending: the same for the same numbers.  Drawn and laid out once."""
    out = {}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**STYLE, **ALWAYS})
        figure = draw()
        figure.draw_without_rendering()
        box = figure.get_tightbbox().padded(0.06)
        matplotlib.rcParams["figure.constrained_layout.use"] = False
        figure.set_layout_engine(None)  # each would lay it out again
        for ending in endings:
            file = io.BytesIO()
            figure.savefig(file, format=ending, dpi=dpi, metadata=METADATA[ending], bbox_inches=box)
            out[ending] = file.getvalue()
    return out


def _no_minor(ax: Any, *axis: str) -> None:
    for name in axis or ("x", "y"):
        ax.tick_params(axis=name, which="both", length=0)


# ---- correlations ----


def correlogram(found: Correlations, label: Label) -> Figure:
    """r of all pairs, and beside it their p on a logarithmic scale."""
    names = list(found.r)
    m = len(names)
    side = max(m * SQUARE, 52 * MM)
    figure = Figure(figsize=(2 * side + 58 * MM, side + 34 * MM))
    left, right = figure.subplots(1, 2, sharey=True)
    r = np.ma.array(found.r.to_numpy(), mask=np.eye(m, dtype=bool) | found.r.isna().to_numpy())
    p = np.ma.array(found.p.clip(lower=1e-4).to_numpy(), mask=r.mask)
    for ax in (left, right):
        ax.set_facecolor("0.85")
    shown = left.imshow(r, cmap="RdBu_r", vmin=-1, vmax=1)
    figure.colorbar(shown, ax=left, shrink=0.8, label=f"{found.method.capitalize()} r", location="top", aspect=30)
    shown = right.imshow(p, cmap="viridis", norm=LogNorm(1e-4, 1))
    bar = figure.colorbar(shown, ax=right, shrink=0.8, label="p", location="top", aspect=30)
    bar.ax.set_xticks([1e-4, 1e-3, 0.01, 0.05, PAPER_P, 1], ["$\\leq 10^{-4}$", "0.001", "0.01", "0.05", f"{PAPER_P}", "1"])
    bar.ax.minorticks_off()
    # A dot where it stands after all the tests that were made.
    i, j = np.nonzero((found.q.to_numpy() < FALSE_DISCOVERIES) & ~r.mask)
    left.plot(j, i, ".", color="k", ms=min(3, 60 / m), mec="none")
    words = [label(name) for name in names]
    for ax in (left, right):
        _no_minor(ax)
        ax.set_xticks(range(m), words, rotation=90)
        ax.set_yticks(range(m), words)
        ax.tick_params(labelsize=6 if m <= 40 else 5)
    left.set_xlabel(f"dots: q < {FALSE_DISCOVERIES:g} (Benjamini–Hochberg)")
    return figure


def bars(tables: dict[str, pd.DataFrame], target: str, method: str, label: Label) -> Figure:
    """Correlation with the target, a panel for each table, coloured by p; bars of error: 95 %."""
    most = min(MOST_BARS, max(len(table) for table in tables.values()))
    wide = ONE if len(tables) == 1 else TWO
    figure = Figure(figsize=(wide, (3.6 * most + 30) * MM))
    axes = figure.subplots(1, len(tables), squeeze=False)[0]
    norm, colors = LogNorm(1e-3, 1), matplotlib.colormaps["viridis"]
    for ax, (title, table) in zip(axes, tables.items()):
        table = table[table.r.notna()].head(MOST_BARS)
        y = np.arange(len(table))
        ax.barh(y, table.r, color=colors(norm(table.p.clip(1e-3, 1))), height=0.75, zorder=2)
        reach = np.array([table.r - table.ci95_lo, table.ci95_hi - table.r])
        ax.errorbar(table.r, y, xerr=reach, fmt="none", ecolor="0.35", elinewidth=0.6, capsize=1.2, zorder=3)
        # Starred: what stands after all the tests of the list.
        words = [label(d) + (" $\\ast$" if q < FALSE_DISCOVERIES else "") for d, q in zip(table.descriptor, table.q)]
        ax.set_yticks(y, words)
        ax.set_ylim(most - 0.4, -0.6)
        ax.set_xlim(-1, 1)
        ax.axvline(0, color="k", lw=0.6, zorder=4)
        ax.grid(axis="x", lw=0.3, color="0.8", zorder=0)
        _no_minor(ax, "y")
        ax.tick_params(axis="y", labelsize=6.5)
        ax.set_title(plain(title, 60))
        ax.set_xlabel(f"{method.capitalize()} r with {label(target)}")
    mappable = matplotlib.cm.ScalarMappable(norm, colors)
    bar = figure.colorbar(mappable, ax=list(axes), location="bottom", shrink=0.6, aspect=40, label=f"p     ($\\ast$: q < {FALSE_DISCOVERIES:g})")
    bar.ax.set_xticks([1e-3, 0.01, 0.05, PAPER_P, 1], ["$\\leq 0.001$", "0.01", "0.05", f"{PAPER_P}", "1"])
    bar.ax.minorticks_off()
    return figure


# ---- components ----


def components(found: Components, label: Label) -> Figure:
    """Share of the variance of each component with what chance gives, and the loadings of the first three."""
    names = list(found.loadings.index)
    shown = min(len(names), 12)
    three = list(found.loadings.columns[:3])
    height = max(70 * MM, (3.4 * len(names) + 28) * MM)
    figure = Figure(figsize=(TWO, height))
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1, 1.1]})
    x = np.arange(1, shown + 1)
    table = found.table.head(shown)
    left.bar(x, 100 * table.fraction, color=COLORS[0], width=0.7, label="share of the variance")
    left.plot(x, 100 * table.chance / len(names), "k_", ms=8, mew=1.2, label="95 % of shuffled columns")
    left.plot(x, 100 * table.cumulative, "o-", color=COLORS[1], ms=3, label="summed")
    left.set_xlabel("component")
    left.set_ylabel("variance (%)")
    left.set_ylim(0, 104)
    left.set_xticks(x)
    left.tick_params(axis="x", which="both", length=0)
    left.legend(loc="center right")
    if height > 120 * MM:
        left.set_box_aspect(1)
        left.set_anchor("N")
    v = found.loadings[three].to_numpy()
    limit = np.abs(v).max()
    image = right.imshow(v, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    for i, j in np.ndindex(v.shape):
        strong = abs(v[i, j]) > 0.6 * limit
        right.text(j, i, f"{100 * v[i, j] ** 2:.1f} %", ha="center", va="center", fontsize=5.5, color="w" if strong else "k")
    heads = [f"{name}\n{100 * found.table.fraction[name]:.1f} %" for name in three]
    right.set_xticks(range(len(three)), heads)
    right.set_yticks(range(len(names)), [label(name) for name in names])
    right.tick_params(axis="y", labelsize=6.5)
    _no_minor(right)
    figure.colorbar(image, ax=right, label="loading (numbers: contribution)", aspect=40)
    return figure


# ---- clusters ----


def clusters(found: Clusters, scores: pd.DataFrame, family: pd.Series, names: Sequence[str], fractions: pd.Series) -> Figure:
    """Materials in PC1-PC2 and, if there is one, PC1-PC3: colour is the cluster, shape the family; elbow and silhouette."""
    second = [name for name in ("PC2", "PC3") if name in scores]
    panels = len(second) + 1
    figure = Figure(figsize=(TWO, 72 * MM))
    axes = figure.subplots(1, panels, gridspec_kw={"width_ratios": [1.25] * len(second) + [0.9]})
    colors = matplotlib.colormaps["tab10"].colors
    for ax, name in zip(axes, second):
        _scatter(ax, found, scores["PC1"], scores[name], family, colors)
        ax.set_xlabel(f"PC1 ({100 * fractions['PC1']:.0f} %)")
        ax.set_ylabel(f"{name} ({100 * fractions[name]:.0f} %)")
    used = f"clusters in {'–'.join(found.space)}"
    axes[0].set_title(used)
    _choice(axes[-1], found)
    handles = [matplotlib.lines.Line2D([], [], marker=MARKERS[one], ls="", color="0.3", ms=4, label=one)
               for one in MARKERS if (family == one).any()]  # fmt: skip
    handles += [matplotlib.lines.Line2D([], [], marker="o", ls="", color=colors[(k - 1) % 10], ms=4,
                label=f"cluster {k}") for k in found.centres.index]  # fmt: skip
    figure.legend(handles=handles, loc="lower center", ncol=min(8, len(handles)), bbox_to_anchor=(0.5, 1.0))
    if len(names) <= MOST_LABELS:
        figure.draw_without_rendering()  # where the points will be
        for ax, name in zip(axes, second):
            _place(ax, scores["PC1"].to_numpy(), scores[name].to_numpy(), [plain(str(one), 16) for one in names])
    return figure


def _scatter(ax: Any, found: Clusters, x: pd.Series, y: pd.Series, family: pd.Series, colors: Any) -> None:
    many = len(x) > 300
    for one in MARKERS:
        for k in found.centres.index:
            mine = ((family == one) & (found.labels == k)).to_numpy()
            ax.plot(x[mine], y[mine], MARKERS[one], color=colors[(k - 1) % 10], ms=2 if many else 4.2, mew=0 if many else 0.4,
                    mec="w", zorder=3, rasterized=len(x) > RASTERIZED)  # fmt: skip
    ax.axhline(0, color="0.8", lw=0.5, zorder=0)
    ax.axvline(0, color="0.8", lw=0.5, zorder=0)
    ax.margins(0.12)


def _place(ax: Any, x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> None:
    """Names beside points, each where it covers least of points and of other names."""
    size, aspect = 5.5, 0.62
    box = ax.get_window_extent()
    points = ax.transData.transform(np.c_[x, y]) * 72 / ax.figure.dpi
    taken = [(px - 3, py - 3, px + 3, py + 3) for px, py in points]
    low, high = (np.array(corner) * 72 / ax.figure.dpi for corner in (box.p0, box.p1))
    for (px, py), name, at in zip(points, names, zip(x, y)):
        w, h = size * aspect * len(name), size
        best = None
        for dx, dy in ((4, -h / 2), (-4 - w, -h / 2), (-w / 2, 4), (-w / 2, -4 - h), (3, 3), (-3 - w, 3), (3, -3 - h), (-3 - w, -3 - h),
                       (8, 8), (-8 - w, 8), (8, -8 - h), (-8 - w, -8 - h)):  # fmt: skip
            mine = (px + dx, py + dy, px + dx + w, py + dy + h)
            cost = sum(max(0, min(mine[2], o[2]) - max(mine[0], o[0])) * max(0, min(mine[3], o[3]) - max(mine[1], o[1])) for o in taken)
            outside = max(0, low[0] - mine[0]) + max(0, mine[2] - high[0]) + max(0, low[1] - mine[1]) + max(0, mine[3] - high[1])
            cost += 50 * outside + 0.01 * (abs(dx) + abs(dy))
            if best is None or cost < best[0]:
                best = (cost, dx, dy, mine)
        assert best is not None
        taken.append(best[3])
        ax.annotate(name, at, (best[1], best[2]), textcoords="offset points", fontsize=size, color="0.25", zorder=4)


def _choice(ax: Any, found: Clusters) -> None:
    """Elbow and silhouette against the number of clusters."""
    table = found.table
    ax.plot(table.k, table.inertia / table.inertia.iloc[0], "o-", color="0.4", ms=3, label="inertia, of one cluster")
    ax.plot(table.k, table.silhouette, "s-", color=COLORS[0], ms=3, label="mean silhouette")
    ax.axhline(NO_STRUCTURE, color=COLORS[0], lw=0.6, ls=":")
    ax.axvline(found.chosen, color=COLORS[1], lw=0.8, ls="--", label=f"taken: {found.chosen}")
    ax.set_xlabel("number of clusters")
    ax.set_ylim(0, 1.05)
    ax.set_xticks(table.k)
    ax.tick_params(axis="x", which="minor", length=0)
    ax.legend(loc="upper right")


# ---- regression ----


def parity(found: Regression, label: str, unit: str) -> Figure:
    """Predicted against measured: a row for each set, a column for each model."""
    sets = list(dict.fromkeys(found.errors.set))
    models = [name for name in dict.fromkeys(found.errors.model) if name != "mean"] or ["mean"]
    figure = Figure(figsize=(TWO if len(models) > 1 else ONE, 62 * MM * len(sets) + 6 * MM))
    axes = figure.subplots(len(sets), len(models), squeeze=False, sharex=True, sharey=True)
    x = found.predictions.measured.to_numpy()
    columns = [f"{one}.{model}" for one in sets for model in models]
    both = np.concatenate([x, found.predictions[columns].to_numpy().ravel()])
    both = both[np.isfinite(both)]  # a network that learned the logarithm may predict infinity
    log = bool((both > 0).all() and x.max() > 50 * x.min())
    for i, one in enumerate(sets):
        for j, model in enumerate(models):
            _parity(axes[i, j], found, one, model, x, both, log)
    unit = unit.replace("2", "²").replace("3", "³").replace("A", "Å")
    for ax in axes.flat:
        ax.label_outer()
    for ax in axes[:, 0]:
        name_axis(ax.yaxis, f"predicted {label}", unit)
    for ax in axes[-1]:
        name_axis(ax.xaxis, f"measured {label}", unit)
    handles = [matplotlib.lines.Line2D([], [], marker=MARKERS[name], ls="", color=color, ms=4, mew=0, label=name)
               for name, color in FAMILY_COLORS.items() if (found.predictions.family == name).any()]  # fmt: skip
    figure.legend(handles=handles, loc="lower center", ncol=len(handles), bbox_to_anchor=(0.5, 1.0))
    return figure


def _parity(ax: Any, found: Regression, one: str, model: str, x: np.ndarray, both: np.ndarray, log: bool) -> None:
    y = found.predictions[f"{one}.{model}"].to_numpy()
    many = len(x) > RASTERIZED
    for family in found.predictions.family.value_counts().index:  # the rarest on top
        mine = (found.predictions.family == family).to_numpy()
        ax.plot(x[mine], y[mine], MARKERS[family], color=FAMILY_COLORS[family], ms=1.5 if many else 3, mew=0,
                alpha=0.3 if many else 0.8, rasterized=many)  # fmt: skip
    if log:
        ax.set_xscale("log")
        ax.set_yscale("log")
        limits = [both.min() / 1.5, both.max() * 1.5]
    else:
        room = 0.05 * np.ptp(both)
        limits = [both.min() - room, both.max() + room]
    ax.plot(limits, limits, "k-", lw=0.6, zorder=0)
    ax.set_xlim(limits)
    ax.set_ylim(limits)
    errors = found.errors[found.errors.set == one].set_index("model").mape
    ax.set_title(f"{model}, {one}\n{percent(errors[model])} (mean: {percent(errors['mean'])})", fontsize=7)


def importance(found: Regression, label: Label) -> Optional[Figure]:
    """Of the model with the smallest error in each set; None where none has learnt anything."""
    panels = []
    for one in dict.fromkeys(found.errors.set):
        best = found.learnt(one)
        if best:
            rows = found.importance[(found.importance.set == one) & (found.importance.model == best)]
            panels.append((f"{best}, {one}", rows.head(15)))
    if not panels:
        return None
    most = max(len(rows) for _, rows in panels)
    figure = Figure(figsize=(TWO if len(panels) > 1 else ONE, (4 * most + 22) * MM))
    for ax, (title, rows) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        y = np.arange(len(rows))
        ax.barh(y, 100 * rows.increase, xerr=100 * rows["std"], color=COLORS[0], height=0.7, error_kw={"lw": 0.6, "ecolor": "0.35"})
        ax.set_yticks(y, [label(name) for name in rows.descriptor])
        ax.set_ylim(most - 0.4, -0.6)
        ax.axvline(0, color="k", lw=0.6)
        _no_minor(ax, "y")
        ax.set_title(title)
        ax.set_xlabel("error grows by (percentage points)")
    return figure
