// SPDX-License-Identifier: GPL-3.0-or-later
// row.js - one run in the overview: made once, then only what changed is written.

import { el, setAttribute, setText, svg } from "./dom.js";
import { general, known, NONE, percent, withError } from "./format.js";
import { HealthSign, LifeSign, VerdictSign, verdictOf, verdicts } from "./states.js";
import { errorShare } from "./store.js";

const SPARK = { width: 96, height: 26 };
const BAR_TARGETS = 3; /* the bar is so many targets long */

/* The last points of D; the scale is its own, from zero, so that noise looks like noise. */
function sparkPoints(history) {
    const { time_ps: t = [], D_cm2_s: D = [] } = history ?? {};
    const points = t.map((x, i) => [x, D[i]]).filter(([x, y]) => known(x) && known(y));
    if (points.length < 2) return "";
    const [first, last] = [points[0][0], points[points.length - 1][0]];
    const high = Math.max(...points.map(([, y]) => y)), low = Math.min(0, ...points.map(([, y]) => y));
    const range = high - low || 1;
    return points.map(([x, y]) => `${(1 + ((SPARK.width - 4) * (x - first)) / (last - first || 1)).toFixed(1)},${(SPARK.height - 2 - ((SPARK.height - 4) * (y - low)) / range).toFixed(1)}`).join(" ");
}

/* More of what is broken leads nowhere. */
function moreText(row) {
    if (row.convergence === "converged") return "reached";
    return row.health === "broken" ? NONE : general(row.predicted_ps_to_target, 3);
}

export class Row {
    constructor() {
        this.verdict = new VerdictSign();
        this.life = new LifeSign();
        this.health = new HealthSign();
        this.link = el("a", { class: "run-name" });
        this.what = el("span", { class: "minor" });
        this.line = svg("polyline", { class: "spark-line" });
        this.end = svg("circle", { class: "spark-end", r: 2 });
        this.spark = svg("svg", { class: "spark", viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, role: "img" }, this.line, this.end);
        this.errorText = el("span", { class: "error-text" });
        this.fill = el("span", { class: "bar-fill" });
        this.bar = el("span", { class: "bar", "aria-hidden": "true" }, this.fill, el("span", { class: "bar-mark" }));
        this.event = el("span", { class: "event-text" });
        this.cells = {
            verdict: this.cell("verdict", "State", this.verdict.node, this.life.node),
            name: el("th", { role: "rowheader", scope: "row", class: "c-name" }, this.link, this.what),
            temperature: this.cell("temperature number", "T, K"),
            time: this.cell("time number", "MD time, ps"),
            D: this.cell("D number", "D, cm²/s"),
            spark: this.cell("spark", "D(t)", this.spark),
            error: this.cell("error", "Error, target", this.errorText, this.bar),
            more: this.cell("more number", "To target, ps"),
            health: this.cell("health", "Health", this.health.node),
            event: this.cell("event", "Last event", this.event),
        };
        this.node = el("tr", { role: "row" }, ...Object.values(this.cells));
    }

    cell(kind, label, ...inside) {
        return el("td", { role: "cell", class: `c-${kind}`, "data-label": label }, ...inside);
    }

    /* The word for what the run has come to, where that is new. */
    update(row) {
        if (row === this.row) return null;
        const before = this.row && verdictOf(this.row), verdict = verdictOf(row);
        this.row = row;
        setAttribute(this.node, "data-run", row.id);
        this.verdict.update(verdict);
        this.life.update(row.state);
        this.health.update(row.health);
        setText(this.link, row.label);
        setAttribute(this.link, "href", `#/run/${encodeURIComponent(row.id)}`);
        setText(this.what, [row.material, row.code, known(row.atoms) ? `${row.atoms} atoms` : ""].filter(Boolean).join(" · "));
        setText(this.cells.temperature, general(row.temperature_K, 5));
        setText(this.cells.time, general(row.time_ps, 6));
        setText(this.cells.D, withError(row.D_cm2_s, row.stderr_cm2_s));
        this.drawSpark(row);
        this.drawBar(row);
        setText(this.cells.more, moreText(row));
        const warned = row.warnings ? `${row.warnings} warning${row.warnings > 1 ? "s" : ""}` : "";
        const held = row.state_reason || "";
        setText(this.event, [held, warned, row.lastEvent].filter(Boolean).join(": ") || NONE);
        setAttribute(this.event, "title", row.lastEvent || null);
        return before && before !== verdict ? verdicts[verdict].word : null;
    }

    drawSpark(row) {
        const points = sparkPoints(row.history);
        setAttribute(this.line, "points", points);
        const last = points.slice(points.lastIndexOf(" ") + 1).split(",");
        setAttribute(this.end, "cx", points ? last[0] : "-9");
        setAttribute(this.end, "cy", points ? last[1] : "-9");
        setAttribute(this.spark, "aria-label", points ? `D over the run, now ${withError(row.D_cm2_s, row.stderr_cm2_s)} cm²/s` : "D is not known yet");
    }

    drawBar(row) {
        const share = errorShare(row);
        setText(this.errorText, known(row.relative_error) ? `${percent(row.relative_error)}${known(row.target) ? ` / ${percent(row.target, 0)}` : ""}` : NONE);
        this.bar.hidden = share === null;
        if (share === null) return;
        this.fill.style.transform = `scaleX(${Math.min(1, share / BAR_TARGETS).toFixed(3)})`;
        this.bar.classList.toggle("reached", share <= 1);
    }
}
