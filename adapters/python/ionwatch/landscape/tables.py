# SPDX-License-Identifier: BSD-3-Clause
"""Tables as text, CSV, JSON and HTML."""
from __future__ import annotations

import html
import json
import math
from typing import Any

import pandas as pd


def cell(value: Any, digits: int = 4) -> str:
    """A number with so many digits, a dash where there is none; text without control characters."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return "".join(c if c.isprintable() else "?" for c in str(value))


def percent(part: float) -> str:
    return f"{100 * part:.{0 if part >= 0.1 or not part else 1}f} %"


def text(table: pd.DataFrame, widest: int = 36) -> str:
    """Columns that fit, numbers to the right."""
    rows = [[cell(value) for value in row] for row in table.itertuples(index=False)]
    rows = [[one if len(one) <= widest else one[: widest - 3] + "..." for one in row] for row in rows]
    heads = [str(name) for name in table.columns]
    right = [table.iloc[:, i].dtype.kind in "fiu" for i in range(len(heads))]
    widths = [max([len(heads[i]), *(len(row[i]) for row in rows)]) for i in range(len(heads))]
    lines = [
        "  ".join(one.rjust(w) if r else one.ljust(w) for one, w, r in zip(row, widths, right)).rstrip()
        for row in [heads, *rows]
    ]
    return "\n".join(lines)


def csv(table: pd.DataFrame) -> str:
    """Numbers with all their digits; the index is written where it has names."""
    return table.to_csv(index=not isinstance(table.index, pd.RangeIndex) and table.index.dtype.kind == "O", lineterminator="\r\n")


def plain(value: Any) -> Any:
    """For JSON: NumPy's numbers as Python's, what is not finite as null."""
    if isinstance(value, pd.DataFrame):
        if value.index.dtype.kind == "O":
            value = value.rename_axis("descriptor").reset_index()
        names = list(map(str, value.columns))
        return [dict(zip(names, map(plain, row))) for row in value.itertuples(index=False, name=None)]
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(value: Any, indent: Any = None) -> str:
    return json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)


def to_html(table: pd.DataFrame, most: int = 30) -> str:
    """Numbers to the right, and their headings; a region that the keyboard can scroll."""
    kinds = [' class="n"' if table.iloc[:, i].dtype.kind in "fiu" else "" for i in range(table.shape[1])]
    heads = "".join(f'<th scope="col"{kind}>{html.escape(str(name))}</th>' for kind, name in zip(kinds, table.columns))
    rows = ["<tr>" + "".join(f"<td{kind}>{html.escape(cell(value))}</td>" for kind, value in zip(kinds, row)) + "</tr>"
            for row in table.head(most).itertuples(index=False)]  # fmt: skip
    more = f'<p class="note">{most} of {len(table)} rows.</p>' if len(table) > most else ""
    return f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>{more}'
