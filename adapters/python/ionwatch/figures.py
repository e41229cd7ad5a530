# SPDX-License-Identifier: BSD-3-Clause
"""Figures for papers: size, style, and files that are the same for the same numbers.

    figures.save([record], "msd", "msd.pdf", groups=["Li", "S"])

`ionwatch plot` is this: main() reads its request from standard input.
"""
from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
import warnings
from typing import Any, Optional, Sequence

from . import plots
from .errors import IonwatchError, Status
from .record import Record

MM = 1 / 25.4  # inch
SUBJECT = "ionwatch"
# Colours that the colour-blind tell apart (Okabe and Ito).
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
STYLE = {
    "figure.figsize": (86 * MM, 65 * MM),
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.02,
    "figure.constrained_layout.w_pad": 0.02,
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.labelspacing": 0.35,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "errorbar.capsize": 2,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    "svg.hashsalt": SUBJECT,
}
# Whatever a style says: a name of a run must not become a program of TeX.
ALWAYS = {"text.usetex": False, "svg.hashsalt": SUBJECT}
# No date and no version, so that the same numbers make the same file.
METADATA: dict[str, dict[str, Optional[str]]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": SUBJECT},
    "pdf": {"CreationDate": None, "Creator": SUBJECT, "Producer": None},
}
ENDINGS = (*METADATA, "csv")


def ending_of(path: str) -> str:
    ending = os.path.splitext(path)[1][1:].lower()
    if ending not in ENDINGS:
        known = ", ".join("." + name for name in ENDINGS)
        raise IonwatchError(Status.INVALID, f"{path}: a file ends in one of {known}")
    return ending


def write(path: str, data: bytes) -> None:
    """Under a name beside it first: nobody sees half a file, and an old one survives a failure."""
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "xb") as file:
            file.write(data)
        os.replace(part, path)
    except OSError as error:
        raise IonwatchError(Status.IO, f"cannot write {path}: {error.strerror}") from error
    finally:
        if os.path.lexists(part):
            os.unlink(part)


# ---- what is in a figure ----


def tell_apart(records: Sequence[Record]) -> list[Record]:
    """Runs of one name get the beginning of their id beside it."""
    names = [record.name for record in records]
    out = []
    for record in records:
        name = record.name or record.id[:8]
        if names.count(record.name) > 1 and record.name:
            name = f"{name} ({record.id[:8]})"
        out.append(Record({**record, "run": {**record["run"], "name": name}}))
    return out


def default_groups(kind: str, record: Record) -> list[str]:
    """Where a run has no framework, its mobile ions alone."""
    groups = ["mobile", "framework"] if kind == "vdos" else ["mobile"]
    return [group for group in groups if group in record["groups"]] or list(record["groups"])[:1]


def curves(kind: str, records: Sequence[Any], groups: Optional[Sequence[str]]) -> list[tuple]:
    """What is drawn, in order, as arguments of the functions of plots."""
    if groups is not None and not groups:
        raise IonwatchError(Status.INVALID, "the list of groups is empty")
    if kind == "arrhenius":
        lines = [(report,) for report in records if plots.arrhenius_parts(report)]
        if not lines:
            raise IonwatchError(
                Status.NOT_FOUND, "no run has a D above zero at a temperature: nothing to draw"
            )
        return lines
    out = []
    for record in tell_apart([Record(one) for one in records]):
        out += [(record, group) for group in groups or default_groups(kind, record)]
    return out


def table(kind: str, of: Sequence[tuple], options: dict) -> bytes:
    """CSV of the parts: a line for each point, columns that a part lacks are empty."""
    make = plots.arrhenius_parts if kind == "arrhenius" else plots.PARTS[kind]
    parts = [part for one in of for part in make(*one, **options)]
    names = list(dict.fromkeys(name for part in parts for name in part.columns))
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["run" if kind != "arrhenius" else "material", "group", "part", *names])
    for part in parts:
        count = len(next(iter(part.columns.values())))
        columns = [part.columns.get(name, [math.nan] * count) for name in names]
        for values in zip(*columns):
            numbers = ["" if math.isnan(value) else repr(float(value)) for value in values]
            rows.writerow([part.run, part.group, part.part, *numbers])
    return out.getvalue().encode()


# ---- pictures ----


def style_of(named: Optional[str]) -> dict:
    """The settings of a Matplotlib style; never from the network."""
    from matplotlib import rc_params_from_file, style

    if named is None:
        return {}
    if named in style.library:
        return dict(style.library[named])
    if not os.path.isfile(named):
        raise IonwatchError(
            Status.NOT_FOUND,
            f"there is no style {named}: neither a file nor one of {', '.join(style.available)}",
        )
    return dict(rc_params_from_file(named, use_default_template=False))


def cycle(count: int) -> Any:
    """Seven colours that are told apart, more of a scale."""
    import matplotlib
    from cycler import cycler

    if count <= len(COLORS):
        return cycler(color=COLORS)
    shades = [matplotlib.colormaps["viridis"](i / (count - 1) * 0.92) for i in range(count)]
    return cycler(color=shades)


def place_legend(figure: Any, ax: Any) -> None:
    """Many entries cover the curves: they go below, and the figure grows by as much."""
    legend = ax.get_legend()
    if legend is None:
        return
    lines = sum(1 + text.get_text().count("\n") for text in legend.get_texts())
    if lines <= 7:
        return
    columns = 2 if figure.get_figwidth() > 120 * MM else 1
    plots.ordered_legend(ax, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncol=columns)
    size = legend.get_texts()[0].get_fontsize() / 72
    grown = figure.get_figheight() + 1.45 * size * math.ceil(lines / columns)
    figure.set_size_inches(figure.get_figwidth(), grown)


def draw(kind: str, of: Sequence[tuple], title: Optional[str], options: dict) -> Any:
    """A figure of Matplotlib, in the style that is set."""
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.subplots()
    function = plots.draw_arrhenius if kind == "arrhenius" else plots.KINDS[kind]
    for one in of:
        function(*one, ax=ax, **options)
    place_legend(figure, ax)
    if title:
        ax.set_title(plots.plain(title, limit=200))
    return figure


def picture(
    kind: str,
    of: Sequence[tuple],
    ending: str,
    width_mm: Optional[float],
    dpi: Optional[float],
    title: Optional[str],
    style: Optional[str],
    options: dict,
) -> bytes:
    import matplotlib

    out = io.BytesIO()
    own = {**STYLE, "axes.prop_cycle": cycle(len(of)), **style_of(style), **ALWAYS}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(own)
        if width_mm:
            width, height = matplotlib.rcParams["figure.figsize"]
            matplotlib.rcParams["figure.figsize"] = (width_mm * MM, width_mm * MM * height / width)
        figure = draw(kind, of, title, options)
        figure.savefig(out, format=ending, dpi=dpi or 300, metadata=METADATA[ending])
    return out.getvalue()


def save(
    records: Sequence[Any],
    kind: str,
    path: str,
    *,
    groups: Optional[Sequence[str]] = None,
    method: str = "both",
    scale: Optional[str] = None,
    at_K: Optional[float] = None,
    width_mm: Optional[float] = None,
    dpi: Optional[float] = None,
    title: Optional[str] = None,
    style: Optional[str] = None,
) -> None:
    """Draws records (for "arrhenius": reports) into a .png, .svg or .pdf; .csv: the numbers."""
    ending = ending_of(path)
    if kind != "arrhenius" and kind not in plots.KINDS:
        known = ", ".join([*plots.KINDS, "arrhenius"])
        raise IonwatchError(Status.INVALID, f"{kind!r} is no plot: one of {known}")
    of = curves(kind, records, groups)
    options: dict[str, Any] = {"method": method} if kind == "vdos" else {}
    if kind == "arrhenius":
        options["at_K"] = at_K
    if ending == "csv":
        write(path, table(kind, of, options))
        return
    if scale:
        options["scale"] = scale
    write(path, picture(kind, of, ending, width_mm, dpi, title, style, options))


# ---- for the program ----


def note(text: str) -> None:
    """On one line, whatever runs and materials are called."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    print(f"ionwatch plot: note: {text}", file=sys.stderr)


def notes_on(reports: Sequence[dict], at_K: Optional[float]) -> None:
    """What a reader must know before believing a line."""
    for report in reports:
        of = f"{report['material']}, {report['group']}"
        fit = report["fit"]
        for point in report["points"]:
            if not point["used"]:
                T = point["temperature_K"]
                run = plots.plain(point["name"] or point["run"][:8])
                where = "" if T is None else f" ({T:g} K)"
                note(f"{of}: {run}{where} is left out: {point['left_out']}")
        if not fit:
            note(f"{of}: no line: {report['reason']}")
        for text in report.get("warnings", []):
            shown = at_K is not None or not fit  # else the line is not drawn as far as that
            if shown or not text.startswith(f"{fit['D_cm2_s']['temperature_K']:.5g} K lies"):
                note(f"{of}: {text}")


def main() -> int:
    request = json.load(sys.stdin)
    if request["kind"] == "arrhenius":
        notes_on(request["records"], request.get("at_K"))
    options = {key: value for key, value in request.items() if value is not None}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        save(options.pop("records"), options.pop("kind"), options.pop("output"), **options)
    if any("Glyph" in str(one.message) for one in said):
        note("the font has not every character of the names: --style FILE can name one that has")
    return 0
