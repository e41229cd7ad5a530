// SPDX-License-Identifier: GPL-3.0-or-later
// figures.js - the plots of a run as figures (axes.js): which numbers of the record, in words too.

import { general, interval, known, percent, scientific, withError } from "./format.js";
import { looksOf } from "./palette.js";

const A2_PS_PER_CM2_S = 1e4;
const MEV_PER_THZ = 4.135667696;
const NOTHING = "nothing yet";

/* The groups to show: all, mobile, framework, and the species that are not the whole of one of these. */
export function groupsOf(record) {
    const { groups, run } = record;
    return Object.keys(groups).filter((name) => {
        if (["all", "mobile", "framework"].includes(name)) return groups[name].atoms > 0;
        const side = groups[(run.mobile ?? []).includes(name) ? "mobile" : "framework"];
        return side?.atoms !== groups[name].atoms;
    });
}

/* "mobile (Li)": who they are. */
export function groupLabel(record, name) {
    const { groups, run } = record;
    const mobile = run.mobile ?? [];
    const species = Object.keys(groups).filter((g) => !["all", "mobile", "framework"].includes(g));
    if (name === "mobile" && mobile.length) return `mobile (${mobile.join(", ")})`;
    const rest = species.filter((s) => !mobile.includes(s));
    if (name === "framework" && rest.length) return `framework (${rest.join(", ")})`;
    return name;
}

function leading(record) {
    return record.groups.mobile?.atoms > 0 ? "mobile" : "all";
}

function toggles(record, names, on) {
    const looks = looksOf(names);
    return names.map((name) => ({ tag: name, label: groupLabel(record, name), on: on(name), ...looks[name] }));
}

const isMain = (record) => (name) => name === leading(record) || name === "framework";

function fitSeries(group, name, log) {
    const [from, to] = group.fit_window_ps ?? [];
    const D = group.D_cm2_s?.value, c = group.msd_intercept_A2;
    if (![from, to, D, c].every(known)) return null;
    const x = log ? Array.from({ length: 33 }, (_, i) => from * (to / from) ** (i / 32)) : [from, to];
    return {
        name: "fit", tags: [name, "fit"], colour: "ink", dash: [5, 3], x,
        y: x.map((t) => 6 * D * A2_PS_PER_CM2_S * t + c),
    };
}

export function msdFigure(record, log) {
    const names = groupsOf(record).filter((name) => record.groups[name].msd?.lag_ps?.length > 1);
    const looks = looksOf(names), lead = leading(record), group = record.groups[lead];
    const series = names.map((name) => {
        const { lag_ps: x, msd_A2: y, stderr_A2: error } = record.groups[name].msd;
        return {
            name: groupLabel(record, name), tags: [name], ...looks[name], x, y,
            lo: error?.map((e, i) => (known(e) ? y[i] - e : y[i])), hi: error?.map((e, i) => (known(e) ? y[i] + e : y[i])),
        };
    });
    const fit = fitSeries(group, lead, log);
    const window = fit ? [{ from: fit.x[0], to: fit.x[fit.x.length - 1], label: "fit" }] : [];
    const last = group.msd?.lag_ps?.length - 1;
    const text = last > 0
        ? `Mean squared displacement against lag. ${groupLabel(record, lead)}: ${general(group.msd.msd_A2[last], 3)} Å² at ${general(group.msd.lag_ps[last], 3)} ps. `
          + (fit ? `Straight line from ${general(window[0].from, 4)} to ${general(window[0].to, 4)} ps: D is ${withError(group.D_cm2_s.value, group.D_cm2_s.stderr)} cm²/s.` : "No line is fitted yet.")
        : NOTHING;
    return {
        key: log ? "msd-log" : "msd", title: log ? "MSD, log–log" : "MSD, linear", text,
        note: "band: one standard error; grey: fit window",
        x: { label: "lag τ", name: "lag", unit: "ps", log }, y: { label: "MSD", name: "msd", unit: "Å²", log, zero: true },
        series: fit ? [...series, fit] : series, spans: window,
        toggles: [[...toggles(record, names, isMain(record)), ...(fit ? [{ tag: "fit", label: "fit", on: true, colour: "ink", dash: [5, 3] }] : [])]],
    };
}

export function diffusionFigure(record, target) {
    const h = record.history?.diffusion;
    const n = h?.time_ps?.length ?? 0;
    const lead = leading(record), D = record.groups[lead].D_cm2_s?.value;
    const label = groupLabel(record, lead);
    const series = n ? [{
        name: `D of ${label}`, tags: [], colour: lead, dash: null, x: h.time_ps, y: h.D_cm2_s,
        lo: h.lower_cm2_s, hi: h.upper_cm2_s.map((v) => (v === null ? Infinity : v)),
    }] : [];
    const spans = [];
    if (n && known(target) && known(D))
        series.push({
            name: `target ± ${percent(target, 0)}`, tags: [], colour: "all", dash: [4, 3], x: [h.time_ps[0], h.time_ps[n - 1]],
            y: [D * (1 + target), D * (1 + target)],
        }, { name: "", tags: [], colour: "all", dash: [4, 3], x: [h.time_ps[0], h.time_ps[n - 1]], y: [D * (1 - target), D * (1 - target)] });
    return {
        key: "d", title: "D against time", spans,
        note: `band: 95 % interval${series.length > 1 ? `; dashed: ±${percent(target, 0).replace(" ", "\u00a0")}` : ""}`,
        text: n ? `D of ${label} over ${general(h.time_ps[n - 1], 4)} ps of MD: ${withError(h.D_cm2_s[n - 1], h.stderr_cm2_s[n - 1])} cm²/s at the last check, 95 % interval ${interval([h.lower_cm2_s[n - 1], h.upper_cm2_s[n - 1]], scientific)} cm²/s, relative error ${percent(h.relative_error[n - 1])}${known(target) ? ` against a target of ${percent(target)}` : ""}.` : NOTHING,
        x: { label: "time", name: "time", unit: "ps", min: n ? 0 : undefined }, y: { label: "D", name: "D", unit: "cm²/s", zero: true },
        series, toggles: [],
    };
}

export function vacfFigure(record) {
    const names = groupsOf(record).filter((name) => record.groups[name].vacf?.c?.length > 1);
    const looks = looksOf(names), lead = leading(record);
    const c = record.groups[lead].vacf?.c ?? [], lag = record.groups[lead].vacf?.lag_fs ?? [];
    const crossing = c.findIndex((v) => v < 0);
    const series = names.map((name) => {
        const { lag_fs: x, c: values } = record.groups[name].vacf;
        return { name: groupLabel(record, name), tags: [name], ...looks[name], x, y: values.map((v) => (values[0] > 0 ? v / values[0] : null)) };
    });
    const end = decay(series);
    return {
        key: "vacf", title: "Velocity autocorrelation",
        text: names.length ? `Velocity autocorrelation over its value at lag zero, to ${general(lag[lag.length - 1], 4)} fs. ${groupLabel(record, lead)}: ${general(c[0], 3)} Å²/fs² at zero${crossing > 0 ? `, below zero first at ${general(lag[crossing], 3)} fs` : ""}.` : NOTHING,
        note: end ? `shown to ${general(end, 3)} of ${general(lag[lag.length - 1], 4)} fs` : "",
        x: { label: "lag τ", name: "lag", unit: "fs", min: 0, max: end }, y: { label: "C(τ) / C(0)", name: "c/c0", unit: "1" }, series,
        levels: [{ y: 0, label: "" }],
        toggles: [toggles(record, names, isMain(record))],
    };
}

/* To where all have decayed, and a bit; the files hold all of it. */
function decay(curves) {
    let end = 0;
    for (const { x, y } of curves) {
        const last = y.findLastIndex((v) => Math.abs(v) > 0.03);
        end = Math.max(end, x[last] ?? 0);
    }
    return Math.min(1.3 * end, Math.max(0, ...curves.map(({ x }) => x[x.length - 1]))) || undefined;
}

/* Beyond here no shown spectrum has anything to see. */
function spectrumEnd(spectra) {
    let end = 0;
    for (const { energy_meV: x, g } of spectra) {
        const floor = 0.004 * Math.max(...g);
        for (let i = g.length - 1; i >= 0; i--)
            if (g[i] > floor) {
                end = Math.max(end, x[Math.min(i + 2, x.length - 1)]);
                break;
            }
    }
    return end || undefined;
}

export function vdosFigure(record) {
    const names = groupsOf(record).filter((name) => record.groups[name].vdos?.g?.length > 1);
    const papers = names.filter((name) => record.groups[name].paper?.vdos?.g?.length > 1);
    const looks = looksOf(names), lead = leading(record);
    const both = papers.length > 0;
    const curve = (name, spectrum, method) => ({
        name: groupLabel(record, name) + (method === "paper" ? ", paper" : ""), tags: [name, method], ...looks[name],
        dash: method === "paper" ? [1.5, 2.5] : looks[name].dash, x: spectrum.energy_meV, y: spectrum.g,
        lo: spectrum.stderr?.some(known) ? spectrum.g.map((v, i) => v - (spectrum.stderr[i] ?? 0)) : undefined,
        hi: spectrum.stderr?.some(known) ? spectrum.g.map((v, i) => v + (spectrum.stderr[i] ?? 0)) : undefined,
    });
    const mean = record.groups[lead].omega_mean_meV;
    return {
        key: "vdos", title: "Vibrational density of states",
        note: known(record.run.vdos_resolution_meV) ? `resolution ${general(record.run.vdos_resolution_meV, 3)} meV; each curve has area one` : "",
        text: names.length ? `Vibrational density of states against energy, method physical${both ? ", and method paper" : ""}. ${groupLabel(record, lead)}: mean energy ${general(mean, 4)} meV (${general(mean / MEV_PER_THZ, 4)} THz).` : NOTHING,
        x: { label: "energy ħω", name: "energy", unit: "meV", min: 0, max: spectrumEnd([...names.map((n) => record.groups[n].vdos), ...papers.map((n) => record.groups[n].paper.vdos)]), second: { label: "f", unit: "THz", factor: 1 / MEV_PER_THZ } },
        y: { label: "g(ω)", name: "g", unit: "1/meV", zero: true },
        series: [...names.map((name) => curve(name, record.groups[name].vdos, "physical")), ...papers.map((name) => curve(name, record.groups[name].paper.vdos, "paper"))],
        toggles: [toggles(record, names, isMain(record)),
            ...(both ? [[{ tag: "physical", label: "method physical", on: true, colour: "ink", dash: null }, { tag: "paper", label: "method paper", on: false, colour: "ink", dash: [1.5, 2.5] }]] : [])],
    };
}

export const traces = {
    temperature_K: { title: "Temperature", label: "T", unit: "K", digits: 4 },
    energy_meV_atom: { title: "Energy", label: "E − E₀", unit: "meV/atom", digits: 3, relative: true },
    framework_msd_A2: { title: "MSD of the framework", label: "MSD", unit: "Å²", digits: 3, zero: true },
    volume_A3: { title: "Volume", label: "V", unit: "Å³", digits: 5 },
};

/* The energy is shown from its first value on: it is a small difference of large numbers. */
export function traceFigure(record, key) {
    const h = record.history?.health, trace = traces[key];
    const raw = h?.[key] ?? [];
    const first = trace.relative ? raw.find(known) : 0;
    const points = raw.map((v, i) => [h.time_ps[i], v]).filter(([, v]) => known(v));
    const y = points.map(([, v]) => v - first);
    const last = y[y.length - 1];
    const set = key === "temperature_K" ? record.run.temperature_K : null;
    return {
        key, title: trace.title,
        note: trace.relative && known(first) ? `E₀ = ${general(first, 6)} ${trace.unit}` : set && known(set) ? `set: ${general(set, 5)} K` : "",
        text: points.length ? `${trace.title} against time: ${general(last, trace.digits)} ${trace.unit}${trace.relative ? " above its first value" : ""} at ${general(points[points.length - 1][0], 4)} ps, between ${general(Math.min(...y), trace.digits)} and ${general(Math.max(...y), trace.digits)} so far.` : NOTHING,
        x: { label: "time", name: "time", unit: "ps", min: 0 }, y: { label: trace.label, name: key.replace(/_.*/, ""), unit: trace.unit, zero: trace.zero },
        series: points.length > 1 ? [{ name: trace.title, tags: [], colour: key === "framework_msd_A2" ? "framework" : "all", dash: null, x: points.map(([t]) => t), y }] : [],
        levels: known(set) ? [{ y: set, label: "set" }] : [], toggles: [],
    };
}

const K_EV = 8.617333262145179e-5;

export function arrheniusFigure(report, run) {
    const points = (report?.points ?? []).filter((p) => known(p.temperature_K) && p.D_cm2_s?.value > 0);
    const marks = (name, list, hollow, colour) => ({
        name, tags: [], colour, marks: true, line: false, hollow, x: list.map((p) => 1000 / p.temperature_K), y: list.map((p) => p.D_cm2_s.value),
        lo: list.map((p) => Math.max(p.D_cm2_s.value - p.D_cm2_s.stderr, p.D_cm2_s.value / 10)), hi: list.map((p) => p.D_cm2_s.value + p.D_cm2_s.stderr),
    });
    const here = points.filter((p) => p.run === run);
    const used = points.filter((p) => p.used && p.run !== run), left = points.filter((p) => !p.used && p.run !== run);
    const series = [[used, "other runs", false, "mobile"], [left, "left out", true, "all"], [here, "this run", false, "framework"]]
        .filter(([list]) => list.length).map(([list, name, hollow, colour]) => marks(name, list, hollow, colour));
    const fit = report?.fit;
    if (fit) {
        /* towards the temperature that is asked for, but not so far that the points shrink to one */
        const inverse = points.map((p) => 1000 / p.temperature_K), hot = Math.min(...inverse), cold = Math.max(...inverse);
        const x = [hot, Math.max(cold, Math.min(1000 / fit.D_cm2_s.temperature_K, cold + 0.6 * (cold - hot)))];
        series.unshift({ name: `E_a = ${general(fit.E_a_eV.value, 3)} eV`, tags: [], colour: "ink", dash: [5, 3], x, y: x.map((v) => Math.exp(fit.ln_D0.value - (fit.E_a_eV.value * v) / (1000 * K_EV))) });
    }
    return {
        key: "arrhenius", title: `Arrhenius plot${report?.material ? ` of ${report.material}` : ""}`,
        text: points.length ? `D against inverse temperature of ${points.length} run${points.length > 1 ? "s" : ""}, ${points.map((p) => `${general(p.temperature_K, 4)} K: ${withError(p.D_cm2_s.value, p.D_cm2_s.stderr)} cm²/s`).join("; ")}.` : NOTHING,
        x: { label: "1000 / T", name: "1000/T", unit: "1/K" }, y: { label: "D", name: "D", unit: "cm²/s", log: true },
        series, toggles: [], padded: true,
    };
}
