// SPDX-License-Identifier: GPL-3.0-or-later
// overview.js - all runs: counts of what they have come to, and one line (or card) for each.

import { arrange, el, icon, setAttribute, setText } from "./dom.js";
import { Row } from "./row.js";
import { isGoing, isHeldUp, verdictOf, verdicts } from "./states.js";

/* text: what the filter looks into.  Numbers that are not known sort last, whichever way. */
const columns = [
    { key: "verdict", title: "State", value: (row) => verdicts[verdictOf(row)].rank, explain: "convergence" },
    { key: "name", title: "Run", value: (row) => row.label.toLowerCase() },
    { key: "temperature", title: "T, K", value: (row) => row.temperature_K, number: true, explain: "temperature_K" },
    { key: "time", title: "MD time, ps", value: (row) => row.time_ps, number: true, explain: "time_ps" },
    { key: "D", title: "D, cm²/s", value: (row) => row.D_cm2_s, number: true, explain: "D_cm2_s" },
    { key: "spark", title: "D(t)" },
    { key: "error", title: "Error, target", value: (row) => row.relative_error, explain: "relative_error" },
    { key: "more", title: "To target, ps", value: (row) => row.predicted_ps_to_target, number: true, explain: "predicted_ps_to_target" },
    { key: "health", title: "Health", value: (row) => ["broken", "warning", "good"].indexOf(row.health), explain: "health" },
    { key: "event", title: "Last event", value: (row) => -row.warnings },
];

const filters = {
    ...Object.fromEntries(Object.keys(verdicts).map((key) => [key, { ...verdicts[key], test: (row) => verdictOf(row) === key }])),
    held: { word: "held up", shape: "pause", meaning: "the adapter is silent, or the disk is full", test: (row) => isHeldUp(row.state) },
    going: { word: "going on", shape: "play", meaning: "has not ended", test: (row) => isGoing(row.state) },
};

export class Overview {
    /* archive(wanted): brings or drops the runs of earlier starts of the daemon; earlier: they are there. */
    constructor(store, archive, earlier) {
        this.store = store;
        this.archive = archive;
        this.rows = new Map();
        this.sort = { key: "verdict", down: false };
        this.only = null;
        this.needle = "";
        this.build();
        this.former.checked = earlier;
        this.leave = store.subscribe((what) => what === "rows" && this.schedule());
        this.patch();
    }

    get title() {
        return "Runs";
    }

    destroy() {
        this.leave();
        cancelAnimationFrame(this.frame);
    }

    build() {
        this.heading = el("h1", {}, "Runs");
        this.chips = el("div", { class: "chips", role: "group", "aria-label": "Show only" });
        this.chipNodes = new Map();
        this.search = el("input", { type: "search", id: "filter", placeholder: "name, material, code, state", autocomplete: "off", spellcheck: "false",
            oninput: () => { this.needle = this.search.value.trim().toLowerCase(); this.schedule(); } });
        this.former = el("input", { type: "checkbox", id: "former", onchange: () => this.archive(this.former.checked) });
        this.sorter = el("select", { id: "sorter", onchange: () => this.sortBy(this.sorter.value, this.sort.down) },
            ...columns.filter((c) => c.value).map((c) => el("option", { value: c.key }, c.title)));
        this.turner = el("button", { type: "button", class: "quiet", onclick: () => this.sortBy(this.sort.key, !this.sort.down) }, "Reverse");
        this.heads = columns.map((column) => this.head(column));
        this.body = el("tbody", { role: "rowgroup" });
        this.nothing = el("p", { class: "nothing" });
        this.said = el("p", { class: "unseen", role: "status" });
        const caption = el("caption", { class: "unseen" }, "Runs: what they have come to, D with its standard error, and how far the target is");
        this.node = el("section", { class: "overview" }, this.heading, this.chips,
            el("div", { class: "tools" },
                el("label", { for: "filter", class: "unseen" }, "Filter"), this.search,
                el("label", { class: "tick" }, this.former, "earlier runs, too"),
                el("span", { class: "phone-sort" }, el("label", { for: "sorter" }, "Sort by"), this.sorter, this.turner)),
            el("table", { class: "runs", role: "table" }, caption,
                el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...this.heads)), this.body),
            this.nothing, this.said);
    }

    head(column) {
        const inside = column.value
            ? el("button", { type: "button", class: "sort", "data-explain": column.explain, onclick: () => this.sortBy(column.key, this.sort.key === column.key ? !this.sort.down : Boolean(column.number)) }, column.title)
            : column.title;
        return el("th", { role: "columnheader", scope: "col", class: `c-${column.key}${column.number ? " number" : ""}`, "aria-sort": column.value ? "none" : null }, inside);
    }

    sortBy(key, down) {
        this.sort = { key, down };
        this.patch();
        const column = columns.find((c) => c.key === key);
        setText(this.said, `Sorted by ${column.title}, ${down ? "falling" : "rising"}`);
    }

    schedule() {
        cancelAnimationFrame(this.frame);
        this.frame = requestAnimationFrame(() => this.patch());
    }

    matches(row) {
        if (this.only && !filters[this.only].test(row)) return false;
        if (!this.needle) return true;
        const text = [row.label, row.id, row.material, row.code, row.state, verdicts[verdictOf(row)].word, row.health].join(" ").toLowerCase();
        return this.needle.split(/\s+/).every((word) => text.includes(word));
    }

    compare(a, b) {
        const { value } = columns.find((c) => c.key === this.sort.key);
        const [x, y] = [value(a), value(b)];
        const way = this.sort.down ? -1 : 1;
        const missing = (v) => v === null || v === undefined || Number.isNaN(v);
        if (missing(x) !== missing(y)) return missing(x) ? 1 : -1;
        if (x < y) return -way;
        if (x > y) return way;
        return a.label.localeCompare(b.label, "en", { numeric: true }) || (a.id < b.id ? -1 : 1);
    }

    patch() {
        const all = [...this.store.rows.values()];
        for (const id of this.rows.keys()) if (!this.store.rows.has(id)) this.rows.delete(id);
        const news = [];
        for (const data of all) {
            if (!this.rows.has(data.id)) this.rows.set(data.id, new Row());
            const became = this.rows.get(data.id).update(data);
            if (became) news.push(`${data.label} is ${became}`);
        }
        if (news.length) this.tellNews?.(news.length > 3 ? `${news.length} runs have changed their state` : news.join(", "));
        const shown = all.filter((row) => this.matches(row)).sort((a, b) => this.compare(a, b));
        arrange(this.body, shown.map((row) => this.rows.get(row.id).node));
        this.counts(all, shown.length);
        columns.forEach((column, i) => {
            if (column.value) setAttribute(this.heads[i], "aria-sort", column.key !== this.sort.key ? "none" : this.sort.down ? "descending" : "ascending");
        });
        this.sorter.value = this.sort.key;
    }

    counts(all, shown) {
        const chips = [this.chip(null, all.length, { word: all.length === 1 ? "run" : "runs", shape: "none", meaning: "all" })];
        for (const [key, filter] of Object.entries(filters)) {
            const n = all.filter(filter.test).length;
            if (n || this.only === key) chips.push(this.chip(key, n, filter));
        }
        arrange(this.chips, chips);
        setText(this.nothing, !this.store.heard ? "Waiting for the daemon …" : all.length === 0
            ? "No runs yet. A run appears here with its first frame: see the adapters, or ionwatch follow FILE."
            : shown === 0 ? "No run is like that." : "");
        this.nothing.hidden = shown > 0;
    }

    chip(key, n, { word, shape, meaning }) {
        let chip = this.chipNodes.get(key);
        if (!chip) {
            chip = { number: el("b"), word: el("span") };
            chip.node = el("button", { type: "button", class: `chip verdict-${key ?? "any"}`, title: meaning, onclick: () => { this.only = this.only === key ? null : key; this.patch(); } },
                shape === "none" ? null : icon(shape), chip.number, chip.word);
            this.chipNodes.set(key, chip);
        }
        setText(chip.number, String(n));
        setText(chip.word, word);
        setAttribute(chip.node, "aria-pressed", String(this.only === key));
        return chip.node;
    }
}
