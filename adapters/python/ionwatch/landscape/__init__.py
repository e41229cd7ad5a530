# SPDX-License-Identifier: BSD-3-Clause
"""The landscape of materials: what goes with D, in how many dimensions, which materials are alike,
what a model can predict.

    from ionwatch.database import Database
    from ionwatch.landscape import selection, correlations, components, clusters, regression

    with Database("sqlite:///home/me/ions.db") as db:
        samples = selection.read(db)
    chosen = selection.materials(samples, selection.Rules(temperature_K=500))
    correlations.ranking(chosen.numbers, "D_cm2_s")
    found = components.of(chosen.complete().numbers)
    clusters.of(found.scores[["PC1", "PC2"]], chosen.complete().about.family)

`ionwatch landscape` is this: command.main().  The definitions are in docs/landscape.md.  Needs
pandas, SciPy and scikit-learn; figures need Matplotlib.
"""
