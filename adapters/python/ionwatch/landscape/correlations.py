# SPDX-License-Identifier: BSD-3-Clause
"""Pearson's and Spearman's correlations of descriptors, with what they are worth.

r: Pearson's; Spearman's is Pearson's of the ranks, equal values sharing their mean rank.  Each pair
is taken over the materials that have both numbers; n says how many.
p: two-sided, from t = r sqrt((n - 2)/(1 - r^2)) with n - 2 degrees of freedom: exact for normal
data and Pearson, an approximation for ranks that is poor for less than ten materials.
q: Benjamini and Hochberg 1995 over all tests of the table: among those called significant at
q < 0.1 one expects at most 10 % that are not.
"""
from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import IonwatchError, Status

METHODS = ("spearman", "pearson")
PAPER_P = 0.2  # the paper's threshold, which it calls arbitrary
FALSE_DISCOVERIES = 0.1
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


def two(x: np.ndarray, y: np.ndarray, method: str) -> tuple[float, int]:
    """r and n of two columns; r is NaN where fewer than three rows have both, or one is constant."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if method == "spearman":
        x, y = stats.rankdata(x), stats.rankdata(y)
    return product(x, y), len(x)


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


def of(table: pd.DataFrame, method: str = "spearman") -> Correlations:
    """Of all pairs of columns of [n][p] numbers."""
    if method not in METHODS:
        raise IonwatchError(Status.INVALID, f"{method!r} is no correlation: one of {METHODS}")
    names = list(table.columns)
    m = len(names)
    r, n = np.eye(m), np.zeros((m, m), int)
    p, q = np.zeros((m, m)), np.zeros((m, m))
    columns = table.to_numpy(float).T
    full = np.isfinite(columns).all(axis=1)
    # Ranks of a column without gaps are the same in every pair with another.
    ranked = [stats.rankdata(c) if whole and method == "spearman" else c for c, whole in zip(columns, full)]
    i, j = np.triu_indices(m, 1)
    for a, b in zip(i, j):
        if full[a] and full[b]:
            r[a, b], n[a, b] = product(ranked[a], ranked[b]), len(table)
        else:
            r[a, b], n[a, b] = two(columns[a], columns[b], method)
    p[i, j] = p_values(r[i, j], n[i, j])
    q[i, j] = benjamini_hochberg(p[i, j])
    for one in (r, p, q, n):
        one[j, i] = one[i, j]
    n[np.diag_indices(m)] = np.isfinite(columns).sum(axis=1)
    frames = [pd.DataFrame(one, names, names) for one in (r, p, q, n)]
    return Correlations(method, *frames)


def interval(r: np.ndarray, n: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """95 % of Fisher's z; for ranks with the wider error of Bonett and Wright 2000."""
    r, n = np.asarray(r, float), np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        wider = np.sqrt(1 + r**2 / 2) if method == "spearman" else 1.0
        error = np.where(n > 3, wider / np.sqrt(n - 3), np.nan)
        z = np.arctanh(r)
        return np.tanh(z - Z95 * error), np.tanh(z + Z95 * error)


def ranking(table: pd.DataFrame, target: str, method: str = "spearman") -> pd.DataFrame:
    """Of each column with the target, the strongest first: descriptor, r, ci95_lo, ci95_hi, p, q
    (over this list), n."""
    y = table[target].to_numpy(float)
    names = [name for name in table if name != target]
    rows = [two(table[name].to_numpy(float), y, method) for name in names]
    out = pd.DataFrame(rows, columns=["r", "n"])
    out.insert(0, "descriptor", names)
    low, high = interval(out.r.to_numpy(), out.n.to_numpy(), method)
    out.insert(2, "ci95_lo", low)
    out.insert(3, "ci95_hi", high)
    out.insert(4, "p", p_values(out.r.to_numpy(), out.n.to_numpy()))
    out.insert(5, "q", benjamini_hochberg(out.p.to_numpy()))
    order = out.r.abs().sort_values(ascending=False, kind="stable").index
    return out.loc[order].reset_index(drop=True)
