// SPDX-License-Identifier: GPL-3.0-or-later
// tables.js - the tables of a run: diffusion, descriptors, transport, health, events.

import { arrange, el, icon, setText } from "./dom.js";
import { term } from "./explain.js";
import { bracketed, fixed, general, interval, known, NONE, percent, plusMinus, scientific, unitName, withError, withUnit } from "./format.js";
import { groupLabel, groupsOf } from "./figures.js";

/* A table whose cells are patched: columns { title, unit, key, cell(group) }, a row for each group. */
class GroupTable {
    constructor(caption) {
        this.caption = el("caption", {}, caption);
        this.head = el("thead");
        this.body = el("tbody");
        this.node = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": caption },
            el("table", { class: "numbers" }, this.caption, this.head, this.body));
    }

    update(record, columns, names) {
        const shape = JSON.stringify([columns.map((c) => [c.title, c.unit]), names]);
        if (shape !== this.shape) {
            this.shape = shape;
            this.head.replaceChildren(el("tr", {}, el("th", { scope: "col" }, "group"), ...columns.map((c) =>
                el("th", { scope: "col", class: "number" }, c.key ? term(c.title, c.key) : c.title, el("span", { class: "unit" }, c.unit)))));
            this.cells = names.map(() => columns.map(() => el("td", { class: "number" })));
            this.heads = names.map(() => el("th", { scope: "row" }));
            this.body.replaceChildren(...names.map((name, i) => el("tr", { "data-group": name }, this.heads[i], ...this.cells[i])));
        }
        names.forEach((name, i) => {
            setText(this.heads[i], groupLabel(record, name));
            columns.forEach((c, k) => setText(this.cells[i][k], c.cell(record.groups[name])));
        });
    }
}

const range = (pair, digits) => (known(pair?.[0]) && known(pair?.[1]) ? `${general(pair[0], digits)} to ${general(pair[1], digits)}` : NONE);
const axis = (k) => (g) => withError(g.D_axes_cm2_s?.[k], g.D_axes_stderr_cm2_s?.[k]);

const diffusion = [
    { title: "atoms", key: "atoms", unit: "", cell: (g) => general(g.atoms, 6) },
    { title: "D", key: "D_cm2_s", unit: "cm²/s", cell: (g) => withError(g.D_cm2_s?.value, g.D_cm2_s?.stderr) },
    { title: "95 % interval", key: "ci95", unit: "cm²/s", cell: (g) => interval(g.D_cm2_s?.ci95, scientific) },
    { title: "α", key: "alpha", unit: "", cell: (g) => fixed(g.alpha, 2) },
    { title: "N_eff", key: "effective_hops", unit: "hops", cell: (g) => general(g.effective_hops, 3) },
    { title: "error(N)", key: "he_relative_error", unit: "", cell: (g) => percent(g.he_relative_error, 0) },
    { title: "fit range", key: "fit_window_ps", unit: "ps", cell: (g) => range(g.fit_window_ps, 4) },
    { title: "Einstein", key: "D_einstein_cm2_s", unit: "cm²/s", cell: (g) => scientific(g.D_einstein_cm2_s) },
    { title: "Green–Kubo", key: "D_green_kubo_cm2_s", unit: "cm²/s", cell: (g) => withError(g.D_green_kubo_cm2_s, g.D_green_kubo_stderr_cm2_s) },
    { title: "plateau", key: "D_green_kubo_plateau_cm2_s", unit: "cm²/s", cell: (g) => withError(g.D_green_kubo_plateau_cm2_s?.value, g.D_green_kubo_plateau_cm2_s?.stderr) },
    { title: "D x", key: "D_axes_cm2_s", unit: "cm²/s", cell: axis(0) },
    { title: "D y", key: "D_axes_cm2_s", unit: "cm²/s", cell: axis(1) },
    { title: "D z", key: "D_axes_cm2_s", unit: "cm²/s", cell: axis(2) },
    { title: "non-Gaussian", key: "non_gaussian", unit: "", cell: (g) => general(g.non_gaussian, 3) },
    { title: "D collective", key: "D_collective_cm2_s", unit: "cm²/s", cell: (g) => withError(g.D_collective_cm2_s?.value, g.D_collective_cm2_s?.stderr) },
];

export class DiffusionTable extends GroupTable {
    constructor() {
        super("Diffusion, by group");
    }

    update(record) {
        super.update(record, diffusion, groupsOf(record));
    }
}

const perMode = [["⟨ω⟩", "omega_mean_meV", "meV", 2], ["⟨ω⟩ to 30 meV", "omega30_mean_meV", "meV", 2], ["E_vib", "e_vib_meV", "meV", 2],
    ["F_vib", "f_vib_meV", "meV", 2], ["S_vib", "s_vib_meV_K", "meV/K", 5], ["C_V", "c_v_meV_K", "meV/K", 5]];
const perAtom = [["E_vib", "e_vib_meV_atom", "meV/atom", 2], ["F_vib", "f_vib_meV_atom", "meV/atom", 2],
    ["S_vib", "s_vib_kB_atom", "kB/atom", 3], ["C_V", "c_v_kB_atom", "kB/atom", 3]];

/* Radio buttons in the clothes of a switch. */
function choice(legend, name, options, changed) {
    const inputs = options.map(([value, label], i) => {
        const input = el("input", { type: "radio", name, id: `${name}-${value}`, value, onchange: () => changed(value) });
        input.checked = i === 0;
        return [input, el("label", { for: `${name}-${value}` }, label)];
    });
    return el("fieldset", { class: "choice" }, el("legend", { class: "unseen" }, legend), ...inputs.flat());
}

export class VibrationTable extends GroupTable {
    constructor() {
        super("Vibrational descriptors; the error of the last digits in brackets");
        this.per = "mode";
        this.method = "physical";
        this.switches = el("div", { class: "switches" },
            choice("Normalisation", "per", [["mode", "per mode"], ["atom", "per atom"]], (value) => { this.per = value; this.again(); }),
            choice("Method", "method", [["physical", "physical"], ["paper", "paper"]], (value) => { this.method = value; this.again(); }));
    }

    again() {
        if (this.record) this.update(this.record);
    }

    update(record) {
        this.record = record;
        const paper = this.method === "paper";
        const values = (g) => (paper ? g.paper : g) ?? {};
        const columns = (this.per === "mode" ? perMode : perAtom).map(([title, key, unit, decimals]) => ({
            title, key, unit: unitName(unit), cell: (g) => bracketed(values(g)[key], paper ? null : g.stderr?.[key], decimals),
        }));
        super.update(record, columns, groupsOf(record));
    }
}

/* A list of names and values: [title, key, text] */
export class Facts {
    constructor() {
        this.node = el("dl", { class: "facts" });
        this.made = new Map();
    }

    update(facts) {
        arrange(this.node, facts.filter(([, , text]) => text && text !== NONE).map(([title, key, text]) => {
            if (!this.made.has(title)) {
                const value = el("dd");
                this.made.set(title, { value, node: el("div", {}, el("dt", {}, key ? term(title, key) : title), value) });
            }
            const { value, node } = this.made.get(title);
            setText(value, text);
            return node;
        }));
    }
}

function estimate(e, unit) {
    return withUnit(plusMinus(e?.value, e?.stderr), unit) + (known(e?.ci95?.[0]) ? ` (95 %: ${interval(e.ci95, (v) => general(v, 3))})` : "");
}

export function transportFacts(transport) {
    return [
        ["Conductivity, collective", "conductivity_mS_cm", estimate(transport.conductivity_mS_cm, "mS/cm")],
        ["Conductivity, Nernst–Einstein", "conductivity_nernst_einstein_mS_cm", estimate(transport.conductivity_nernst_einstein_mS_cm, "mS/cm")],
        ["Haven ratio", "haven_ratio", estimate(transport.haven_ratio, "")],
        ["Charges", "charges_e", Object.entries(transport.charges_e ?? {}).map(([s, q]) => `${s} ${q > 0 ? "+" : ""}${general(q, 4)} e`).join(", ")],
        ["Carriers", null, (transport.carriers ?? []).join(", ") || "none"],
        ["Charge MSD fitted", "fit_window_ps", withUnit(range(transport.fit_window_ps, 4), "ps")],
        ["Volume", "volume_A3", withUnit(general(transport.volume_A3, 6), "Å³")],
        ["Warning", null, transport.warning ?? ""],
    ];
}

export function healthFacts(health) {
    const drift = general(health.energy_drift_meV_atom_ps, 2), error = general(health.energy_drift_stderr_meV_atom_ps, 2);
    return [
        ["Temperature, mean", "temperature_mean_K", withUnit(general(health.temperature_mean_K, 4), "K")],
        ["Temperature, last 0.5 ps", "temperature_recent_K", withUnit(general(health.temperature_recent_K, 4), "K")],
        ["Energy drift", "energy_drift_meV_atom_ps", withUnit(error === NONE || drift === NONE ? drift : `${drift} ± ${error}`, "meV/atom/ps")],
        ["Volume over that at first", "volume_ratio", general(health.volume_ratio, 4)],
        ["Lindemann ratio", "lindemann", general(health.lindemann, 2)],
        ["MSD of the framework", "framework_msd_A2", withUnit(general(health.framework_msd_A2, 2), "Å²")],
        ["Drift of the centre of mass", "com_drift_A_ps", withUnit(general(health.com_drift_A_ps, 2), "Å/ps")],
        ["Refused frames", "refused_frames", health.refused_frames ? general(health.refused_frames, 9) : ""],
    ];
}

const SIGNS = { note: "dot", warning: "triangle", fault: "cross" };

export class Events {
    constructor() {
        this.list = el("ol", { class: "events" });
        this.none = el("p", { class: "nothing" }, "Nothing has happened that is worth a line.");
        this.node = el("div", {}, this.list, this.none);
        this.made = new Map();
    }

    update(events) {
        this.none.hidden = events.length > 0;
        arrange(this.list, [...events].reverse().map((event) => {
            const key = `${event.id}|${event.frame}|${event.text}`;
            if (!this.made.has(key)) {
                const when = el("span", { class: "minor" });
                this.made.set(key, { when, node: el("li", { class: `event-${event.severity}` },
                    el("span", { class: "event-sign" }, icon(SIGNS[event.severity] ?? "dot"), event.severity), el("code", {}, event.id), el("span", { class: "event-words" }, event.text), when) });
            }
            const { when, node } = this.made.get(key);
            const times = event.count > 1 ? `, ${general(event.count, 9)} times` : "";
            setText(when, `${known(event.time_ps) ? `at ${general(event.time_ps, 6)} ps` : ""}${times}`.replace(/^, /, ""));
            return node;
        }));
    }
}
