# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planted is found, as often as is said, and of nothing but chance nothing is."""
import numpy as np
import pandas as pd
import pytest

import landscapes
import conftest  # noqa: F401

for needed in ("scipy", "sklearn"):
    pytest.importorskip(needed)
from scipy import stats  # noqa: E402

from ionwatch.database import Database  # noqa: E402
from ionwatch.landscape import clusters, components, correlations, selection  # noqa: E402
from ionwatch.landscape.selection import Rules  # noqa: E402


# ---- correlations ----


def normal(rng, n, rho):
    """Two columns [n] of a correlation."""
    x, y = rng.normal(size=(2, n))
    return x, rho * x + np.sqrt(1 - rho**2) * y


@pytest.mark.parametrize("rho", [-0.8, -0.3, 0.0, 0.6])
def test_a_planted_correlation_is_found_and_its_interval_covers_as_often_as_it_says(rho):
    rng = np.random.default_rng(2)
    of_ranks = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's of normal data (Pearson 1907)
    for method, true in (("pearson", rho), ("spearman", of_ranks)):
        found = []
        for _ in range(300):
            x, y = normal(rng, 40, rho)
            if method == "spearman":
                x, y = correlations.ranks(x), correlations.ranks(y)
            found.append(correlations.product(x, y))
        low, high = correlations.interval(np.array(found), np.full(300, 40), method)
        # The bias of r is -r (1 - r^2)/2n.
        assert np.mean(found) == pytest.approx(true, abs=4 * np.std(found) / np.sqrt(300) + 0.01)
        assert 0.91 < np.mean((low < true) & (true < high)) < 0.985


def false_discoveries(planted, repeats=150, columns=20, n=50):
    """Of rankings against D that `planted` of the columns know: the part of q < 0.1 that is chance, and of
    what is planted the part that is found, in each; and all p of chance."""
    rng = np.random.default_rng(5)
    names = [f"c{i}" for i in range(columns)]
    wrong, found, ps = [], [], []
    for _ in range(repeats):
        x = rng.normal(size=(n, columns))
        D = x[:, :planted].sum(axis=1) + rng.normal(size=n) * 0.5
        ranked = correlations.ranking(pd.DataFrame(x, columns=names).assign(D=D), "D").set_index("descriptor")
        called = ranked.q < 0.1
        true = called.index.isin(names[:planted])
        wrong.append((called & ~true).sum() / max(called.sum(), 1))
        found.append((called & true).sum() / max(planted, 1))
        ps += list(ranked.p[~true])
    return np.array(wrong), np.array(found), np.array(ps)


def test_of_nothing_but_chance_one_list_in_ten_has_a_discovery_and_p_is_what_it_says():
    wrong, _, ps = false_discoveries(0)
    # All that is called is false then: the rate is the part of lists with any, 10 % of 150.
    assert 4 <= np.count_nonzero(wrong) <= 29
    for level in (0.01, 0.05, 0.2):  # 0.2 is the paper's: of chance it takes a fifth
        assert np.mean(ps < level) == pytest.approx(level, abs=4 * np.sqrt(level / len(ps)))


def test_beside_what_is_planted_at_most_a_tenth_is_chance_and_the_planted_is_found():
    wrong, found, _ = false_discoveries(4)
    assert 0.04 < wrong.mean() < 0.11  # 10 % times the part of columns that are chance
    assert found.mean() > 0.7


# ---- components and clusters ----


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_the_planted_dimension_is_found(dimension):
    rng = np.random.default_rng(dimension)
    loadings = np.kron(np.eye(dimension), np.ones((1, 4)))  # four descriptors know each factor
    x = rng.normal(size=(80, dimension)) @ loadings + 0.5 * rng.normal(size=(80, 4 * dimension))
    found = components.of(pd.DataFrame(x))
    assert found.above_chance == dimension
    assert found.table.fraction[:dimension].sum() > 0.7


def test_noise_has_no_dimension_and_no_clusters():
    noise = pd.DataFrame(np.random.default_rng(3).normal(size=(100, 12)))
    found = components.of(noise)
    assert found.above_chance <= 1  # one eigenvalue in twenty is above 95 %
    space = found.scores[["PC1", "PC2", "PC3"]]
    groups = clusters.of(space, pd.Series(["Li", "Na"] * 50))
    assert groups.table.silhouette.max() < 0.35 and abs(groups.rand) < 0.1


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_the_planted_number_of_clusters_and_their_members_are_found(count):
    rng = np.random.default_rng(count)
    angle = 2 * np.pi * np.arange(count) / count
    member = np.arange(20 * count) % count
    x = 6 * np.c_[np.cos(angle), np.sin(angle)][member] + rng.normal(size=(20 * count, 2)) * 0.8
    groups = clusters.of(pd.DataFrame(x, columns=["PC1", "PC2"]), pd.Series(["Li", "O"] * (10 * count)))
    assert groups.chosen == count and groups.structured
    assert (pd.crosstab(groups.labels.to_numpy(), member).to_numpy() > 0).sum() == count


# ---- from a database ----


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    path = landscapes.empty(folder)
    runs, factors, cluster = landscapes.planted(45, temperatures=(400, 500))
    landscapes.write(path, runs)
    with Database(str(path)) as db:
        return selection.read(db), factors, cluster


def test_planted_factors_and_clusters_are_recovered(database):
    samples, factors, cluster = database
    chosen = selection.materials(samples, Rules(temperature_K=500)).complete()
    assert chosen.materials == 45
    ranked = correlations.ranking(chosen.numbers, "D_cm2_s")
    assert ranked.descriptor[0].startswith(("omega_mean", "f_vib")) and ranked.r[0] < -0.9
    found = components.of(chosen.numbers)
    assert abs(stats.spearmanr(found.scores.PC1, factors[:, 0])[0]) > 0.95
    assert abs(stats.spearmanr(found.scores.PC2, factors[:, 1])[0]) > 0.6
    groups = clusters.of(found.scores[["PC1", "PC2"]], chosen.about.family)
    assert groups.chosen == 3
    crossed = pd.crosstab(groups.labels.to_numpy(), cluster)
    assert (crossed.to_numpy() > 0).sum() == 3  # each planted cluster is one of them
    assert abs(groups.rand) < 0.15  # families were given at random
