# SPDX-License-Identifier: BSD-3-Clause
"""Which runs and which descriptors an analysis takes, by rules that it can state.

A row of the database is a run.  Correlations, components and clusters take one run of a material,
near one temperature; regressions take all of its temperatures.  What is left out is kept, with the
reason.

A D whose 95 % interval reaches zero is no value but an upper limit, the end of the interval: it is
kept apart from the values, in `limits`, so that nothing takes the fitted number for one.
"""
from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, Optional, Sequence

import numpy as np
import pandas as pd

from ..errors import IonwatchError, Status
from .catalogue import GROUPS, ON_REQUEST, TARGET, Descriptor, descriptors
from .tables import percent

# The paper's families by mobile species.
FAMILIES = {"Li": ["Li"], "Na": ["Na"], "halide": ["F", "Cl", "Br", "I"], "O": ["O"], "Ag/Cu": ["Ag", "Cu"]}
OTHER = "other"
FINISHED = ("completed", "stopped", "analysed")
# What makes vibrational numbers of one method differ where it differs, and which methods it touches.
CONVENTIONS = {
    "velocity_source": ("physical", "both"),
    "taper": ("physical", "both"),
    "vacf_window_ps": ("physical", "both"),
    "cutoff_meV": ("physical", "paper", "both"),
    "paper_spacing_fs": ("paper", "both"),
}
BRIEF = r" as .*| by .*|: .*"  # what a reason has beside its kind
SAME = 1e-9  # two columns are the same where 1 - |r| is less
ABOUT = ["run", "name", "material", "family", "mobile", "state", "temperature_K", "time_ps", "atoms"]


@dataclasses.dataclass(frozen=True)
class Rules:
    """What is asked for; None: by the rule that the field tells."""

    temperature_K: Optional[float] = None  # where most materials have a run
    window_K: float = 100.0
    family: Optional[str] = None  # all
    method: str = "physical"  # of vibrational descriptors: "physical", "paper" or "both"
    all_states: bool = False  # also runs that were not finished
    missing: float = 0.2  # columns with a larger part of their values missing are left out
    asked: tuple[str, ...] = ()  # descriptors that are taken on request
    without: tuple[str, ...] = ()  # descriptors to leave out
    as_values: bool = False  # upper limits are taken as the numbers that were fitted


@dataclasses.dataclass
class Samples:
    """A row for each run, nothing left out."""

    table: pd.DataFrame  # columns ABOUT, then one for each descriptor
    columns: dict[str, Descriptor]  # by name
    label: str  # of the database
    conventions: pd.DataFrame  # by run: health, and what CONVENTIONS names
    limits: pd.DataFrame  # rows of the table; NaN where a descriptor is not an upper limit


@dataclasses.dataclass
class Selection:
    """What an analysis works on."""

    about: pd.DataFrame  # [n] columns ABOUT; the index is that of `numbers`
    numbers: pd.DataFrame  # [n][p] descriptors, with NaN where one is not known
    words: pd.DataFrame  # [n][..] what is no number: family, space group
    columns: dict[str, Descriptor]
    rules: list[str]  # sentences
    runs_left_out: pd.DataFrame  # run, name, material, temperature_K, why
    columns_left_out: pd.DataFrame  # descriptor, why
    limits: pd.DataFrame  # [n][..] upper limits of descriptors, where `numbers` has none
    temperature_K: Optional[float] = None  # of the window

    @property
    def materials(self) -> int:
        return self.about.material.nunique()

    @property
    def known(self) -> pd.DataFrame:
        """[n][p] whether there is a value, or an upper limit."""
        return known(self.numbers, self.limits)

    def rows(self, keep: pd.Series) -> "Selection":
        return dataclasses.replace(self, about=self.about[keep], numbers=self.numbers[keep],
                                   words=self.words[keep], limits=self.limits[keep])  # fmt: skip

    def values(self) -> "Selection":
        """Without upper limits: for what needs numbers."""
        return dataclasses.replace(self, limits=self.limits.iloc[:, :0])

    def complete(self) -> "Selection":
        """Only rows without a missing number."""
        missing = ~self.known
        keep = ~missing.any(axis=1)
        why = [
            "lacks " + ", ".join(self.numbers.columns[row]) for row in missing[~keep].to_numpy()
        ]
        rules = self.rules + ["rows with a missing value are left out, nothing is filled in"]
        return dataclasses.replace(
            self.rows(keep),
            rules=rules,
            runs_left_out=pd.concat([self.runs_left_out, left_out(self.about[~keep], why)]),
        )

    def family(self, name: str) -> "Selection":
        return self.rows(self.about.family == name)

    def label(self, name: str) -> str:
        """For figures."""
        if name == "temperature_K":
            return "temperature"
        return self.columns[name].label if name in self.columns else name

    def need(self, materials: int, what: str, columns: int = 2) -> "Selection":
        """This, or an error that counts why there is not enough."""
        if self.materials < materials:
            raise IonwatchError(
                Status.NOT_FOUND,
                f"{what} need at least {materials} materials, and {self.materials} "
                f"{'is' if self.materials == 1 else 'are'} left{self.account()}",
            )
        if self.numbers.shape[1] < columns:
            why = "; ".join(
                f"{row.descriptor}: {row.why}" for row in self.columns_left_out.itertuples()
            )
            raise IonwatchError(
                Status.NOT_FOUND,
                f"{what} need at least {columns} descriptors, and {self.numbers.shape[1]} "
                f"{'is' if self.numbers.shape[1] == 1 else 'are'} left ({shorten(why)})",
            )
        return self

    def column(self, name: str) -> pd.Series:
        """[n] of a descriptor, or an error that says why there is none."""
        if name in self.numbers:
            return self.numbers[name]
        whys = self.columns_left_out.why[self.columns_left_out.descriptor == name]
        why = whys.iloc[0] if len(whys) else "no column of this analysis has that name; by the method paper it is paper_..."
        raise IonwatchError(
            Status.NOT_FOUND,
            f"no {name} to go by among {len(self.about)} runs of {self.materials} materials: {why}",
        )

    def account(self) -> str:
        """ " of 7 runs: 3 outside 500 +- 100 K, 1 without D"."""
        total = len(self.about) + len(self.runs_left_out)
        whys = self.runs_left_out.why.str.replace(r"^lacks .*", "with a missing value", regex=True)
        kinds = whys.str.replace(BRIEF, "", regex=True).value_counts()
        reasons = ", ".join(f"{count} {why}" for why, count in kinds.items())
        of = f" of {total} run{'' if total == 1 else 's'}"
        return f"{of} ({reasons}); `ionwatch landscape select` lists them" if reasons else of


def known(numbers: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    out = numbers.notna()
    for name in limits.columns.intersection(numbers.columns):
        out[name] |= limits[name].notna()
    return out


def shorten(text: str, limit: int = 600) -> str:
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " ..."


def left_out(rows: pd.DataFrame, why: Any) -> pd.DataFrame:
    out = rows[["run", "name", "material", "temperature_K"]].copy()
    out["why"] = why
    return out


def family_of(mobile: Sequence[str]) -> str:
    for name, species in FAMILIES.items():
        if mobile and mobile[0] in species:
            return name
    return OTHER


def _mobile(text: Any) -> list[str]:
    try:
        return [str(word) for word in json.loads(text)] if isinstance(text, str) else []
    except ValueError:
        return []


# ---- reading ----


def read(db: Any, method: str = "physical", asked: Sequence[str] = ()) -> Samples:
    """Everything that the wide view of a database.Database has on the columns of an analysis."""
    columns = descriptors(method, asked)
    unknown = [key for key in asked if not any(key in (d.key, d.name) for d in columns)]
    if unknown:
        raise IonwatchError(
            Status.INVALID,
            f"{unknown[0]} is no descriptor of the method {method}: `ionwatch explain --catalogue` lists them",
        )
    runs = db.runs().set_index("id")
    runs.index.name = "run"
    table = pd.DataFrame({key: runs[key] for key in ("name", "material", "state", "time_ps", "atoms")})
    for key in ("temperature_K", "time_ps", "atoms"):
        table[key] = pd.to_numeric(runs[key], errors="coerce").astype(float)
    species = runs.mobile.map(_mobile)
    table["mobile"] = species.map(",".join)
    table["family"] = species.map(family_of)
    numbers = _numbers(db, columns, table.index)
    table = pd.concat([table, numbers], axis=1).reset_index()[ABOUT + list(numbers)]
    known = {d.name: d for d in columns if d.name in numbers}
    return Samples(table, known, db.label, db.conventions().set_index("id"), _limits(db, columns, table.run))


def _numbers(db: Any, columns: Sequence[Descriptor], runs: pd.Index) -> pd.DataFrame:
    """[runs][columns] of the wide view, of what it has; those that no run has cost no time."""
    filed = set(db.sql("SELECT descriptor FROM material_descriptors UNION SELECT descriptor FROM "
                       "run_descriptors UNION SELECT descriptor FROM descriptors").descriptor)  # fmt: skip
    there = set(db.columns())
    known = [d for d in columns if d.column in there]
    out = pd.DataFrame(np.nan, runs, [d.name for d in known])
    for group in GROUPS:
        # What is of the whole run stands under "all".
        mine = [d for d in known if d.key in filed and (d.group or "all") == group]
        wide = db.descriptors(group, columns=[d.column for d in mine]).set_index("run").reindex(runs)
        for d in mine:
            values = pd.to_numeric(wide[d.column], errors="coerce").astype(float)
            out[d.name] = values.where(np.isfinite(values))
    return out


def _limits(db: Any, columns: Sequence[Descriptor], runs: pd.Series) -> pd.DataFrame:
    """Upper ends of the 95 % intervals that reach zero, of what cannot be negative."""
    table = db.sql("SELECT r.id AS run, d.\"group\" AS atoms, d.descriptor, d.ci95_hi FROM descriptors d JOIN runs r "
                   "ON r.run = d.run WHERE d.ci95_lo <= 0 AND d.ci95_hi > 0 AND d.category IN (?, ?)", ON_REQUEST)  # fmt: skip
    out = {}
    for d in columns:
        mine = table[(table.descriptor == d.key) & (table.atoms == (d.group or "all"))]
        if len(mine):
            out[d.name] = mine.set_index("run").ci95_hi.astype(float).reindex(runs).to_numpy()
    return pd.DataFrame(out, index=runs.index)


# ---- which rows ----


def family_name(name: str) -> str:
    """ "li", "Ag", "ag/cu", "halides" as the family is written here."""
    for family, species in [*FAMILIES.items(), (OTHER, [])]:
        known = {family.lower(), f"{family.lower()}s", *(one.lower() for one in species)}
        if name.lower() in known:
            return family
    raise IonwatchError(
        Status.INVALID, f"there is no family {name!r}: one of {', '.join([*FAMILIES, OTHER])}"
    )


def _admitted(samples: Samples, rules: Rules) -> tuple[pd.DataFrame, list[pd.DataFrame], list[str]]:
    """Rows of known material, finished, of the family; what was left out; the rules."""
    table, out, said = samples.table, [], []

    def keep_where(good: pd.Series, why: Any) -> None:
        nonlocal table
        out.append(left_out(table[~good], why[~good] if isinstance(why, pd.Series) else why))
        table = table[good]

    if rules.all_states:
        said.append("runs of every state are taken")
    else:
        said.append(f"runs are taken that are {', '.join(FINISHED[:-1])} or {FINISHED[-1]}")
        keep_where(table.state.isin(FINISHED), table.state.radd("not finished: "))
    keep_where(table.material.fillna("") != "", "without a material")
    if rules.family:
        name = family_name(rules.family)
        said.append(f"only materials of the family {name}, told by the first mobile species")
        keep_where(table.family == name, "of another family")
    return table, out, said


def _temperature(table: pd.DataFrame, window_K: float) -> float:
    """Whose window holds most materials; of several the one that is nearest to their runs, then the
    lowest."""
    pairs = table[["material", "temperature_K"]].dropna().drop_duplicates()
    best, found = (0, 0.0), float("nan")
    for T in sorted(pairs.temperature_K.unique()):
        away = (pairs.temperature_K - T).abs().groupby(pairs.material).min()
        away = away[away <= window_K]
        if (len(away), -away.mean()) > best or not best[0]:
            best, found = (len(away), -away.mean()), float(T)
    return found


def materials(samples: Samples, rules: Rules) -> Selection:
    """One run of each material: within the window, the nearest to its middle; of several the
    longest, then the one whose id sorts first."""
    table, out, said = _admitted(samples, rules)
    T = rules.temperature_K
    if T is None:
        T = _temperature(table, rules.window_K)
        how = "the temperature whose window holds most materials, of several the nearest to their runs"
    else:
        how = "as asked"
    if not np.isnan(T):
        said.append(f"temperature: {T:g} +- {rules.window_K:g} K ({how})")
    away = (table.temperature_K - T).abs()
    good = away <= rules.window_K
    why = f"outside {T:g} +- {rules.window_K:g} K"
    unknown = table.temperature_K.isna()
    out.append(left_out(table[~good], np.where(unknown[~good], "without a temperature", why)))
    table = table[good].assign(away=away[good])
    table = table.sort_values(["material", "away", "time_ps", "run"], ascending=[True, True, False, True])
    first = ~table.duplicated("material")
    said.append("one run of each material: the nearest to that temperature, of several the longest")
    out.append(left_out(table[~first], "beside a nearer or longer run of the material"))
    return _with_columns(samples, rules, table[first], out, said, None if np.isnan(T) else T)


def temperatures(samples: Samples, rules: Rules) -> Selection:
    """One run of each material and temperature (to 1 K): the longest; in the window, if one is
    asked for."""
    table, out, said = _admitted(samples, rules)
    if rules.temperature_K is not None:
        good = (table.temperature_K - rules.temperature_K).abs() <= rules.window_K
        said.append(f"temperature: {rules.temperature_K:g} +- {rules.window_K:g} K")
        why = f"outside {rules.temperature_K:g} +- {rules.window_K:g} K"
        out.append(left_out(table[~good], why))
        table = table[good]
    known = table.temperature_K.notna()
    out.append(left_out(table[~known], "without a temperature"))
    table = table[known].assign(kelvin=table.temperature_K[known].round())
    table = table.sort_values(["material", "kelvin", "time_ps", "run"], ascending=[True, True, False, True])
    first = ~table.duplicated(["material", "kelvin"])
    said.append("one run of each material and temperature: the longest")
    out.append(left_out(table[~first], "beside a longer run of the material at its temperature"))
    return _with_columns(samples, rules, table[first], out, said, rules.temperature_K)


def _mixed(samples: Samples, runs: pd.Series, method: str) -> list[str]:
    """Sentences on runs whose numbers were not made alike, or whose health is broken."""
    of = samples.conventions.loc[samples.conventions.index.intersection(runs)]
    out = []
    for name, methods in CONVENTIONS.items():
        counts = of[name].value_counts()
        if method in methods and len(counts) > 1:
            kinds = ", ".join(f"{value if isinstance(value, str) else format(value, 'g')}: {n} runs" for value, n in counts.items())
            out.append(f"beware: not all numbers are made alike: {name} differs ({kinds})")
    broken = int((of.health == "broken").sum())
    if broken:
        out.append(f"beware: the health of {broken} of these runs is broken (`ionwatch db show RUN`)")
    return out


# ---- which columns ----


def _with_columns(
    samples: Samples,
    rules: Rules,
    table: pd.DataFrame,
    out: list[pd.DataFrame],
    said: list[str],
    temperature_K: Optional[float],
) -> Selection:
    limits = samples.limits.loc[table.index].reset_index(drop=True)
    table = table.reset_index(drop=True)
    names = [name for name, d in samples.columns.items() if not d.is_name]
    limits = limits.iloc[:, :0] if rules.as_values else limits.loc[:, limits.notna().any()]
    numbers = table[names].copy()
    for name in limits:
        numbers[name] = numbers[name].where(limits[name].isna())
    numbers, dropped = _usable(numbers, limits, rules)
    limits = limits[[name for name in limits if name in numbers]]
    words = pd.DataFrame({"family": table.family})
    for name, d in samples.columns.items():
        if d.is_name and d.key not in rules.without:
            words[name] = table[name].map(lambda v: "unknown" if pd.isna(v) else f"{v:g}")
    which = {
        "physical": "vibrational descriptors: method physical",
        "paper": "vibrational descriptors: method paper",
        "both": "vibrational descriptors: methods physical and paper, each in columns of its own, as asked",
    }[rules.method]
    said = said + [
        which,
        f"descriptors are left out that lack more than {percent(rules.missing)} of their values, that are "
        "constant, or that repeat another up to a factor and a constant",
        *(f"{name} of {limits[name].notna().sum()} of {len(limits)} runs is no value but an upper limit: its 95 % interval reaches zero"
          for name in limits),
        *_mixed(samples, table.run, rules.method),
    ]  # fmt: skip
    return Selection(table[ABOUT], numbers, words, samples.columns, said, pd.concat(out),
                     pd.DataFrame(dropped, columns=["descriptor", "why"]), limits, temperature_K)  # fmt: skip


def _usable(table: pd.DataFrame, limits: pd.DataFrame, rules: Rules) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    dropped: list[tuple[str, str]] = []
    keep: list[str] = []
    n, there = len(table), known(table, limits).sum()
    for name in table:
        column, count = table[name], int(there[name])
        measured = int(column.notna().sum())
        # D is never left out for a few missing values: it is what is asked about.
        if re.sub("_(nd|d)$", "", name) in rules.without or name in rules.without:
            dropped.append((name, "as asked"))
        elif not count:
            dropped.append((name, "no value at all"))
        elif not measured:
            dropped.append((name, "upper limits only"))
        elif n - count > rules.missing * n and name != TARGET:
            dropped.append((name, f"{n - count} of {n} values are missing"))
        elif measured < count:
            keep.append(name)
        elif column.max() - column.min() <= 1e-12 * column.abs().max():
            dropped.append((name, f"constant: {column.dropna().iloc[0]:.6g}"))
        else:
            twin = _twin(table, name, keep)
            if twin:
                dropped.append((name, f"the same as {twin}, up to a factor and a constant"))
            else:
                keep.append(name)
    return table[keep], dropped


def _twin(table: pd.DataFrame, name: str, others: Sequence[str]) -> Optional[str]:
    """A column before it that a straight line turns into this one, on four rows at least."""
    y = table[name].to_numpy()
    for other in others:
        x = table[other].to_numpy()
        both = np.isfinite(x) & np.isfinite(y)
        # Where it knows more than the other it is no repetition.
        if both.sum() < 4 or both.sum() < np.isfinite(y).sum():
            continue
        a, b = x[both] - x[both].mean(), y[both] - y[both].mean()
        norm = np.sqrt((a @ a) * (b @ b))
        if norm > 0 and 1 - abs(a @ b) / norm < SAME:
            return other
    return None
