# SPDX-License-Identifier: BSD-3-Clause
"""Which descriptors there are, from `ionwatch explain --catalogue`, and what they are called here."""
from __future__ import annotations

import re
from typing import NamedTuple, Sequence

from .. import program

TARGET = "D_cm2_s"
# Descriptors of a group of atoms are taken for three groups: the paper's all, nd and d.
GROUPS = {"all": "", "framework": "nd", "mobile": "d"}
# What is calculated for groups of atoms; everything else belongs to the run as a whole.
OF_GROUPS = ("diffusive", "vibrational")
# Follow from D, or repeat it: part of an analysis only when they are asked for.
ON_REQUEST = ("diffusive", "transport")
# Numbers that are names: one-hot in regressions, and no part of correlations.
NAMES = ("space_group",)
# How a number was found, not what a material is.
TECHNICAL = ("symmetry_tolerance_A",)


class Descriptor(NamedTuple):
    """One column of an analysis."""

    name: str  # of the column: "omega_mean_meV_nd"
    key: str  # in the catalogue: "omega_mean_meV"
    column: str  # of the wide view: "paper_omega_mean_meV"
    group: str  # of atoms: "all", "framework", "mobile"; "" for the run
    symbol: str
    unit: str
    category: str
    definition: str
    is_name: bool  # a number that is a name

    @property
    def label(self) -> str:
        """For figures, in Matplotlib's markup: "⟨ω⟩ nd"."""
        words = [markup(self.symbol), GROUPS.get(self.group, "") if self.key != TARGET else ""]
        if self.column.startswith("paper_"):
            words.append("*")
        return " ".join(filter(None, words))


# Symbols that the catalogue spells out.
GREEK = {"alpha": "α", "eps": "ε", "nu": "ν", "rho": "ρ", "sigma": "σ", "Gamma": "Γ"}


def markup(symbol: str) -> str:
    """ "E_vib" with a subscript, "<w30>" as a mean frequency, "rho" in Greek."""
    mean = re.fullmatch(r"<w(\d*)>", symbol)
    if mean:
        below = f"_{{{mean.group(1)}}}" if mean.group(1) else ""
        return rf"$\langle\omega{below}\rangle$"
    head, underscore, below = symbol.partition("_")
    head = GREEK.get(head, head)
    if not underscore:
        return head.replace("$", r"\$")
    safe = re.sub(r"[^\w,.+-]", " ", below).replace("_", " ").replace(" ", r"\ ")
    return rf"{head.replace('$', '')}$_\mathrm{{{safe}}}$"


def descriptors(method: str, asked: Sequence[str] = (), rows: Sequence[dict] = ()) -> list[Descriptor]:
    """The columns of an analysis by one method, "physical" or "paper", or "both": then each has
    columns of its own.  asked: keys that are part of it only on request.  rows: the catalogue, for
    those who have it already."""
    out = []
    for row in rows or program.ask_json("explain", "--catalogue"):
        key, category = row["key"], row["category"]
        if "_axes_" in key or key in TECHNICAL or (category in ON_REQUEST and key != TARGET and key not in asked):
            continue
        groups = list(GROUPS) if category in OF_GROUPS else [""]
        if category == "diffusive":
            groups = ["mobile"]
        for column in columns_of(key, category, method):
            for group in groups:
                ending = GROUPS.get(group, "") if category == "vibrational" else ""
                name = "_".join(filter(None, (column, ending)))
                named = any(word in key for word in NAMES)
                out.append(Descriptor(name, key, column, group, row["symbol"], row["unit"], category,
                                      row["definition"], named))  # fmt: skip
    return out


def columns_of(key: str, category: str, method: str) -> list[str]:
    if category != "vibrational":
        return [key]
    paper = f"paper_{key}"
    return {"physical": [key], "paper": [paper], "both": [key, paper]}[method]
