# SPDX-License-Identifier: BSD-3-Clause
"""Principal components of a landscape.

As the paper: eigenvectors of the Spearman correlation matrix, which is PCA of the standardised
ranks (with upper limits: of Gehan's scores, see correlations.py); "pearson" is PCA of the standardised values.  Numbers are standardised with the standard
deviation over n.  Of a component c with eigenvector v: eigenvalue = variance of the scores,
fraction = eigenvalue over the number of descriptors (the paper's marginal variance), contribution of a
descriptor in % = 100 v^2, score of a material = its standardised numbers times v.

An eigenvector has no sign; here its largest member is positive, the first of several.
"""
from __future__ import annotations

import dataclasses

from typing import Optional

import numpy as np
import pandas as pd

from .correlations import Column

SHUFFLES = 100  # of the columns, for the eigenvalues that chance gives


@dataclasses.dataclass
class Components:
    """p components of n materials and p descriptors: PC1, PC2, ..."""

    method: str
    table: pd.DataFrame  # [p] eigenvalue, fraction, cumulative, chance (95 % of shuffled columns)
    loadings: pd.DataFrame  # [p descriptors][p components], of length 1
    scores: pd.DataFrame  # [n][p]

    @property
    def contributions(self) -> pd.DataFrame:
        """In % of each component."""
        return 100 * self.loadings**2

    @property
    def above_chance(self) -> int:
        """How many of the first components are larger than shuffled columns give (Horn 1965)."""
        larger = (self.table.eigenvalue > self.table.chance).to_numpy()
        return int(larger.size if larger.all() else np.argmin(larger))


def standardised(table: pd.DataFrame, method: str, limits: Optional[pd.DataFrame] = None) -> np.ndarray:
    """[n][p] values or ranks, of mean 0 and variance 1."""
    columns = [Column(table, name, method, limits) for name in table]
    x = np.column_stack([one.at(one.known) for one in columns])
    x = x - x.mean(axis=0)
    return x / np.sqrt((x**2).mean(axis=0))


def of(table: pd.DataFrame, method: str = "spearman", seed: int = 1, limits: Optional[pd.DataFrame] = None) -> Components:
    """Of [n][p] numbers without gaps, but for limits, and without constant columns."""
    z = standardised(table, method, limits)
    n, p = z.shape
    values, vectors = np.linalg.eigh(z.T @ z / n)
    values, vectors = np.where(values < 1e-12 * p, 0, values)[::-1], vectors[:, ::-1]
    # Members that differ by rounding only are equally large.
    size = np.abs(vectors)
    largest = np.argmax(size >= size.max(axis=0) * (1 - 1e-9), axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(p)] < 0, -1, 1)
    rng = np.random.default_rng(seed)
    shuffled = np.empty((SHUFFLES, p))
    for one in shuffled:
        y = rng.permuted(z, axis=0)
        one[:] = np.linalg.eigvalsh(y.T @ y / n)[::-1]
    names = [f"PC{i + 1}" for i in range(p)]
    fractions = values / p
    about = pd.DataFrame(
        {
            "eigenvalue": values,
            "fraction": fractions,
            "cumulative": fractions.cumsum(),
            "chance": np.quantile(shuffled, 0.95, axis=0),
        },
        index=names,
    )
    return Components(
        method,
        about,
        pd.DataFrame(vectors, table.columns, names),
        pd.DataFrame(z @ vectors, table.index, names),
    )
