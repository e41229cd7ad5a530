# SPDX-License-Identifier: BSD-3-Clause
"""k-means of materials in the space of the first principal components.

The number of clusters, unless it is given: the one with the largest mean silhouette among 2 to 10,
and to n - 1.  The elbow, told beside it: where the curve of the summed squared distances is
farthest below the line from its first to its last point, both axes scaled to one.  k-means divides
a cloud without structure too: a largest silhouette of at most 0.25 means that there is none (Kaufman and
Rousseeuw 1990).
"""
from __future__ import annotations

import dataclasses
from typing import Optional

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from ..errors import IonwatchError, Status

MOST = 10
STARTS = 20  # of k-means: the best of so many is taken
SILHOUETTES = 2000  # materials that a silhouette is taken over, chosen by the seed where there are more
NO_STRUCTURE = 0.25


@dataclasses.dataclass
class Clusters:
    space: list[str]  # components: PC1, PC2
    table: pd.DataFrame  # k, inertia, silhouette
    chosen: int
    elbow: int
    rule: str  # how `chosen` was chosen
    labels: pd.Series  # of each material: 1, 2, ... from the left in the first component
    centres: pd.DataFrame  # [k][components]
    populations: pd.DataFrame  # [k][families] numbers of materials
    rand: float  # adjusted Rand index of clusters and families: 1 the same, 0 as by chance

    @property
    def structured(self) -> bool:
        return bool(self.table.silhouette.max() > NO_STRUCTURE)


def elbow_of(table: pd.DataFrame) -> int:
    k, inertia = table.k.to_numpy(float), table.inertia.to_numpy(float)
    if len(k) < 3 or inertia[0] <= inertia[-1]:
        return int(k[0])
    x = (k - k[0]) / (k[-1] - k[0])
    y = (inertia - inertia[-1]) / (inertia[0] - inertia[-1])
    return int(k[np.argmax(1 - x - y)])


def of(scores: pd.DataFrame, family: pd.Series, k: Optional[int] = None, seed: int = 1) -> Clusters:
    """scores [n][2 or 3]; family [n]."""
    x = scores.to_numpy(float)
    different = len(np.unique(x, axis=0))
    most = min(max(MOST, k or 0), different - 1)
    if most < 2:
        raise IonwatchError(Status.NOT_FOUND, f"clusters need three different materials, here are {different}")
    if k is not None and k > most:
        raise IonwatchError(Status.INVALID, f"{k} clusters of {different} different materials: at most {most}")
    fits, rows = {}, []
    for count in range(1, most + 1):
        fit = KMeans(n_clusters=count, n_init=STARTS, random_state=seed).fit(x)
        fits[count] = fit
        width = np.nan
        if count > 1:
            size = SILHOUETTES if len(x) > SILHOUETTES else None
            width = silhouette_score(x, fit.labels_, sample_size=size, random_state=seed)
        rows.append((count, fit.inertia_, width))
    table = pd.DataFrame(rows, columns=["k", "inertia", "silhouette"])
    rule = "as asked"
    if k is None:
        k = int(table.k[table.silhouette.idxmax()])
        rule = f"the largest mean silhouette among 2 to {most}"
    fit = fits[k]
    order = np.argsort(fit.cluster_centers_[:, 0], kind="stable")
    number = np.empty(k, int)
    number[order] = np.arange(1, k + 1)
    labels = pd.Series(number[fit.labels_], scores.index, name="cluster")
    centres = pd.DataFrame(fit.cluster_centers_[order], range(1, k + 1), scores.columns)
    centres.index.name = "cluster"
    populations = pd.crosstab(labels, family)
    return Clusters(list(scores.columns), table, k, elbow_of(table), rule, labels, centres, populations,
                    float(adjusted_rand_score(family, labels)))  # fmt: skip
