# SPDX-License-Identifier: BSD-3-Clause
"""What a model can predict of materials that it has not seen.

A fold predicts all samples of one material, at all its temperatures, from those of the others; of more
than 100 materials, five folds of whole materials (scikit-learn's GroupKFold).  Scaling, filling of gaps
and one-hot encoding are learnt inside the fold; the target is standardised there too.

Error as the paper's equation 8: the mean of |x' - x| over all samples, over the absolute value of
the mean of x.  Beside each model stands one that predicts the mean of what it was taught:
a model that is not better, by twice the standard error over materials, has learnt nothing.

Sets of descriptors: "anharmonic" has all of them, "harmonic" leaves out those that need a molecular-
dynamics run, which are the vibrational, diffusive and transport ones of the catalogue.  Both have the temperature of
the run, which is known before it.
"""
from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import warnings
from typing import Any, Callable, Optional, Sequence

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from ..errors import IonwatchError, Status
from .catalogue import TARGET
from .selection import Selection

LAYERS = (200, 500, 50, 150, 70, 100)
ONE_BY_ONE = 100  # materials that are left out one at a time
FOLDS = 5
TREE_ROWS = 1000  # samples of a tree at most
IMPORTANCE_ROWS = 500  # samples that importance is measured on, chosen by the seed
REPEATS = 5
SETS = ("anharmonic", "harmonic")
FROM_MD = ("vibrational", "diffusive", "transport")
TEMPERATURE = "temperature_K"


def _forest(seed: int, rows: int) -> Any:
    return RandomForestRegressor(
        n_estimators=100,
        max_features=1 / 3,
        max_samples=min(rows, TREE_ROWS),
        random_state=seed,
    )


def _perceptron(seed: int, rows: int) -> Any:
    return MLPRegressor(
        hidden_layer_sizes=LAYERS,
        activation="relu",
        solver="adam",
        learning_rate="constant",
        learning_rate_init=0.0005,
        alpha=0.05,
        random_state=seed,
    )


# Kernel ridge with a linear kernel and strength 1 is ridge regression without intercept: the same
# predictions, at a cost that grows with the descriptors and not with the cube of the samples.
MODELS: dict[str, Callable[[int, int], Any]] = {
    "mean": lambda seed, rows: DummyRegressor(),
    "kernel-ridge": lambda seed, rows: Ridge(alpha=1.0, fit_intercept=False, solver="cholesky"),
    "forest": _forest,
    "mlp": _perceptron,
}


@dataclasses.dataclass
class Regression:
    target: str
    log: bool  # the logarithm was learnt
    folds: int
    predictions: pd.DataFrame  # run, name, material, family, temperature_K, fold, measured, "set.model" ...
    errors: pd.DataFrame  # set, model, mape, better, better_stderr, mae, r2, spearman, samples, ...
    importance: pd.DataFrame  # set, model, descriptor, increase (of the error), std over repeats
    notes: list[str]

    def best(self, which: str) -> Optional[pd.Series]:
        """The row of the model with the smallest error in a set; None where there is none."""
        rows = self.errors[(self.errors.set == which) & (self.errors.model != "mean")]
        return rows.loc[rows.mape.idxmin()] if len(rows) else None

    def learnt(self, which: str) -> Optional[str]:
        """The best model, if it is better than the mean by more than chance gives."""
        row = self.best(which)
        return row.model if row is not None and row.better > 2 * row.better_stderr else None


def gain(y: np.ndarray, plain: np.ndarray, predicted: np.ndarray, materials: np.ndarray) -> tuple[float, float]:
    """How much smaller the relative error is than that of the mean, and the standard error of that:
    samples of a material are no independent ones, materials are."""
    less = pd.Series(np.abs(plain - y) - np.abs(predicted - y)).groupby(materials).sum().to_numpy()
    scale, count = abs(np.sum(y)), len(less)
    if not scale or count < 2:
        return float("nan"), float("nan")
    return float(less.sum() / scale), float(less.std(ddof=1) * np.sqrt(count) / scale)


def relative_error(measured: np.ndarray, predicted: np.ndarray) -> float:
    """The paper's equation 8."""
    mean = abs(np.mean(measured))
    return float(np.mean(np.abs(predicted - measured)) / mean) if mean else float("nan")


def features(selection: Selection, target: str, which: str) -> pd.DataFrame:
    """[n][f] of one set: numbers, with the temperature if it differs, and words.

    Of the target nothing is among them: no other group of its descriptor, no other method.
    """
    own = selection.columns[target].key
    taken = [
        name
        for name in selection.numbers
        if selection.columns[name].key != own
        and name != TARGET
        and not (which == "harmonic" and selection.columns[name].category in FROM_MD)
    ]
    out = selection.numbers[taken].copy()
    if selection.about.temperature_K.nunique() > 1:
        out[TEMPERATURE] = selection.about.temperature_K
    words = selection.words.loc[:, selection.words.nunique() > 1]
    return pd.concat([out, words], axis=1)


class Logarithm(TransformerMixin, BaseEstimator):
    """Of what is above zero.  Back, it is held within the range that was taught: a line goes anywhere, and the
    exponential of that is any number."""

    def fit(self, y: np.ndarray, _: Any = None) -> "Logarithm":
        z = np.log(y)
        self.low_, self.high_ = z.min(), z.max()
        return self

    def transform(self, y: np.ndarray) -> np.ndarray:
        return np.log(y)

    def inverse_transform(self, z: np.ndarray) -> np.ndarray:
        return np.exp(np.clip(z, self.low_, self.high_))


def pipeline(x: pd.DataFrame, model: str, seed: int, rows: int, impute: bool, log: bool) -> Any:
    """Everything that is learnt from the taught samples, as one estimator of scikit-learn."""
    numbers = [name for name in x if x[name].dtype.kind == "f"]
    words = [name for name in x if name not in numbers]
    fill = [("fill", SimpleImputer(strategy="median"))] if impute else []
    prepare = ColumnTransformer(
        [
            ("numbers", Pipeline([*fill, ("scale", StandardScaler())]), numbers),
            ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ],
        sparse_threshold=0,
    )
    of_target = StandardScaler()
    if log:
        of_target = make_pipeline(Logarithm(), of_target)
    estimator = TransformedTargetRegressor(MODELS[model](seed, rows), transformer=of_target, check_inverse=False)
    return make_pipeline(prepare, estimator)


def splits(materials: np.ndarray, folds: Optional[int] = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Taught and predicted rows of each fold; no material is in both."""
    count = len(np.unique(materials))
    if folds is not None and not 2 <= folds <= count:
        raise IonwatchError(Status.INVALID, f"{folds} folds of {count} materials: from 2 to {count}")
    one_by_one = folds == count or (folds is None and count <= ONE_BY_ONE)
    splitter = LeaveOneGroupOut() if one_by_one else GroupKFold(folds or FOLDS)
    return list(splitter.split(materials, groups=materials))


def _samples(rows: pd.Series) -> str:
    count = int(rows.sum())
    return f"{count} sample{'' if count == 1 else 's'}"


def _rows(selection: Selection, target: str, log: bool, impute: bool) -> tuple[Selection, list[str]]:
    """Those with a target, and, unless gaps are filled, with every descriptor."""
    notes = []
    y = selection.numbers[target]
    good = y.notna() & ((y > 0) | (not log))
    if not good.all():
        what = "without a value above zero" if log else "without a value"
        notes.append(f"{_samples(~good)} {what} of {target}, or with an upper limit only: left out")
    gaps = features(selection, target, SETS[0]).isna().any(axis=1)
    if impute and gaps[good].any():
        notes.append(f"{_samples(gaps[good])} with a missing value: filled with the median inside each fold")
    elif gaps[good].any():
        notes.append(f"{_samples(gaps[good])} with a missing value: left out")
        good &= ~gaps
    kept = selection.rows(good)
    return dataclasses.replace(kept, **{name: getattr(kept, name).reset_index(drop=True)
                                        for name in ("about", "numbers", "words", "limits")}), notes  # fmt: skip


def _settled(fitted: Any) -> bool:
    """Whether a model that is taught in rounds had come to an end."""
    model = fitted[-1].regressor_
    return not hasattr(model, "n_iter_") or not model.max_iter or model.n_iter_ < model.max_iter


def _taught(x: pd.DataFrame, y: np.ndarray, parts: Sequence[tuple[np.ndarray, np.ndarray]], *words: Any) -> list[Any]:
    """An estimator for each fold; folds at the same time, each with one thread, so that their numbers
    do not depend on how many there are."""

    def fit(part: tuple[np.ndarray, np.ndarray]) -> Any:
        train = part[0]
        # What a fold's taught rows do not have cannot be learnt from.
        return pipeline(x, words[0], words[1], len(train), *words[2:]).fit(x.iloc[train], y[train])

    with warnings.catch_warnings():  # of all threads
        warnings.simplefilter("ignore", ConvergenceWarning)
        with concurrent.futures.ThreadPoolExecutor(workers(), initializer=threadpool_limits, initargs=(1,)) as pool:
            return list(pool.map(fit, parts))


def workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _permuted(x: pd.DataFrame, fitted: Sequence[tuple[Any, np.ndarray]], y: np.ndarray, seed: int) -> pd.DataFrame:
    """How much the error of held-out samples grows when a descriptor is exchanged between all samples.

    Exchanged among all of them and not inside a fold: a fold of one material has nothing to
    exchange.
    """
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(len(x))[:IMPORTANCE_ROWS])
    turns = [(name, x[name].to_numpy()[rng.permutation(some)]) for name in x for _ in range(REPEATS)]
    # Each fold is asked once for all turns, and without any exchange: [1 + turns][samples].
    predicted = np.empty((1 + len(turns), len(some)))
    for model, test in fitted:
        mine = np.flatnonzero(np.isin(some, test))
        if not mine.size:
            continue
        rows = {name: np.tile(x[name].to_numpy()[some[mine]], (1 + len(turns), 1)) for name in x}
        for i, (name, exchanged) in enumerate(turns):
            rows[name][1 + i] = exchanged[mine]
        asked = pd.DataFrame({name: values.ravel() for name, values in rows.items()})
        predicted[:, mine] = model.predict(asked).reshape(1 + len(turns), -1)
    errors = np.array([relative_error(y[some], one) for one in predicted])
    worse = (errors[1:] - errors[0]).reshape(-1, REPEATS)
    return pd.DataFrame({"descriptor": list(x), "increase": worse.mean(axis=1), "std": worse.std(axis=1)})


def _score(y: np.ndarray, predicted: np.ndarray, better: tuple[float, float]) -> dict[str, float]:
    spread = ((y - y.mean()) ** 2).sum()
    rank = np.nan
    if np.ptp(predicted) > 1e-12 * np.abs(predicted).max():
        rank = stats.spearmanr(y, predicted)[0]
    return {
        "mape": relative_error(y, predicted),
        "better": better[0],
        "better_stderr": better[1],
        "mae": float(np.abs(predicted - y).mean()),
        "r2": float(1 - ((predicted - y) ** 2).sum() / spread) if spread else float("nan"),
        "spearman": float(rank),
    }


def of(
    selection: Selection,
    target: str,
    models: Sequence[str] = tuple(MODELS),
    *,
    seed: int = 1,
    folds: Optional[int] = None,
    impute: bool = False,
    log: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> Regression:
    """Predicts `target` of every sample of a selection.temperatures() by every model, from both
    sets of descriptors.  tell: is told what is being done."""
    unknown = [name for name in models if name not in MODELS]
    if unknown:
        raise IonwatchError(Status.INVALID, f"{unknown[0]!r} is no model: one of {', '.join(MODELS)}")
    selection.column(target)
    selection, notes = _rows(selection, target, log, impute)
    if selection.materials < 4:
        why = "; ".join(notes)
        raise IonwatchError(Status.NOT_FOUND, f"regressions need at least 4 materials, of {target} there are {selection.materials} ({why})")
    y = selection.numbers[target].to_numpy(float)
    parts = splits(selection.about.material.to_numpy(), folds)
    predictions = selection.about[["run", "name", "material", "family", TEMPERATURE]].copy()
    predictions["fold"] = 0
    for i, (_, test) in enumerate(parts):
        predictions.loc[test, "fold"] = i + 1
    predictions["measured"] = y
    errors, importance = [], []
    for which in SETS:
        x = features(selection, target, which)
        if x.empty or not x.shape[1]:
            notes.append(f"{which}: no descriptors")
            continue
        for name in dict.fromkeys(["mean", *models]):
            tell(f"{target}, {which} descriptors, {name}: {len(parts)} folds of {len(y)} samples")
            fitted = [(model, test) for model, (_, test) in zip(_taught(x, y, parts, name, seed, impute, log), parts)]
            predicted = np.empty(len(y))
            for model, test in fitted:
                predicted[test] = model.predict(x.iloc[test])
            unfinished = sum(not _settled(model) for model, _ in fitted)
            if unfinished:
                notes.append(f"{which}, {name}: {unfinished} of {len(parts)} fits stopped at 200 rounds before they settled")
            predictions[f"{which}.{name}"] = predicted
            better = gain(y, predictions[f"{which}.mean"].to_numpy(), predicted, predictions.material.to_numpy())
            errors.append({"set": which, "model": name, **_score(y, predicted, better), "samples": len(y),
                           "materials": selection.materials, "descriptors": x.shape[1]})  # fmt: skip
            if name != "mean":
                tell(f"{target}, {which} descriptors, {name}: importance of {x.shape[1]} descriptors")
                table = _permuted(x, fitted, y, seed)
                table.insert(0, "model", name)
                table.insert(0, "set", which)
                importance.append(table.sort_values("increase", ascending=False))
    empty = pd.DataFrame(columns=["set", "model", "descriptor", "increase", "std"])
    return Regression(target, log, len(parts), predictions, pd.DataFrame(errors),
                      pd.concat(importance, ignore_index=True) if importance else empty, notes)  # fmt: skip
