# SPDX-License-Identifier: BSD-3-Clause
"""The analyses as commands and the report have them: sentences, tables and figures of each."""
from __future__ import annotations

import dataclasses
from typing import Any, Callable, Optional

import numpy as np
import pandas as pd

from ..errors import IonwatchError, Status
from . import clusters, components, correlations, regression, selection
from .catalogue import TARGET
from .selection import Rules, Samples, Selection
from .tables import percent

MANY = 200  # samples, from which on the perceptron runs only when it is asked for; the paper has 174
FAMILY = 5  # materials that a family needs for a panel of its own


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is asked for, from the command line."""

    rules: Rules = Rules()
    target: Optional[str] = None  # D; of the report's regressions also <w> and C_V
    correlation: str = "spearman"  # of correlations and components
    clusters: Optional[int] = None  # by the rule
    dimensions: int = 2  # of the space of the clusters
    models: Optional[tuple[str, ...]] = None  # all
    folds: Optional[int] = None  # by the rule
    impute: bool = False
    log: bool = False
    seed: int = 1


@dataclasses.dataclass
class Picture:
    name: str  # of the file, without ending
    caption: str
    draw: Callable[[], Any]


@dataclasses.dataclass
class Result:
    title: str
    selection: Selection
    said: list[str]  # sentences about what was found
    tables: dict[str, pd.DataFrame]  # by the name of the file; the first is the one that is asked for
    pictures: list[Picture]
    shown: Optional[pd.DataFrame] = None  # on a terminal, where that is not the first table


def _fit_for(chosen: Selection, settings: Settings) -> Selection:
    """With upper limits if they have a rank, without if they would need a value."""
    return chosen if settings.correlation == "spearman" else chosen.values()


def _plural(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


# ---- selection ----


def select(samples: Samples, settings: Settings) -> Result:
    chosen = selection.materials(samples, settings.rules).need(1, "analyses", columns=0)
    table = pd.concat([chosen.about, chosen.numbers, chosen.limits.add_suffix("_below")], axis=1)
    families = ", ".join(f"{k} {v}" for k, v in chosen.about.family.value_counts().items())
    said = [
        f"{_plural(chosen.materials, 'material')} ({families}) and {_plural(chosen.numbers.shape[1], 'descriptor')} "
        f"are selected of {_plural(len(samples.table), 'run')} in {samples.label}"
    ]
    known = chosen.known.sum()
    about = pd.DataFrame(
        [(name, chosen.columns[name].category, chosen.columns[name].unit, known[name], chosen.columns[name].definition)
         for name in chosen.numbers],
        columns=["descriptor", "category", "unit", "known", "definition"],
    )  # fmt: skip
    tables = {"selection": table, "descriptors": about, "runs_left_out": chosen.runs_left_out,
              "descriptors_left_out": chosen.columns_left_out}  # fmt: skip
    first = [name for one in chosen.numbers.columns[:2] for name in (one, f"{one}_below") if name in table]
    shown = table[["material", "name", "family", "temperature_K", "time_ps", *first]]
    return Result("Selection", chosen, said, tables, [], shown)


# ---- correlations ----


def correlate(samples: Samples, settings: Settings) -> Result:
    target = settings.target or TARGET
    chosen = _fit_for(selection.materials(samples, settings.rules), settings).need(4, "correlations")
    found = correlations.of(chosen.numbers, settings.correlation, chosen.limits)
    pairs = found.pairs()
    said = [
        f"of {len(pairs)} pairs, {int((pairs.p < correlations.PAPER_P).sum())} have p < {correlations.PAPER_P} (the paper's threshold; "
        f"chance alone gives about {correlations.PAPER_P * pairs.p.notna().sum():.0f}), and "
        f"{int((pairs.q < correlations.FALSE_DISCOVERIES).sum())} stay with a false discovery rate of {percent(correlations.FALSE_DISCOVERIES)}"
    ]
    tables = {"pairs": pairs, "matrix_r": found.r, "matrix_p": found.p, "matrix_q": found.q, "matrix_n": found.n}
    pictures = [Picture("correlogram", f"{found.method.capitalize()} correlations of all pairs and their p-values.",
                        lambda: pictures_of().correlogram(found, chosen.label))]  # fmt: skip
    shown = pairs.head(25)
    try:
        ranked = _rankings(chosen, target, settings)
    except IonwatchError as error:
        if settings.target:
            raise
        said.append(str(error))
    else:
        first = next(iter(ranked.values()))
        tables = {"ranking": first, **tables}
        tables.update({f"ranking_{_file(name)}": table for name, table in list(ranked.items())[1:]})
        strongest = first.iloc[0]
        if pd.isna(strongest.r):
            said.append(f"nothing can be said of {target}: of no descriptor are there three materials that have both, and differ")
        else:
            said.append(f"strongest with {target}: {strongest.descriptor}, r = {strongest.r:+.2f} (p = {strongest.p:.2g}, q = {strongest.q:.2g}, n = {strongest.n})")
        pictures.append(Picture("bars", f"Correlation of each descriptor with {target}, with its 95 % interval, coloured by p.",
                                lambda: pictures_of().bars(ranked, target, settings.correlation, chosen.label)))  # fmt: skip
        shown = first.head(25)
    return Result("Correlations", chosen, said, tables, pictures, shown)


def _file(name: str) -> str:
    return name.split(":")[0].replace("/", "_").lower()


def _rankings(chosen: Selection, target: str, settings: Settings) -> dict[str, pd.DataFrame]:
    """Of all materials, and of the largest family where it has enough of them."""
    chosen.column(target)
    out = {f"all: {chosen.materials} materials": correlations.ranking(chosen.numbers, target, settings.correlation, chosen.limits)}
    counts = chosen.about.family.value_counts()
    if len(counts) > 1 and counts.iloc[0] >= FAMILY:
        name = counts.index[0]
        one = chosen.family(name)
        out[f"{name}: {counts.iloc[0]} materials"] = correlations.ranking(one.numbers, target, settings.correlation, one.limits)
    return out


def pictures_of() -> Any:
    """The module of figures; Matplotlib is needed by nothing else."""
    try:
        from . import pictures
    except ImportError as error:
        raise IonwatchError(Status.NOT_FOUND, "figures need Matplotlib (Debian: python3-matplotlib)") from error
    return pictures


# ---- components and clusters ----


def _components(samples: Samples, settings: Settings, materials: int) -> tuple[Selection, components.Components]:
    what = "components" if materials < 4 else "clusters"
    chosen = _fit_for(selection.materials(samples, settings.rules), settings).complete().need(materials, what)
    # Rows that were left out may have been all that differed.
    constant = [name for name in chosen.numbers if correlations.Column(chosen.numbers, name, settings.correlation, chosen.limits).constant]
    if constant:
        rows = pd.DataFrame({"descriptor": constant, "why": "constant among the complete materials"})
        chosen = dataclasses.replace(chosen, numbers=chosen.numbers.drop(columns=constant),
                                     columns_left_out=pd.concat([chosen.columns_left_out, rows]))  # fmt: skip
        chosen.need(materials, what)
    return chosen, components.of(chosen.numbers, settings.correlation, settings.seed, chosen.limits)


def reduce(samples: Samples, settings: Settings) -> Result:
    chosen, found = _components(samples, settings, 3)
    names = list(found.loadings.columns)
    three = names[:3]
    n, p = len(chosen.about), len(names)
    said = [
        f"{_plural(len(three), 'component')} carry {100 * found.table.cumulative[three[-1]]:.0f} % of the variance of {p} descriptors over "
        f"{n} materials; {found.above_chance} of all are larger than 95 % of shuffled columns give"
    ]
    if TARGET in found.contributions.index:
        shares = ", ".join(f"{100 * found.loadings.loc[TARGET, c] ** 2:.1f} % of {c}" for c in three)
        said.append(f"D contributes {shares}")
    if n <= p:
        said.append(f"fewer materials ({n}) than descriptors ({p}) plus one: the last components are empty, and the first are uncertain")
    scores = pd.concat([chosen.about[["material", "family", "run"]], found.scores], axis=1)
    tables = {"components": _named(found.table, "component"), "loadings": _named(found.loadings, "descriptor"),
              "contributions": _named(found.contributions, "descriptor"), "scores": scores}  # fmt: skip
    picture = Picture("components", f"Principal components of the {found.method} correlation matrix.",
                      lambda: pictures_of().components(found, chosen.label))  # fmt: skip
    return Result("Principal components", chosen, said, tables, [picture], _named(found.table.head(8), "component"))


def _named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table.rename_axis(name).reset_index()


def cluster(samples: Samples, settings: Settings) -> Result:
    chosen, found = _components(samples, settings, 4)
    space = [f"PC{i + 1}" for i in range(settings.dimensions)]
    if len(space) > found.scores.shape[1]:
        raise IonwatchError(Status.INVALID, f"{len(space)} components of {found.scores.shape[1]} descriptors")
    groups = clusters.of(found.scores[space], chosen.about.family, settings.clusters, settings.seed)
    width = groups.table.silhouette.max()
    said = [
        f"{groups.chosen} clusters of {len(chosen.about)} materials in {'-'.join(space)} ({groups.rule}; the elbow is at {groups.elbow})",
        f"mean silhouette {groups.table.silhouette[groups.table.k == groups.chosen].iloc[0]:.2f}"
        + ("" if groups.structured else f": at most {clusters.NO_STRUCTURE} for any number of clusters ({width:.2f}), so there is no structure to speak of"),
        f"clusters and mobile species agree with an adjusted Rand index of {groups.rand:.2f} (1: the same; 0: as by chance)",
    ]
    if len(chosen.about) > clusters.SILHOUETTES:
        said.append(f"silhouettes are taken over {clusters.SILHOUETTES} of the materials, drawn by the seed {settings.seed}")
    members = pd.concat([chosen.about[["material", "family", "mobile", "run"]], groups.labels, found.scores[space]], axis=1)
    known = TARGET in chosen.numbers
    populations = groups.populations.copy()
    populations.insert(0, "materials", groups.populations.sum(axis=1))
    if known:
        populations[f"median {TARGET}"] = [_median(chosen, groups.labels == k) for k in populations.index]
    tables = {"clusters": members.sort_values(["cluster", "material"]), "populations": _named(populations, "cluster"), "choice": groups.table,
              "centres": _named(groups.centres, "cluster")}  # fmt: skip
    picture = Picture("clusters", "Materials by their principal components: colour is the cluster, shape the family of the mobile species; elbow and silhouette.",
                      lambda: pictures_of().clusters(groups, found.scores, chosen.about.family, chosen.about.material, found.table.fraction))  # fmt: skip
    return Result("Clusters", chosen, said, tables, [picture], _named(populations, "cluster"))


def _median(chosen: Selection, rows: pd.Series) -> float:
    """Of D; none where upper limits leave it open."""
    values = chosen.numbers[TARGET][rows]
    limits = chosen.limits[TARGET][rows].dropna() if TARGET in chosen.limits else values[:0]
    middle = float(np.median(values.fillna(-np.inf)))
    return middle if limits.le(middle).all() else float("nan")


# ---- regression ----


def regress(samples: Samples, settings: Settings, tell: Callable[[str], None] = lambda text: None) -> Result:
    target = settings.target or TARGET
    chosen = selection.temperatures(samples, settings.rules).need(4, "regressions", columns=1).values()
    models = settings.models or tuple(regression.MODELS)
    extra = []
    if settings.models is None and len(chosen.about) > MANY:
        models = tuple(name for name in models if name != "mlp")
        extra.append(f"more than {MANY} samples: the perceptron (mlp) is left out unless --models names it")
    found = regression.of(chosen, target, models, seed=settings.seed, folds=settings.folds, impute=settings.impute,
                          log=settings.log, tell=tell)  # fmt: skip
    samples_used = len(found.predictions)
    count = found.predictions.material.nunique()
    one = "each material by itself" if found.folds == count else f"{found.folds} folds of whole materials"
    said = [f"{target} of {_plural(samples_used, 'sample')} of {count} materials, left out {one}" + ("; its logarithm is learnt" if found.log else "")]
    for which in dict.fromkeys(found.errors.set):
        best = found.best(which)
        if best is None:
            continue
        mean = percent(best.mape + best.better)
        than = f"the mean of the other materials ({mean}; {best.model} {percent(best.mape)})"
        if found.learnt(which):
            said.append(f"{which}: {best.model} is best, error {percent(best.mape)}; the mean of the others would give {mean}")
        elif best.better > 0:
            said.append(f"{which}: no model is better than {than} by more than chance gives: nothing was learnt")
        else:
            said.append(f"{which}: no model is better than {than}: nothing was learnt")
    said += found.notes + extra
    about = chosen.columns[target]
    stem = target.lower()
    drawn = [Picture(f"parity_{stem}", f"{target} of materials that the model has not seen, against what was measured; above each panel its error (equation 8) and that of the mean.",
                     lambda: pictures_of().parity(found, about.label, about.unit))]  # fmt: skip
    if not found.importance.empty and any(found.learnt(which) for which in regression.SETS):
        drawn.append(Picture(f"importance_{stem}", f"How much the error of held-out samples of {target} grows when a descriptor is exchanged between samples; best model of each set.",
                             lambda: pictures_of().importance(found, chosen.label)))  # fmt: skip
    tables = {f"errors_{stem}": found.errors, f"predictions_{stem}": found.predictions, f"importance_{stem}": found.importance}
    return Result(f"Regression of {target}", chosen, said, tables, drawn, found.errors)
