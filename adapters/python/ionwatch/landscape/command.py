# SPDX-License-Identifier: BSD-3-Clause
"""`ionwatch landscape`: reads its request as JSON from standard input, which the program wrote."""
from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from typing import Any, Callable

from ..database import Database, default_uri, label_of, path_of, scheme_of
from ..errors import IonwatchError, Status
from . import analyses, report, selection, tables
from .analyses import Result, Settings
from .selection import Rules

ANALYSES: dict[str, Callable[..., Result]] = {
    "select": analyses.select,
    "correlate": analyses.correlate,
    "components": analyses.reduce,
    "clusters": analyses.cluster,
    "regress": analyses.regress,
}
TITLES = {"select": "Selection", "correlate": "Correlations", "components": "Principal components", "clusters": "Clusters"}
# What the paper predicts: <w> and C_V of all atoms, and D.
PAPER_TARGETS = ("omega_mean_meV", "c_v_meV_K", "D_cm2_s")


def note(text: str) -> None:
    print(f"ionwatch landscape: {text}", file=sys.stderr)


def progress(text: str) -> None:
    """On a terminal only: a line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}" if text else "\r\x1b[K", end="", file=sys.stderr, flush=True)


def settings_of(request: dict[str, Any]) -> Settings:
    def words(key: str) -> tuple[str, ...]:
        return tuple(filter(None, (word.strip() for word in (request.get(key) or "").split(","))))

    rules = Rules(
        temperature_K=request.get("temperature_K"),
        window_K=request["window_K"],
        family=request.get("family"),
        method=request["method"],
        all_states=request["all"],
        missing=request["missing"] / 100,
        asked=words("with"),
        without=words("without"),
        as_values=request["limits_as_values"],
    )
    target = request.get("target")
    if target and target not in rules.asked and target != analyses.TARGET:
        rules = dataclasses.replace(rules, asked=(*rules.asked, target))
    return Settings(
        rules=rules,
        target=target,
        correlation=request["correlation"],
        clusters=request.get("clusters"),
        dimensions=request["dimensions"],
        models=words("models") or None,
        folds=request.get("folds"),
        impute=request["impute"],
        log=request["log"],
        seed=request["seed"],
    )


def open_database(uri: str) -> Database:
    """Or a sentence for who has none yet."""
    if scheme_of(uri) == "sqlite" and not os.path.exists(path_of(uri)):
        raise IonwatchError(
            Status.NOT_FOUND,
            f"there is no database {path_of(uri)}: ionwatchd and `ionwatch analyze --db` file runs in one; --db URI names another",
        )
    return Database(uri)


def read(request: dict[str, Any], settings: Settings) -> selection.Samples:
    uri = request.get("db") or default_uri()
    with open_database(uri) as db:
        samples = selection.read(db, settings.rules.method, settings.rules.asked)
    if samples.table.empty:
        raise IonwatchError(
            Status.NOT_FOUND,
            f"no run is filed in {label_of(uri)} yet: ionwatchd and `ionwatch analyze --db` file runs in it",
        )
    return samples


# ---- one analysis ----


def run_one(what: str, samples: selection.Samples, settings: Settings) -> Result:
    more = {"tell": progress} if what == "regress" else {}
    return ANALYSES[what](samples, settings, **more)


def print_text(result: Result) -> None:
    for rule in result.selection.rules:
        print(f"rule: {rule}")
    for title, table in (("runs", result.selection.runs_left_out), ("descriptors", result.selection.columns_left_out)):
        if len(table):
            counts = table.why.str.replace(selection.BRIEF, "", regex=True)
            kinds = "; ".join(f"{n}: {why}" for why, n in counts.value_counts().head(6).items())
            print(f"left out: {len(table)} {title} ({selection.shorten(kinds, 240)})")
    print()
    for sentence in result.said:
        print(sentence)
    print()
    name, first = next(iter(result.tables.items()))
    shown = result.shown if result.shown is not None else first
    most = 60
    print(tables.text(shown.head(most)))
    if list(shown.columns) != list(first.columns):
        print(f"(--csv prints another table, {name}, of {len(first)} rows)")
    elif len(shown) > most or len(first) > len(shown):
        print(f"({min(most, len(shown))} of {len(first)} rows; --csv prints all)")


def print_selection(result: Result) -> None:
    """`select` lists what was left out, one by one."""
    print_text(result)
    for title, table in (("Runs", result.selection.runs_left_out), ("Descriptors", result.selection.columns_left_out)):
        if len(table):
            print(f"\n{title} left out\n{tables.text(table.head(100), widest=60)}")
            if len(table) > 100:
                print(f"(100 of {len(table)} rows; --json prints all)")


def as_json(result: Result) -> str:
    return tables.to_json(
        {
            "title": result.title,
            "said": result.said,
            "rules": result.selection.rules,
            "left_out": {"runs": result.selection.runs_left_out, "descriptors": result.selection.columns_left_out},
            "tables": result.tables,
        }
    )


# ---- the report ----


def run_report(samples: selection.Samples, settings: Settings) -> tuple[list[Result], list[tuple[str, str]]]:
    """Every analysis; one that is not possible is told in its place."""
    results, failed = [run_one("select", samples, settings)], []
    for what in ("correlate", "components", "clusters"):
        progress(TITLES[what])
        try:
            results.append(run_one(what, samples, settings))
        except IonwatchError as error:
            failed.append((TITLES[what], str(error)))
    paper = settings.rules.method == "paper"
    for target in [settings.target] if settings.target else PAPER_TARGETS:
        target = f"paper_{target}" if paper and not settings.target and target != analyses.TARGET else target
        try:
            results.append(run_one("regress", samples, dataclasses.replace(settings, target=target)))
        except IonwatchError as error:
            failed.append((f"Regression of {target}", str(error)))
    return results, failed


def write(path: str, what: str, results: list[Result], failed: list[tuple[str, str]], settings: Settings, label: str) -> None:
    title = "Landscape of materials" if what == "report" else results[0].title
    contents = report.files(title, results, failed, settings, label, progress)
    progress("")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # now there is something to clean up
    report.write_folder(path, contents)
    note(f"{len(contents)} files are in {path}: index.html is the page")


def limited() -> Any:
    """One thread for linear algebra: the same numbers on every machine, and no waiting for other
    jobs' cores in thousands of small steps."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def run(request: dict[str, Any]) -> None:
    what, output = request["what"], request.get("output")
    settings = settings_of(request)
    if output:
        report.check_folder(output)
    samples = read(request, settings)
    if what == "report":
        results, failed = run_report(samples, settings)
        progress("")
        for name, why in failed:
            note(f"{name}: {why}")
        write(output, what, results, failed, settings, samples.label)
        return
    result = run_one(what, samples, settings)
    progress("")
    if output:
        write(output, what, [result], [], settings, samples.label)
    if request["json"]:
        print(as_json(result))
    elif request["csv"]:
        sys.stdout.write(tables.csv(next(iter(result.tables.values()))))
    elif not output:
        (print_selection if what == "select" else print_text)(result)


def main() -> int:
    # Ctrl-C ends it at once: some of the libraries lose an exception that is raised inside them.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    with limited():
        run(json.load(sys.stdin))
    return 0
