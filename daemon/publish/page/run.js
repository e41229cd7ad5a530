// SPDX-License-Identifier: GPL-3.0-or-later
// run.js - one run: what it has come to, its curves, its tables, and the button that ends it.

import { el, setAttribute, setText } from "./dom.js";
import { term } from "./explain.js";
import { arrheniusFigure, diffusionFigure, groupLabel, msdFigure, traceFigure, traces, vacfFigure, vdosFigure } from "./figures.js";
import { duration, general, interval, known, NONE, percent, plusMinus, scientific, withError, withUnit } from "./format.js";
import { Plot } from "./plots.js";
import { onRole, roleNow } from "./session.js";
import { isGoing, isHeldUp, HealthSign, LifeSign, VerdictSign, verdictOf, verdicts } from "./states.js";
import { rowOfRecord } from "./store.js";
import { openStop } from "./stop.js";
import { DiffusionTable, Events, Facts, healthFacts, transportFacts, VibrationTable } from "./tables.js";

const SIBLINGS_EVERY_MS = 15000;

function section(id, title, ...inside) {
    return el("section", { "aria-labelledby": `${id}-title`, id }, el("h2", { id: `${id}-title` }, title), ...inside);
}

function plan(record, run) {
    return [
        ["Material", null, run.material ? `${run.material}${run.formula && run.formula !== run.material ? ` (${run.formula})` : ""}` : ""],
        ["Code", null, [run.code, run.code_version].filter(Boolean).join(" ")],
        ["Temperature", "temperature_K", known(run.temperature_K) ? `${general(run.temperature_K, 5)} K${known(run.temperature_measured_K) ? `, measured ${run.temperature_measured_K.toFixed(1)} K` : ""}` : "not known"],
        ["MD time", "time_ps", `${withUnit(general(run.time_ps, 6), "ps")}${run.segments > 1 ? ` in ${run.segments} segments` : ""}`],
        ["Frames", "frames", `${general(run.frames, 6)} of ${general(run.atoms, 6)} atoms${known(run.dt_fs) ? `, ${general(run.dt_fs, 6)} fs apart` : ""}`],
        ["Mobile", null, (run.mobile ?? []).join(", ") || "none known"],
        ["Left out at the start", "skipped_ps", record.equilibration?.skipped_ps > 0 ? `${general(record.equilibration.skipped_ps, 5)} ps` : ""],
        ["Velocities", null, run.velocity_source],
        ["Drift held still", null, run.drift],
        ["Run id", null, run.id],
    ];
}

function prediction(convergence) {
    const more = convergence.predicted_ps_to_target, [low, high] = convergence.predicted_ps_ci95 ?? [];
    if (known(more) && more > 0) return `about ${general(more, 3)} ps more${known(low) && known(high) ? ` (${general(low, 3)} to ${general(high, 3)} ps)` : ""}`;
    if (!known(more) && low > 0) return `at least ${general(low, 3)} ps more`;
    return convergence.state === "converged" ? "reached" : NONE;
}

export class RunView {
    constructor(store, id) {
        this.store = store;
        this.id = id;
        this.build();
        const left = [store.subscribe((what) => this.changed(what)), onRole(() => this.role())];
        const clock = setInterval(() => this.silence(), 1000), siblings = setInterval(() => this.siblings(), SIBLINGS_EVERY_MS);
        this.destroy = () => {
            left.forEach((leave) => leave());
            clearInterval(clock);
            clearInterval(siblings);
            this.plots.forEach((plot) => plot.destroy());
        };
        this.silence();
    }

    get title() {
        return this.row?.label ?? this.id;
    }

    build() {
        this.verdict = new VerdictSign();
        this.life = new LifeSign();
        this.health = new HealthSign();
        this.heading = el("h1", {}, this.id);
        this.reason = el("p", { class: "reason" });
        this.silent = el("p", { class: "silent", role: "status", hidden: true });
        this.stop = el("button", { type: "button", class: "danger", hidden: true, onclick: () => openStop(this.row) }, "Stop the run …");
        this.whole = el("a", { class: "button", download: "", hidden: true }, "Record, full series (JSON)");
        this.big = el("p", { class: "big" });
        this.bigUnder = new Facts();
        this.facts = new Facts();
        this.content = el("div", { hidden: true });
        this.wait = el("p", { class: "nothing" }, "Waiting for the record of this run …");
        this.signs = el("p", { class: "signs", hidden: true }, this.verdict.node, this.life.node, el("span", { class: "health-word" }, "health ", this.health.node));
        this.fill();
        this.node = el("article", { class: "run" },
            el("nav", { "aria-label": "Way back" }, el("a", { href: "#/" }, "← all runs")),
            el("header", { class: "run-head" }, el("div", {}, this.heading, this.signs, this.reason, this.silent), el("div", { class: "run-actions" }, this.whole, this.stop)),
            this.wait, this.content);
    }

    fill() {
        this.figures = {
            msdLog: new Plot(), msd: new Plot(), d: new Plot(), vdos: new Plot(), vacf: new Plot(), arrhenius: new Plot(),
            ...Object.fromEntries(Object.keys(traces).map((key) => [key, new Plot()])),
        };
        this.plots = Object.values(this.figures);
        const f = this.figures;
        this.diffusion = new DiffusionTable();
        this.vibration = new VibrationTable();
        this.transport = new Facts();
        this.findings = new Facts();
        this.healthWords = el("p", { class: "reason" });
        this.events = new Events();
        this.arrheniusFacts = new Facts();
        this.arrheniusWords = el("p", { class: "reason" });
        this.transportSection = section("transport", "Transport of charge", this.transport.node);
        this.arrheniusSection = section("arrhenius", "Runs of this material at other temperatures",
            el("div", { class: "beside" }, f.arrhenius.node, el("div", {}, this.arrheniusFacts.node, this.arrheniusWords)));
        this.content.append(
            el("section", { class: "summary", "aria-label": "Summary" },
                el("div", { class: "answer" }, el("p", { class: "answer-name" }, term("Diffusion coefficient", "D_cm2_s"), this.who = el("span")), this.big, this.bigUnder.node), this.facts.node),
            section("diffusion", "Diffusion", el("div", { class: "plots" }, f.d.node, f.msd.node, f.msdLog.node), this.diffusion.node),
            section("vibrations", "Vibrations", el("div", { class: "plots two" }, f.vdos.node, f.vacf.node), this.vibration.switches, this.vibration.node),
            this.transportSection,
            section("health", "Health of the simulation", this.healthWords, this.findings.node, el("div", { class: "plots small" }, ...Object.keys(traces).map((key) => f[key].node))),
            this.arrheniusSection,
            section("events", "Events", this.events.node));
    }

    changed(what) {
        if (what === "record") this.show(this.store.record);
        else if (this.record) this.listing();
    }

    /* A run that has left the listing was removed, or is one of a former day. */
    listing() {
        if (this.listed && !this.store.rows.has(this.record.run.id)) this.left?.();
        this.head();
    }

    /* words: why there is no record. */
    refuse(words) {
        if (!this.record) setText(this.wait, words);
    }

    /* There is no such run, or no more. */
    gone() {
        if (this.record) {
            this.removed ??= new Date();
            this.head();
        } else this.wait.replaceChildren(`There is no run “${this.id}”, here or in the database: it was removed, or the link is wrong. `, el("a", { href: "#/" }, "All runs"));
    }

    show(record) {
        if (!record?.run) return;
        const first = !this.record;
        this.record = record;
        this.wait.hidden = true;
        this.content.hidden = false;
        this.head();
        this.summary();
        this.draw();
        this.diffusion.update(record);
        this.vibration.update(record);
        this.transportSection.hidden = !record.transport;
        if (record.transport) this.transport.update(transportFacts(record.transport));
        setText(this.healthWords, record.health?.reason ?? "");
        this.findings.update(healthFacts(record.health ?? {}));
        this.events.update(record.events ?? []);
        if (first) this.siblings();
    }

    head() {
        const { record } = this;
        const before = this.row ? verdictOf(this.row) : null;
        this.listed = this.store.rows.has(record.run.id);
        this.row = { ...rowOfRecord(record), ...(this.store.rows.get(record.run.id) ?? {}) };
        if (record.health) this.row.health = record.health.state;
        if (record.health?.state === "broken") this.row.because = record.health.reason;
        this.row.convergence = record.convergence?.state ?? this.row.convergence;
        const verdict = verdictOf(this.row);
        if (before && before !== verdict) this.tellNews?.(`${this.row.label} is ${verdicts[verdict].word}`);
        this.verdict.update(verdict);
        this.life.update(this.row.state);
        this.health.update(record.health?.state);
        setText(this.heading, this.row.label);
        setText(this.reason, record.convergence?.reason ?? "");
        this.signs.hidden = false;
        this.whole.hidden = Boolean(this.removed);
        setAttribute(this.whole, "href", `/api/v1/runs/${encodeURIComponent(record.run.id)}?series=full`);
        setAttribute(this.whole, "download", `${record.run.id}.json`);
        this.role();
        this.silence();
    }

    role() {
        this.stop.hidden = !(this.row && isGoing(this.row.state)) || Boolean(this.removed);
        this.stop.classList.toggle("asks", roleNow() !== "operator");
        setText(this.stop, roleNow() === "operator" ? "Stop the run …" : "Stop the run (sign in) …");
    }

    /* The run may be silent while the daemon is not: that is another matter than old data. */
    silence() {
        const held = this.row && isHeldUp(this.row.state);
        this.silent.hidden = !held && !this.removed;
        if (this.removed) {
            setText(this.silent, `This run was removed: since ${this.removed.toLocaleTimeString()} it is neither here nor in the database. What you see is the last that was known of it.`);
            return;
        }
        if (!held) return;
        const since = this.store.age_s(this.row.updated);
        const words = this.row.state === "stalled" ? "The adapter of this run is silent" : `This run is ${this.row.state}`;
        setText(this.silent, `${words}${known(since) && since > 0 ? `; its last numbers are ${duration(since)} old` : ""}. The daemon answers.${this.row.state_reason ? ` ${this.row.state_reason}` : ""}`);
    }

    summary() {
        const { record } = this, { groups, convergence = {} } = record;
        const lead = groups.mobile?.atoms > 0 ? "mobile" : "all", group = groups[lead], D = group.D_cm2_s ?? {};
        const target = this.row.target;
        setText(this.who, ` of ${groupLabel(record, lead)}`);
        setText(this.big, withUnit(withError(D.value, D.stderr), "cm²/s"));
        this.bigUnder.update([
            ["95 % interval", "ci95", withUnit(interval(D.ci95, scientific), "cm²/s")],
            ["Relative error", "relative_error", known(convergence.relative_error) ? `${percent(convergence.relative_error)}${known(target) ? `, target ${percent(target, 0)}` : ""}` : NONE],
            ["To the target", "predicted_ps_to_target", prediction(convergence)],
            ["α in the fit", "alpha", known(group.alpha) ? group.alpha.toFixed(2) : NONE],
            ["Effective hops", "effective_hops", general(group.effective_hops, 3)],
            ["Beware", null, group.warning ?? ""],
            ...(convergence.decisions ?? []).map((d) => [`Rule ${d.rule}`, null, `${d.action === "stop" ? "asked" : "advised"} to stop at ${general(d.time_ps, 6)} ps${d.saved_ps > 0 ? `, ${general(d.saved_ps, 4)} ps saved` : ""}${d.holds === false ? "; it no longer holds" : ""}`]),
        ]);
        this.facts.update(plan(record, record.run));
    }

    draw() {
        const { record, figures: f } = this, name = this.row.label;
        f.msdLog.update(msdFigure(record, true), name);
        f.msd.update(msdFigure(record, false), name);
        f.d.update(diffusionFigure(record, this.row.target), name);
        f.vdos.update(vdosFigure(record), name);
        f.vacf.update(vacfFigure(record), name);
        for (const key of Object.keys(traces)) {
            const figure = traceFigure(record, key);
            f[key].node.hidden = !figure.series.length;
            f[key].update(figure, name);
        }
    }

    /* The runs of the same material: asked for while somebody looks, they change slowly. */
    async siblings() {
        if (!this.record || document.hidden) return;
        const answer = await fetch(`/api/v1/arrhenius?run=${encodeURIComponent(this.record.run.id)}`).catch(() => null);
        const report = answer?.ok ? await answer.json() : null;
        this.arrheniusSection.hidden = !report?.points?.length;
        if (!report?.points?.length) return;
        this.figures.arrhenius.update(arrheniusFigure(report, this.record.run.id), report.material);
        const fit = report.fit;
        this.arrheniusFacts.update(fit ? [
            ["Activation energy", "E_a_eV", withUnit(plusMinus(fit.E_a_eV.value, fit.E_a_eV.stderr), "eV")],
            ["95 % interval", "ci95", withUnit(interval(fit.E_a_eV.ci95, (v) => general(v, 3)), "eV")],
            [`D at ${general(fit.D_cm2_s.temperature_K, 4)} K`, "D300_cm2_s", withUnit(withError(fit.D_cm2_s.value, fit.D_cm2_s.stderr), "cm²/s")],
            ["Runs", null, `${fit.runs} at ${fit.temperatures} temperatures`],
            ["p of the line", "p_value", general(fit.p_value, 2)],
        ] : []);
        setText(this.arrheniusWords, [report.reason, ...(report.warnings ?? [])].filter(Boolean).join(". "));
    }

    themed() {
        this.plots.forEach((plot) => plot.figure && plot.update(plot.figure, plot.name));
    }
}
