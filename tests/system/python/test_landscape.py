# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of the landscape against SciPy, scikit-learn and closed forms."""
import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

import landscapes
import conftest  # noqa: F401
import ionwatch

for needed in ("scipy", "sklearn"):
    pytest.importorskip(needed)
from scipy import stats  # noqa: E402
from sklearn.cluster import KMeans  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.kernel_ridge import KernelRidge  # noqa: E402
from sklearn.metrics import silhouette_score  # noqa: E402
from sklearn.model_selection import KFold, cross_val_predict  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from ionwatch.database import Database  # noqa: E402
from ionwatch.landscape import catalogue, clusters, components, correlations, regression, selection  # noqa: E402
from ionwatch.landscape.selection import Rules  # noqa: E402


def table(n=40, p=6, seed=1, gaps=0, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    if ties:
        x = np.round(x)
    for i, j in zip(rng.integers(0, n, gaps), rng.integers(0, p, gaps)):
        x[i, j] = np.nan
    return pd.DataFrame(x, columns=[f"c{i}" for i in range(p)])


# ---- correlations ----


@pytest.mark.parametrize("options", [{}, {"ties": True}, {"gaps": 30}, {"gaps": 30, "ties": True}])
def test_r_and_p_are_those_of_scipy_with_ties_and_gaps(options):
    x = table(**options)
    for method, theirs in (("spearman", stats.spearmanr), ("pearson", stats.pearsonr)):
        found = correlations.of(x, method)
        for one in x:
            for other in x:
                both = x[[one, other]].dropna().to_numpy()
                assert found.n.loc[one, other] == len(both)
                if one != other:
                    r, p = theirs(both[:, 0], both[:, 1])
                    np.testing.assert_allclose([found.r.loc[one, other], found.p.loc[one, other]], [r, p], rtol=1e-9, atol=1e-12)
        pairs = found.pairs()
        assert len(pairs) == 15 and (pairs.r.abs().diff().dropna() <= 0).all()


@pytest.mark.parametrize("options", [{"n": 4}, {"n": 6, "ties": True}, {"n": 8, "gaps": 4}])
def test_p_of_few_materials_is_counted_as_scipy_counts_it(options):
    found = correlations.of(table(p=3, **options))
    for one, other in (("c0", "c1"), ("c0", "c2"), ("c1", "c2")):
        both = table(p=3, **options)[[one, other]].dropna().to_numpy()
        r = stats.spearmanr(both)[0]
        assert found.r.loc[one, other] == pytest.approx(r)
        if len(both) < 8:  # SciPy goes through all orders, too, and takes its time
            theirs = stats.permutation_test((both[:, 0],), lambda x: stats.spearmanr(x, both[:, 1])[0], permutation_type="pairings", n_resamples=np.inf)
            assert found.p.loc[one, other] == pytest.approx(theirs.pvalue)
    # Of four materials in order one of twelve is as far: SciPy's t gives p = 0.
    assert correlations.ranking(pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 3, 9, 27]}), "b").p[0] == pytest.approx(2 / 24)


def test_what_is_constant_or_too_short_has_no_r():
    x = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [0.1 + 0.2] * 4, "c": [1.0, np.nan, np.nan, 2]})
    found = correlations.of(x)
    assert found.r.isna().loc["a", "b"] and found.r.isna().loc["a", "c"] and found.q.isna().loc["a", "b"]
    assert found.n.loc["a", "c"] == 2


def test_q_is_benjamini_and_hochbergs_by_hand():
    # m p_(k)/k: 0.04, 0.05, 0.0533.., 0.05, 0.9; the least from each rank upwards.
    p = np.array([0.9, 0.01, 0.02, np.nan, 0.032, 0.04])
    np.testing.assert_allclose(correlations.benjamini_hochberg(p), [0.9, 0.05, 0.05, np.nan, 0.05, 0.05], rtol=1e-12)
    q = correlations.benjamini_hochberg(np.random.default_rng(1).uniform(size=1000))
    assert (q < 0.1).sum() == 0  # of nothing but chance nothing stays


# ---- components and clusters ----


def test_components_are_those_of_scikit_learn_on_the_same_matrix():
    x = table(n=50, p=7)
    for method in correlations.METHODS:
        z = x.rank() if method == "spearman" else x
        theirs = PCA().fit(StandardScaler().fit_transform(z))
        found = components.of(x, method)
        np.testing.assert_allclose(found.table.eigenvalue, theirs.explained_variance_ * 49 / 50, rtol=1e-9)
        np.testing.assert_allclose(found.table.fraction, theirs.explained_variance_ratio_, rtol=1e-9)
        np.testing.assert_allclose(np.abs(found.loadings), np.abs(theirs.components_.T), atol=1e-9)


def test_eigenvectors_take_the_matrix_apart_and_have_a_stated_sign():
    x = table(n=30, p=8, ties=True)
    found = components.of(x)
    v, values = found.loadings.to_numpy(), found.table.eigenvalue.to_numpy()
    r = stats.spearmanr(x.to_numpy())[0]
    np.testing.assert_allclose(v @ np.diag(values) @ v.T, r, atol=1e-12)
    np.testing.assert_allclose(v.T @ v, np.eye(8), atol=1e-12)
    assert found.table.cumulative.iloc[-1] == pytest.approx(1) and values.sum() == pytest.approx(8)
    np.testing.assert_allclose(found.contributions.sum(), 100)
    np.testing.assert_allclose((found.scores**2).mean(), values, atol=1e-12)
    assert (v[np.abs(v).argmax(axis=0), np.arange(8)] > 0).all()
    flipped = components.of(-x)
    np.testing.assert_allclose(np.abs(flipped.loadings), np.abs(v), atol=1e-9)


def test_clusters_are_those_of_scikit_learn_and_the_planted_number_is_found():
    rng = np.random.default_rng(4)
    centres = np.array([(0, 0), (6, 0), (0, 6), (6, 6)])
    x = np.repeat(centres, 15, axis=0) + rng.normal(size=(60, 2))
    scores = pd.DataFrame(x, columns=["PC1", "PC2"])
    family = pd.Series(np.repeat(["Li", "Na", "O", "Li"], 15))
    found = clusters.of(scores, family, seed=7)
    assert found.chosen == found.elbow == 4 and found.structured
    for row in found.table.itertuples():
        theirs = KMeans(row.k, n_init=clusters.STARTS, random_state=7).fit(x)
        assert row.inertia == pytest.approx(theirs.inertia_)
        if row.k > 1:
            assert row.silhouette == pytest.approx(silhouette_score(x, theirs.labels_))
    assert found.populations.to_numpy().sum() == 60 and sorted(found.populations.sum(axis=1)) == [15] * 4
    assert found.centres.PC1.is_monotonic_increasing
    assert clusters.of(scores, family, 3).rule == "as asked"
    with pytest.raises(ionwatch.IonwatchError, match="three different"):
        clusters.of(scores.iloc[[0, 0, 1]], family[:3])
    with pytest.raises(ionwatch.IonwatchError, match="at most 59"):
        clusters.of(scores, family, 70)


def test_the_elbow_is_where_the_curve_bends():
    k = np.arange(1, 8)
    assert clusters.elbow_of(pd.DataFrame({"k": k, "inertia": [100, 60, 20, 16, 12, 8, 4]})) == 3
    assert clusters.elbow_of(pd.DataFrame({"k": [1, 2], "inertia": [5, 1]})) == 1


# ---- which runs, which columns ----


def with_runs(folder, *runs):
    path = landscapes.empty(folder)
    base = {"material": "A", "mobile": ["Li"], "temperature_K": 500.0, "numbers": {"all": {"omega_mean_meV": 1.0}}}
    landscapes.write(path, [{**base, **run} for run in runs])
    return str(path)


def test_one_run_a_material_the_nearest_then_the_longest(folder):
    path = with_runs(folder, {"name": "far", "temperature_K": 440.0, "time_ps": 900.0}, {"name": "short", "temperature_K": 510.0, "time_ps": 5.0},
                     {"name": "long", "temperature_K": 490.0, "time_ps": 50.0}, {"name": "lost", "state": "lost"},
                     {"name": "hot", "temperature_K": 601.0}, {"name": "edge", "material": "B", "temperature_K": 600.0, "mobile": ["Cu"]},
                     {"name": "none", "material": None}, {"name": "cold", "material": "C", "temperature_K": None})  # fmt: skip
    with Database(path) as db:
        samples = selection.read(db)
    chosen = selection.materials(samples, Rules(temperature_K=500))
    assert list(chosen.about.name) == ["long", "edge"] and list(chosen.about.family) == ["Li", "Ag/Cu"]
    whys = dict(zip(chosen.runs_left_out.name, chosen.runs_left_out.why))
    assert whys == {"far": "beside a nearer or longer run of the material", "short": "beside a nearer or longer run of the material",
                    "lost": "not finished: lost", "hot": "outside 500 +- 100 K", "none": "without a material", "cold": "without a temperature"}  # fmt: skip
    assert "lost" in list(selection.materials(samples, Rules(500, all_states=True)).about.name)
    assert list(selection.materials(samples, Rules(500, family="ag")).about.name) == ["edge"]
    assert selection.materials(samples, Rules()).temperature_K == 600  # at 510 K both materials, too, but farther
    with pytest.raises(ionwatch.IonwatchError, match="no family 'Mg'"):
        selection.materials(samples, Rules(family="Mg"))
    with pytest.raises(ionwatch.IonwatchError, match=r"at least 4 materials, and 2 are left of 8 runs \(.*1 without a temperature"):
        chosen.need(4, "correlations")
    assert list(selection.temperatures(samples, Rules()).about.name) == ["far", "long", "short", "hot", "edge"]


def test_columns_that_say_nothing_are_left_out_with_the_reason(folder):
    def numbers(i):
        own = {"omega_mean_meV": 30 + i, "e_vib_meV": 2 * (30 + i) + 5, "c_v_meV_K": 0.08, "s_vib_meV_K": i**2}
        if i < 3:
            own["f_vib_meV"] = float(i)
        return {"all": own, "mobile": {"D_cm2_s": 10.0**-i} if i else {}}

    path = with_runs(folder, *({"material": f"M{i}", "numbers": numbers(i)} for i in range(6)))
    with Database(path) as db:
        chosen = selection.materials(selection.read(db), Rules())
    assert list(chosen.numbers) == ["D_cm2_s", "omega_mean_meV", "s_vib_meV_K"]
    whys = dict(zip(chosen.columns_left_out.descriptor, chosen.columns_left_out.why))
    assert whys["e_vib_meV"] == "the same as omega_mean_meV, up to a factor and a constant"
    assert whys["c_v_meV_K"] == "constant: 0.08" and whys["f_vib_meV"] == "3 of 6 values are missing"
    assert whys["omega_mean_meV_nd"] == "no value at all"
    assert chosen.complete().materials == 5 and "lacks D_cm2_s" in list(chosen.complete().runs_left_out.why)
    with Database(path) as db:
        more = selection.materials(selection.read(db), Rules(missing=0.5, without=("omega_mean_meV",)))
    assert list(more.numbers) == ["D_cm2_s", "e_vib_meV", "f_vib_meV", "s_vib_meV_K"]


def test_properties_of_a_material_are_those_of_its_runs_and_harmonic(folder):
    rng = np.random.default_rng(1)
    path = with_runs(folder, *({"material": f"M{i}", "temperature_K": T, "numbers": {"all": {"omega_mean_meV": rng.uniform(20, 40)},
                                "mobile": {"D_cm2_s": i + 1e-3 * T}}} for i in range(8) for T in (400.0, 500.0)))  # fmt: skip
    for i in range(8):
        landscapes.give(path, f"M{i}", "imported", "imported", band_gap_eV=float(i))
        landscapes.give(path, f"M{i}", "elastic", "mechanical", pugh_ratio=0.5 + i**2)
        landscapes.give(path, f"M{i}", "perfect", "structural", space_group_number=225.0 if i % 2 else 136.0, symmetry_tolerance_A=1e-5 * i)
    with Database(path) as db:
        samples = selection.read(db)
    chosen = selection.temperatures(samples, Rules())
    assert list(chosen.numbers) == ["D_cm2_s", "omega_mean_meV", "pugh_ratio", "band_gap_eV"]
    assert list(chosen.numbers.band_gap_eV[chosen.about.material == "M5"]) == [5, 5]
    assert list(chosen.words.space_group_number[:4]) == ["136", "136", "225", "225"]
    assert list(regression.features(chosen, "D_cm2_s", "harmonic")) == ["pugh_ratio", "band_gap_eV", "temperature_K", "space_group_number"]
    found = regression.of(chosen, "D_cm2_s", ["kernel-ridge"])
    error = found.errors.set_index(["set", "model"]).mape
    assert error["harmonic", "kernel-ridge"] < 0.5 * error["harmonic", "mean"]


def test_what_is_read_is_what_the_wide_view_has():
    """Of a real database, in columns: by group, of the run, and in the order of its sources."""
    with Database(str(conftest.SOURCE / "docs" / "campaign" / "campaign.db")) as db:
        samples = selection.read(db, "both", ("haven_ratio", "conductivity_mS_cm"))
        wide = db.descriptors(group=None).set_index(["run", "group"])
    assert len(samples.table) >= 48 and {"haven_ratio", "bulk_modulus_GPa", "paper_c_v_meV_K_nd", "density_g_cm3"} <= set(samples.columns)
    for name, d in samples.columns.items():
        theirs = wide[d.column].xs(d.group or "all", level="group").reindex(samples.table.run).astype(float)
        np.testing.assert_array_equal(samples.table[name], theirs, err_msg=name)


def test_methods_are_never_mixed_unless_asked(folder):
    path = with_runs(folder, *({"material": f"M{i}", "numbers": {"all": {"omega_mean_meV": 30.0 + i}},
                                "paper": {"all": {"omega_mean_meV": 40.0 + i**2}} if i % 2 else {},
                                "velocity_source": "engine" if i else "finite differences"} for i in range(6)))  # fmt: skip
    with Database(path) as db:
        physical, paper, both = (selection.read(db, method) for method in ("physical", "paper", "both"))
    chosen = selection.materials(physical, Rules())
    assert list(chosen.numbers.omega_mean_meV) == [30, 31, 32, 33, 34, 35]
    assert any("velocity_source differs (engine: 5 runs, finite differences: 1 runs)" in rule for rule in chosen.rules)
    chosen = selection.materials(paper, Rules(method="paper", missing=0.5))
    assert list(chosen.numbers) == ["paper_omega_mean_meV"]
    assert list(chosen.numbers.paper_omega_mean_meV.dropna()) == [41, 49, 65]
    chosen = selection.materials(both, Rules(method="both", missing=0.5))
    assert list(chosen.numbers) == ["omega_mean_meV", "paper_omega_mean_meV"]


def test_the_catalogue_says_what_belongs_to_a_group_and_what_to_the_run():
    rows = [{"key": key, "symbol": "X", "unit": "1", "category": category, "definition": ""}
            for key, category in (("D_cm2_s", "diffusive"), ("alpha", "diffusive"), ("haven_ratio", "transport"),
                                  ("c_v_meV_K", "vibrational"), ("bulk_GPa", "mechanical"), ("space_group_number", "structural"))]  # fmt: skip
    names = [d.name for d in catalogue.descriptors("physical", rows=rows)]
    assert names == ["D_cm2_s", "c_v_meV_K", "c_v_meV_K_nd", "c_v_meV_K_d", "bulk_GPa", "space_group_number"]
    asked = catalogue.descriptors("paper", ["alpha"], rows)
    assert [d.name for d in asked if d.category == "diffusive"] == ["D_cm2_s", "alpha"]
    assert [d.column for d in asked if d.category == "vibrational"] == ["paper_c_v_meV_K"] * 3
    assert [d.name for d in asked if d.is_name] == ["space_group_number"]


def test_no_two_descriptors_of_a_group_share_a_label():
    rows = [row for row in ionwatch.program.ask_json("explain", "--catalogue")]
    assert catalogue.markup("rho") == "ρ" and catalogue.markup("alpha_C") == r"α$_\mathrm{C}$"
    labels = [catalogue.markup(row["symbol"]) for row in rows if row["category"] != "vibrational"]
    assert len(labels) == len(set(labels))


# ---- regression ----


def leaky(materials=30, seed=3):
    """Descriptors that name the material and say nothing about any other: 4 temperatures of each."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"M{i}" for i in range(materials)], 4)
    x = np.repeat(rng.normal(size=(materials, 3)), 4, axis=0) + 0.001 * rng.normal(size=(4 * materials, 3))
    y = np.repeat(rng.normal(10, 3, materials), 4) + 0.01 * rng.normal(size=4 * materials)
    about = pd.DataFrame({"run": range(len(y)), "name": names, "material": names, "family": "Li", "mobile": "Li", "state": "completed",
                          "temperature_K": np.tile([400.0, 500, 600, 700], materials), "time_ps": 1.0, "atoms": 1.0})  # fmt: skip
    columns = {key: catalogue.Descriptor(key, key, key, "", key, "1", "vibrational", "", False) for key in ("a", "b", "c", "D_cm2_s")}
    numbers = pd.DataFrame(np.c_[x, y], columns=["a", "b", "c", "D_cm2_s"])
    none = pd.DataFrame(columns=["run", "name", "material", "temperature_K", "why"])
    return selection.Selection(about, numbers, pd.DataFrame({"family": about.family}), columns, [], none,
                               pd.DataFrame(columns=["descriptor", "why"]), numbers.iloc[:, :0])  # fmt: skip


def test_no_temperature_of_a_material_is_learnt_from_where_another_is_predicted():
    chosen = leaky()
    x, y = regression.features(chosen, "D_cm2_s", "anharmonic"), chosen.numbers.D_cm2_s.to_numpy()
    naive = cross_val_predict(regression.pipeline(x, "forest", 1, 96, False, False), x, y, cv=KFold(5, shuffle=True, random_state=1))
    found = regression.of(chosen, "D_cm2_s", ["forest"], folds=3)
    error = found.errors[found.errors.set == "anharmonic"].set_index("model").mape
    assert regression.relative_error(y, naive) < 0.6 * error["mean"]  # a split by samples looks good,
    assert error["forest"] > 0.9 * error["mean"]  # and nothing was there to learn
    assert found.predictions.groupby("material").fold.nunique().eq(1).all()
    for train, test in regression.splits(np.repeat(np.arange(150), 3)):
        assert not set(train // 3) & set(test // 3)
    assert len(regression.splits(np.repeat(np.arange(150), 3))) == regression.FOLDS


def test_a_nonlinear_relation_is_learnt_by_the_forest_and_not_by_the_line():
    chosen = leaky(60)
    chosen.numbers["D_cm2_s"] = 1 + chosen.numbers.a**2
    found = regression.of(chosen, "D_cm2_s", ["kernel-ridge", "forest"], folds=3)
    error = found.errors.set_index(["set", "model"]).mape
    assert error["anharmonic", "forest"] < 0.7 * error["anharmonic", "mean"]
    assert error["anharmonic", "kernel-ridge"] > 0.8 * error["anharmonic", "mean"]
    # What does not come from the run knows nothing of it.
    assert error["harmonic", "forest"] > 0.8 * error["harmonic", "mean"]
    assert found.folds == 3


def test_ridge_without_intercept_is_kernel_ridge_with_a_linear_kernel():
    x = table(n=30, p=5)
    y = x.c0 + np.sin(x.c1)
    model = regression.MODELS["kernel-ridge"](1, 30)
    theirs = KernelRidge(alpha=1.0, kernel="linear").fit(x, y)
    np.testing.assert_allclose(model.fit(x, y).predict(x * 2 + 1), theirs.predict(x * 2 + 1), rtol=1e-8)


def test_the_perceptron_is_the_papers():
    model = regression.MODELS["mlp"](5, 100)
    wanted = {"hidden_layer_sizes": (200, 500, 50, 150, 70, 100), "activation": "relu", "solver": "adam",
              "learning_rate": "constant", "learning_rate_init": 0.0005, "alpha": 0.05, "random_state": 5}  # fmt: skip
    assert wanted.items() <= model.get_params().items()
    x = table(n=30, p=2)
    y = (x.c0 + x.c1 / 2).to_numpy() + 5
    fitted = regression.pipeline(x, "mlp", 1, 20, False, False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted.fit(x[:20], y[:20])
    assert not regression._settled(fitted)  # 200 rounds end it
    assert regression.relative_error(y[20:], fitted.predict(x[20:])) < 0.5 * regression.relative_error(y[20:], np.full(10, y[:20].mean()))


def test_the_error_is_the_papers_equation_8():
    assert regression.relative_error(np.array([1.0, 3, -1]), np.array([2.0, 3, -3])) == pytest.approx((1 + 0 + 2) / 3 / 1)
    assert np.isnan(regression.relative_error(np.array([1.0, -1]), np.array([0.0, 0])))


def test_what_is_better_than_the_mean_by_chance_has_learnt_nothing():
    # Two materials of two samples: |error| of the mean less that of the model 1, 1 and -1, 3, y = 2 each.
    y, plain = np.full(4, 2.0), np.array([4.0, 4, 3, 5])
    better, stderr = regression.gain(y, plain, np.array([3.0, 1, 4, 2]), np.array(["A", "A", "B", "B"]))
    assert better == pytest.approx((1 + 1 - 1 + 3) / 8) and stderr == pytest.approx(0)
    better, stderr = regression.gain(y, plain, np.array([3.0, 1, 4, 2]), np.array(["A", "B", "A", "B"]))
    assert better == pytest.approx(0.5) and stderr == pytest.approx(np.std([0, 4], ddof=1) * np.sqrt(2) / 8)
    called = 0
    for seed in range(12):
        chosen = leaky(12, seed)
        called += regression.of(chosen, "D_cm2_s", ["kernel-ridge"], folds=4).learnt("anharmonic") is not None
    assert called <= 2
    chosen.numbers["D_cm2_s"] = 10 + 3 * chosen.numbers.b
    assert regression.of(chosen, "D_cm2_s", ["kernel-ridge"], folds=4).learnt("anharmonic") == "kernel-ridge"


def test_filling_and_scaling_are_learnt_inside_the_fold():
    chosen = leaky(6)
    chosen.numbers.loc[0, "a"] = np.nan
    x, y = regression.features(chosen, "D_cm2_s", "anharmonic"), chosen.numbers.D_cm2_s.to_numpy()
    train = np.arange(0, 16)
    fitted = regression.pipeline(x, "kernel-ridge", 1, 16, True, False).fit(x.iloc[train], y[train])
    prepare = fitted.named_steps["columntransformer"].named_transformers_["numbers"]
    filled = x.a[train].fillna(x.a[train].median())
    assert prepare.named_steps["fill"].statistics_[0] == x.a[train].median()
    assert prepare.named_steps["scale"].mean_[0] == pytest.approx(filled.mean())
    assert regression.of(chosen, "D_cm2_s", ["kernel-ridge"], impute=True).predictions.shape[0] == 24
    left = regression.of(chosen, "D_cm2_s", ["kernel-ridge"])
    assert left.predictions.shape[0] == 23 and "1 sample with a missing value: left out" in left.notes


def test_importance_tells_the_descriptor_that_was_used():
    chosen = leaky(20)
    chosen.numbers["D_cm2_s"] = 10 + 3 * chosen.numbers.b
    found = regression.of(chosen, "D_cm2_s", ["kernel-ridge"], folds=4)
    rows = found.importance[found.importance.set == "anharmonic"].set_index("descriptor").increase
    assert rows.idxmax() == "b" and rows.drop("b").abs().max() < 0.02 * rows["b"]


def test_logarithms_are_learnt_of_what_is_above_zero():
    chosen = leaky(10)
    chosen.numbers["D_cm2_s"] = np.exp(2 * chosen.numbers.a - 10)
    chosen.numbers.loc[3, "D_cm2_s"] = -1e-9
    found = regression.of(chosen, "D_cm2_s", ["kernel-ridge"], log=True, folds=5)
    assert "1 sample without a value above zero of D_cm2_s, or with an upper limit only: left out" in found.notes
    plain = regression.of(chosen, "D_cm2_s", ["kernel-ridge"], folds=5)
    error = [one.errors.set_index(["set", "model"]).mape["anharmonic", "kernel-ridge"] for one in (found, plain)]
    assert error[0] < 0.5 * error[1]
    chosen.numbers["D_cm2_s"] -= 1
    with pytest.raises(ionwatch.IonwatchError, match=r"at least 4 materials, of D_cm2_s there are \d \(\d+ samples without a value above zero"):
        regression.of(chosen, "D_cm2_s", ["mean"], log=True)
    with pytest.raises(ionwatch.IonwatchError, match="'forst' is no model"):
        regression.of(chosen, "D_cm2_s", ["forst"])
    with pytest.raises(ionwatch.IonwatchError, match="11 folds of 10 materials"):
        regression.of(chosen, "D_cm2_s", ["mean"], folds=11)


def test_a_logarithm_goes_back_within_what_was_taught():
    learnt = regression.Logarithm().fit(np.exp([[0.0], [1], [3]]))
    np.testing.assert_allclose(learnt.inverse_transform(np.array([[-9.0], [0.5], [2], [1e6]])), np.exp([[0.0], [0.5], [2], [3]]))
    # A line taught between -1 and 1 and asked at 1000: a number, and no warning of an overflow.
    x, y = pd.DataFrame({"a": np.linspace(-1, 1, 20)}), np.exp(np.linspace(-3, 3, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = regression.pipeline(x, "kernel-ridge", 1, 20, False, True).fit(x, y)
        assert fitted.predict(pd.DataFrame({"a": [1000.0, -1000.0]})) == pytest.approx(np.exp([3, -3]))


def test_folds_at_the_same_time_give_the_numbers_of_one_after_the_other(monkeypatch):
    chosen, found = leaky(6), []
    for count in (1, 3):
        monkeypatch.setattr(regression, "workers", lambda: count)
        found.append(regression.of(chosen, "D_cm2_s", ["forest"], folds=3))
    pd.testing.assert_frame_equal(found[0].predictions, found[1].predictions, check_exact=True)
    pd.testing.assert_frame_equal(found[0].importance, found[1].importance, check_exact=True)


def test_a_prediction_of_infinity_is_drawn_without_it():
    pytest.importorskip("matplotlib")
    from ionwatch.landscape import pictures

    runs = pd.DataFrame({"family": ["Li", "Na", "O"], "measured": [1.0, 2.0, 3.0], "all.mlp": [1.1, np.inf, 2.9]})
    errors = pd.DataFrame({"set": "all", "model": ["mean", "mlp"], "mape": [0.5, np.inf]})
    found = regression.Regression("D_cm2_s", True, 3, runs, errors, pd.DataFrame(), [])
    limits = pictures.parity(found, "D", "cm2/s").axes[0].get_xlim()
    assert np.isfinite(limits).all() and limits[0] < 1 and limits[1] > 3
    assert pictures.render(lambda: pictures.parity(found, "D", "cm2/s"), ["png"], 50)["png"]
