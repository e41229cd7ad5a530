# SPDX-License-Identifier: GPL-3.0-or-later
"""A D that is only an upper limit, in the analyses of the landscape."""
import numpy as np
import pandas as pd
import pytest

import landscapes
import conftest  # noqa: F401
import ionwatch

for needed in ("scipy", "sklearn"):
    pytest.importorskip(needed)
from scipy import stats  # noqa: E402

from ionwatch.database import Database  # noqa: E402
from ionwatch.landscape import analyses, components, correlations, selection  # noqa: E402
from ionwatch.landscape.analyses import Settings  # noqa: E402
from ionwatch.landscape.selection import Rules  # noqa: E402


def larger(a, b):
    """Whether of two (value, limit), one of them NaN, the first is surely the larger."""
    (value, _), (other, limit) = a, b
    return value > other or value >= limit


def test_ranks_count_what_is_surely_smaller_and_larger():
    rng = np.random.default_rng(1)
    x = np.round(rng.lognormal(size=40), 1)  # with ties
    limit = np.where(rng.uniform(size=40) < 0.4, np.round(rng.lognormal(size=40), 1), np.nan)
    x[np.isfinite(limit)] = np.nan
    both = list(zip(x, limit))
    wanted = [sum(larger(a, b) - 1.0 * larger(b, a) for b in both) / 2 for a in both]
    np.testing.assert_allclose(correlations.ranks(x, limit), wanted)
    whole = np.round(rng.normal(size=40), 1)
    np.testing.assert_allclose(correlations.ranks(whole, np.full(40, np.nan)), stats.rankdata(whole) - 20.5)


def test_limits_bias_no_p_and_keep_more_of_a_relation_than_leaving_out():
    rng = np.random.default_rng(2)
    ps, kept, without = [], [], []
    for _ in range(150):
        x, noise, level = rng.normal(size=(3, 40))
        for y, out in ((noise, ps), (x + 0.7 * noise, kept)):
            below = y < level - 0.3  # each material has a detection limit of its own
            table = pd.DataFrame({"x": x, "y": np.where(below, np.nan, y)})
            limits = pd.DataFrame({"y": np.where(below, level - 0.3, np.nan)})
            out.append(correlations.ranking(table, "y", limits=limits).p[0])
            if out is kept:
                without.append(correlations.ranking(table, "y").p[0])
    assert stats.kstest(ps, "uniform").pvalue > 0.01
    assert np.median(kept) < 0.3 * np.median(without)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Twelve materials: D of six is a value, of five a limit, of one unknown."""
    path = landscapes.empty(tmp_path_factory.mktemp("limits"))
    runs = []
    for i in range(12):
        D = (10.0**-i, 0.5 * 10.0**-i, 2 * 10.0**-i) if i < 6 else (3e-9 * i, 0.0, 1e-4 if i == 6 else 1e-7)
        runs.append({"material": f"M{i:02d}", "mobile": ["Li"], "temperature_K": 500.0,
                     "numbers": {"all": {"omega_mean_meV": 30.0 + i, "s_vib_meV_K": float(i * i % 7), "D_cm2_s": (1.0, 0.0, 2.0)},
                                 "mobile": {"D_cm2_s": D} if i < 11 else {}}})  # fmt: skip
    landscapes.write(path, runs)
    with Database(str(path)) as db:
        return selection.read(db)


def test_a_limit_is_no_value_and_is_listed_as_a_limit(samples):
    chosen = selection.materials(samples, Rules())
    D = chosen.numbers.D_cm2_s
    np.testing.assert_allclose(D[:6], 10.0 ** -np.arange(6))
    assert D[6:].isna().all() and list(chosen.limits.D_cm2_s[6:11]) == [1e-4] + 4 * [1e-7] and chosen.limits.D_cm2_s.isna().sum() == 7
    assert "D_cm2_s of 5 of 12 runs is no value but an upper limit: its 95 % interval reaches zero" in chosen.rules
    assert chosen.complete().materials == 11  # a limit is no missing value,
    assert chosen.values().complete().materials == 6  # but where a value is needed
    shown = analyses.select(samples, Settings()).tables["selection"]
    assert shown.D_cm2_s_below.notna().sum() == 5
    fitted = selection.materials(samples, Rules(as_values=True))
    assert fitted.numbers.D_cm2_s[7] == 3e-9 * 7 and fitted.limits.empty and not any("upper limit" in rule for rule in fitted.rules)


def test_analyses_rank_limits_or_leave_them_out(samples):
    ranked = analyses.correlate(samples, Settings()).tables["ranking"].set_index("descriptor")
    # By hand: M06, below 1e-4, is undecided against M05 with 1e-5 and below M04 with 1e-4.
    scores = [5, 4, 3, 2, 1, -0.5, -2.5, -3, -3, -3, -3]
    assert ranked.n.omega_mean_meV == 11
    assert ranked.r.omega_mean_meV == pytest.approx(np.corrcoef(scores, np.arange(11))[0, 1])
    assert analyses.correlate(samples, Settings(correlation="pearson")).tables["ranking"].n.eq(6).all()
    assert len(analyses.reduce(samples, Settings()).tables["scores"]) == 11
    populations = analyses.cluster(samples, Settings(clusters=2)).tables["populations"].set_index("cluster")
    assert populations["median D_cm2_s"].isna().any()
    found = analyses.regress(samples, Settings(models=("mean",)))
    assert len(found.tables["predictions_d_cm2_s"]) == 6
    assert "6 samples without a value of D_cm2_s, or with an upper limit only: left out" in found.said
    # D is no descriptor of another target: its limits cost no samples there.
    other = analyses.regress(samples, Settings(target="omega_mean_meV", models=("mean",)))
    assert len(other.tables["predictions_omega_mean_mev"]) == 12


def test_limits_alone_are_nothing_to_go_by(samples):
    rows = samples.table[6:11]
    only = selection.Samples(rows, samples.columns, samples.label, samples.conventions, samples.limits.loc[rows.index])
    with pytest.raises(ionwatch.IonwatchError, match="no D_cm2_s to go by among 5 runs of 5 materials: upper limits only"):
        analyses.correlate(only, Settings(target="D_cm2_s"))
    # One value below all limits is in no order with them: no column for components.
    x = pd.DataFrame({"D": [1e-9, np.nan, np.nan, np.nan], "w": [1.0, 2, 3, 5], "v": [2.0, 1, 5, 3]})
    limits = pd.DataFrame({"D": [np.nan, 1e-6, 1e-6, 1e-7]})
    assert correlations.Column(x, "D", "spearman", limits).constant
    assert not correlations.of(x, "spearman", limits).r.loc["D"].drop("D").notna().any()
    limits.D *= 1e-4
    assert np.isfinite(components.of(x, "spearman", limits=limits).scores.to_numpy()).all()
