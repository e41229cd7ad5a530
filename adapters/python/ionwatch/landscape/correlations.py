# SPDX-License-Identifier: BSD-3-Clause
"""Pearson's and Spearman's correlations of descriptors, with what they are worth.

r: Pearson's; Spearman's is Pearson's of the ranks, equal values sharing their mean rank.  Each pair
is taken over the materials that have both numbers; n says how many.
Upper limits have a rank and no value.  With them a rank is Gehan's score (1965): half of the number
of materials that are surely smaller less that of those surely larger; a value is larger than every
limit at or below it, and two limits tell nothing of each other.  Without limits that is the rank, less its mean.
p: two-sided, from t = r sqrt((n - 2)/(1 - r^2)) with n - 2 degrees of freedom: exact for normal
data and Pearson, an approximation for ranks, whose p of up to eight materials is therefore counted: the share of
all n! orders with an r at least as large.
q: Benjamini and Hochberg 1995 over all tests of the table, independent or going with each other: among those called significant at
q < 0.1 one expects at most 10 % that are not.
"""
from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import Optional

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import IonwatchError, Status

METHODS = ("spearman", "pearson")
PAPER_P = 0.2  # the paper's threshold, which it calls arbitrary
FALSE_DISCOVERIES = 0.1
COUNTED = 8  # materials up to which p of ranks is counted over all orders
Z95 = 1.959964


@dataclasses.dataclass
class Correlations:
    """Tables [p][p] with the names of the descriptors on both sides."""

    method: str
    r: pd.DataFrame
    p: pd.DataFrame
    q: pd.DataFrame
    n: pd.DataFrame

    def pairs(self) -> pd.DataFrame:
        """A row for each pair: one, other, r, p, q, n; the strongest first."""
        i, j = np.triu_indices(len(self.r), 1)
        names = self.r.columns
        out = pd.DataFrame({"one": names[i], "other": names[j]})
        for key in ("r", "p", "q", "n"):
            out[key] = getattr(self, key).to_numpy()[i, j]
        order = out.r.abs().sort_values(ascending=False, kind="stable").index
        return out.loc[order].reset_index(drop=True)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """q of each test: the least over p_(k) m/k from its own rank k upwards; NaN stays and is not
    counted."""
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    m = int(known.sum())
    if m:
        order = np.argsort(p[known], kind="stable")
        scaled = p[known][order] * m / np.arange(1, m + 1)
        least = np.minimum.accumulate(scaled[::-1])[::-1]
        out = np.empty(m)
        out[order] = np.minimum(least, 1)
        q[known] = out
    return q


def ranks(x: np.ndarray, limits: Optional[np.ndarray] = None) -> np.ndarray:
    """Of values, or, where x is NaN, of upper limits; less the mean rank."""
    measured = np.isfinite(x)
    if limits is None or measured.all():
        return stats.rankdata(x) - (len(x) + 1) / 2
    values, tops = np.sort(x[measured]), np.sort(limits[~measured])
    smaller, larger = np.zeros(len(x)), np.empty(len(x))
    smaller[measured] = np.searchsorted(values, x[measured]) + np.searchsorted(tops, x[measured], "right")
    larger[measured] = len(values) - np.searchsorted(values, x[measured], "right")
    larger[~measured] = len(values) - np.searchsorted(values, limits[~measured])
    return (smaller - larger) / 2


class Column:
    """Of a table: what is correlated of it, in any choice of rows that have a number."""

    def __init__(self, table: pd.DataFrame, name: str, method: str, limits: Optional[pd.DataFrame]):
        self.x = table[name].to_numpy(float)
        self.method = method
        there = method == "spearman" and limits is not None and name in limits
        self.limits = limits[name].to_numpy(float) if there else np.full(len(self.x), np.nan)
        self.known = np.isfinite(self.x) | np.isfinite(self.limits)
        self._whole = self._of(self.known) if self.known.all() else None

    @property
    def constant(self) -> bool:
        """Of a column that is known everywhere."""
        return self._whole is not None and not np.ptp(self._whole)

    def _of(self, rows: np.ndarray) -> np.ndarray:
        return ranks(self.x[rows], self.limits[rows]) if self.method == "spearman" else self.x[rows]

    def at(self, rows: np.ndarray) -> np.ndarray:
        return self._whole if self._whole is not None and rows.all() else self._of(rows)


def two(one: Column, other: Column) -> tuple[float, float, int]:
    """r, p and n; r is NaN where fewer than three rows have both, or one is constant."""
    both = one.known & other.known
    a, b = one.at(both), other.at(both)
    r, n = product(a, b), len(a)
    if one.method == "spearman" and n <= COUNTED and np.isfinite(r):
        return r, counted(a, b), n
    return r, float(p_values(np.array(r), np.array(n))), n


def product(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of two columns without gaps."""
    n = len(x)
    if n < 3:
        return float("nan")
    a, b = x - x.mean(), y - y.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    # A constant leaves rounding errors only.
    if not norm > 1e-13 * n * max(abs(x).max(), 1e-300) * max(abs(y).max(), 1e-300):
        return float("nan")
    return float(np.clip(a @ b / norm, -1, 1))


def p_values(r: np.ndarray, n: np.ndarray) -> np.ndarray:
    r, n = np.asarray(r, float), np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(r) * np.sqrt((n - 2) / ((1 - r) * (1 + r)))
        return 2 * stats.t.sf(t, n - 2)


@functools.lru_cache(maxsize=None)
def _orders(n: int) -> np.ndarray:
    return np.array(list(itertools.permutations(range(n))))


def counted(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p of a.b among all orders of b; of few materials."""
    a, b = a - a.mean(), b - b.mean()
    products = np.abs(b[_orders(len(b))] @ a)
    return float(np.mean(products >= abs(a @ b) * (1 - 1e-9)))


def of(table: pd.DataFrame, method: str = "spearman", limits: Optional[pd.DataFrame] = None) -> Correlations:
    """Of all pairs of columns of [n][p] numbers; of Pearson's, limits are no part."""
    if method not in METHODS:
        raise IonwatchError(Status.INVALID, f"{method!r} is no correlation: one of {METHODS}")
    names = list(table.columns)
    m = len(names)
    r, n = np.eye(m), np.zeros((m, m), int)
    p, q = np.zeros((m, m)), np.zeros((m, m))
    columns = [Column(table, name, method, limits) for name in names]
    i, j = np.triu_indices(m, 1)
    for a, b in zip(i, j):
        r[a, b], p[a, b], n[a, b] = two(columns[a], columns[b])
    q[i, j] = benjamini_hochberg(p[i, j])
    for one in (r, p, q, n):
        one[j, i] = one[i, j]
    n[np.diag_indices(m)] = [one.known.sum() for one in columns]
    frames = [pd.DataFrame(one, names, names) for one in (r, p, q, n)]
    return Correlations(method, *frames)


def interval(r: np.ndarray, n: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """95 % of Fisher's z; for ranks with the wider error of Bonett and Wright 2000.  None of three
    materials, or where r is 1 or -1."""
    r, n = np.asarray(r, float), np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        wider = np.sqrt(1 + r**2 / 2) if method == "spearman" else 1.0
        error = np.where((n > 3) & (np.abs(r) < 1), wider / np.sqrt(n - 3), np.nan)
        z = np.arctanh(r)
        return np.tanh(z - Z95 * error), np.tanh(z + Z95 * error)


def ranking(table: pd.DataFrame, target: str, method: str = "spearman", limits: Optional[pd.DataFrame] = None) -> pd.DataFrame:
    """Of each column with the target, the strongest first: descriptor, r, ci95_lo, ci95_hi, p, q
    (over this list), n."""
    y = Column(table, target, method, limits)
    names = [name for name in table if name != target]
    rows = [two(Column(table, name, method, limits), y) for name in names]
    out = pd.DataFrame(rows, columns=["r", "p", "n"])
    out.insert(0, "descriptor", names)
    low, high = interval(out.r.to_numpy(), out.n.to_numpy(), method)
    out.insert(2, "ci95_lo", low)
    out.insert(3, "ci95_hi", high)
    out.insert(5, "q", benjamini_hochberg(out.p.to_numpy()))
    order = out.r.abs().sort_values(ascending=False, kind="stable").index
    return out.loc[order].reset_index(drop=True)
