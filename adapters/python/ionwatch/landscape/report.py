# SPDX-License-Identifier: BSD-3-Clause
"""A folder with a page, figures and tables; it appears as a whole or not at all."""
from __future__ import annotations

import base64
import contextlib
import html
import os
import platform
import re
import shutil
import struct
from typing import Any, Callable, Sequence

import pandas as pd

from ..errors import IonwatchError, Status
from . import tables
from .analyses import Picture, Result, Settings

MARK = "landscape.json"  # a folder with this file is one of ours
DPI = 200
MADE = "How this was made"
CSS_DPI = 120  # a figure on the screen, in pixels of the page an inch
STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #555; --line: #ddd; --link: #0b57a4; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181a1c; --faint: #a5a8ab; --line: #3a3d40; --link: #7db8f0; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); } a { color: var(--link); }
nav a, .note a { margin-right: 0.6rem; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; height: auto; background: #fff; padding: 4px; box-sizing: border-box; }
figcaption, .note { font-size: 0.85rem; color: var(--faint); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.82rem; margin: 0.5rem 0; }
th, td { padding: 0.15rem 0.6rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
.about th, .about td { white-space: normal; } .n { text-align: right; font-variant-numeric: tabular-nums; } summary { cursor: pointer; margin: 0.5rem 0; }
@media print { body { max-width: none; margin: 0; font-size: 10pt; } figure, tr { break-inside: avoid; } h2, thead { break-after: avoid; } nav { display: none; }
  .wide { overflow: visible; } table { font-size: 7pt; } th, td { white-space: normal; padding: 1px 4px; } }
"""


def versions() -> dict[str, str]:
    import matplotlib
    import numpy
    import scipy
    import sklearn

    out = {"Python": platform.python_version()}
    for module in (numpy, pd, scipy, sklearn, matplotlib):
        out[module.__name__] = module.__version__
    return out


def safe(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)


# ---- the page ----


def _list(sentences: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(one)}</li>" for one in sentences) + "</ul>"


def _figure(one: Picture, png: bytes, shows: str) -> str:
    """Its alternative text is what was found: the caption stands below for everybody."""
    width, height = (round(side * CSS_DPI / DPI) for side in struct.unpack(">II", png[16:24]))
    image = (f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" width="{width}" height="{height}" '
             f'alt="Figure. {html.escape(shows)}">')  # fmt: skip
    return (f'<figure><a href="{one.name}.png">{image}</a><figcaption>{html.escape(one.caption)} <a href="{one.name}.png">PNG</a> '
            f'<a href="{one.name}.pdf">PDF</a></figcaption></figure>')  # fmt: skip


def _anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower())


def _section(result: Result, pictures: dict[str, bytes]) -> str:
    out = [f'<section id="{_anchor(result.title)}"><h2>{html.escape(result.title)}</h2>', _list(result.said)]
    for one in result.pictures:
        out.append(_figure(one, pictures[one.name], " ".join(result.said)))
    if result.shown is not None:
        out.append(tables.to_html(result.shown))
    files_of = " ".join(f'<a href="{safe(name)}.csv">{html.escape(name)}.csv</a>' for name in result.tables)
    out.append(f'<p class="note">Tables: {files_of}</p>')
    chosen = result.selection
    out.append(f"<details><summary>What was taken: {len(chosen.about)} runs of {chosen.materials} materials, "
               f"{chosen.numbers.shape[1]} descriptors; what was left out, and why</summary>")  # fmt: skip
    out.append(_list(chosen.rules))
    for title, table in (("Runs", chosen.runs_left_out), ("Descriptors", chosen.columns_left_out)):
        if len(table):
            out.append(f"<p>{title} left out: {len(table)}</p>{tables.to_html(table)}")
    out.append("</details></section>")
    return "\n".join(out)


def page(title: str, results: Sequence[Result], failed: Sequence[tuple[str, str]], pictures: dict[str, bytes], about: dict[str, Any]) -> str:
    """A page of HTML that needs nothing from elsewhere; links lead to files beside it."""
    body = [_section(one, pictures) for one in results]
    for name, why in failed:
        body.append(f'<section id="{_anchor(name)}"><h2>{html.escape(name)}</h2><p>Not possible: {html.escape(why)}</p></section>')
    rows = "".join(f'<tr><th scope="row">{html.escape(str(k))}</th><td>{html.escape(str(v))}</td></tr>' for k, v in about.items())
    titles = [one.title for one in results] + [name for name, _ in failed] + [MADE]
    links = " ".join(f'<a href="#{_anchor(one)}">{html.escape(one)}</a>' for one in titles)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{html.escape(title)}</h1>
<nav aria-label="Contents">{links}</nav>
{"".join(body)}
<section id="{_anchor(MADE)}"><h2>{MADE}</h2><table class="about">{rows}</table>
<p class="note">Definitions: docs/landscape.md of ionwatch. p-values count nothing but chance: materials of one family are no independent samples,
and a correlation is no cause.</p></section>
</body></html>
"""


# ---- the folder ----


def files(title: str, results: Sequence[Result], failed: Sequence[tuple[str, str]], settings: Settings, label: str,
          tell: Callable[[str], None]) -> dict[str, bytes]:  # fmt: skip
    """Everything that the folder holds, by name."""
    from . import pictures as module

    out: dict[str, bytes] = {}
    shown = {}
    for result in results:
        for name, table in result.tables.items():
            out[f"{safe(name)}.csv"] = tables.csv(table).encode()
        for one in result.pictures:
            tell(f"drawing {one.name}")
            drawn = module.render(one.draw, ("png", "pdf"), DPI)
            shown[one.name] = drawn["png"]
            out.update({f"{one.name}.{ending}": data for ending, data in drawn.items()})
    rules = settings.rules
    about = {
        "database": label,
        "method of vibrational descriptors": rules.method,
        "correlations and components": settings.correlation,
        "seed": settings.seed,
        **versions(),
    }
    out["index.html"] = page(title, results, failed, shown, about).encode()
    summary = {
        "about": about,
        "analyses": [
            {"title": r.title, "said": r.said, "rules": r.selection.rules, "materials": r.selection.materials,
             "runs": len(r.selection.about), "descriptors": list(r.selection.numbers), "tables": [f"{safe(n)}.csv" for n in r.tables],
             "figures": [one.name for one in r.pictures]}
            for r in results
        ],
        "not_possible": [{"title": name, "why": why} for name, why in failed],
    }  # fmt: skip
    out[MARK] = tables.to_json(summary, indent=2).encode()
    return out


def check_folder(path: str) -> None:
    """Before the work: a folder of somebody else's files is not replaced."""
    if os.path.lexists(path) and not os.path.isdir(path):
        raise IonwatchError(Status.EXISTS, f"{path} is there and is no folder")
    if os.path.isdir(path) and os.listdir(path) and not os.path.exists(os.path.join(path, MARK)):
        raise IonwatchError(Status.EXISTS, f"the folder {path} has files that are not of a report: name another, or a new one")
    parent = os.path.dirname(os.path.abspath(path))
    if not os.access(parent, os.W_OK | os.X_OK):
        why = "it may not be written to" if os.path.isdir(parent) else "there is no such folder"
        raise IonwatchError(Status.IO, f"cannot write into {parent}: {why}")


def write_folder(path: str, contents: dict[str, bytes]) -> None:
    """Under another name first; an old report is replaced as a whole."""
    path = os.path.abspath(path)
    check_folder(path)
    part, old = f"{path}.{os.getpid()}.part", f"{path}.{os.getpid()}.old"
    try:
        os.mkdir(part)
        for name, data in contents.items():
            with open(os.path.join(part, name), "xb") as file:
                file.write(data)
        if os.path.isdir(path):
            os.rename(path, old)
        try:
            os.rename(part, path)
        except BaseException:
            if os.path.isdir(old):
                os.rename(old, path)
            raise
    except OSError as error:
        raise IonwatchError(Status.IO, f"cannot write {path}: {error.strerror}") from error
    finally:
        for rest in (part, old):
            with contextlib.suppress(OSError):
                shutil.rmtree(rest)
