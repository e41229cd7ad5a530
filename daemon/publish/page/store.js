// SPDX-License-Identifier: GPL-3.0-or-later
// store.js - what the page knows: the rows of the listing and the record of the run that is looked at.

import { known } from "./format.js";

/* The words of the listing and of a record differ; the page reads one shape. */
function rowOf(raw) {
    const events = raw.events ?? {};
    return {
        ...raw,
        label: raw.name || raw.id,
        because: raw.health_reason || raw.stop_reason || events.last || "",
        warnings: events.warnings ?? 0,
        lastEvent: events.last ?? "",
    };
}

/* A record as a row: for runs that the listing does not hold. */
export function rowOfRecord(record) {
    const { run, convergence = {}, health = {} } = record;
    const mobile = record.groups?.mobile ?? record.groups?.all ?? {};
    return {
        id: run.id,
        name: run.name,
        label: run.name || run.id,
        state: run.state,
        state_reason: "",
        code: run.code,
        material: run.material,
        frames: run.frames,
        atoms: run.atoms,
        time_ps: run.time_ps,
        temperature_K: run.temperature_K,
        D_cm2_s: mobile.D_cm2_s?.value,
        stderr_cm2_s: mobile.D_cm2_s?.stderr,
        relative_error: convergence.relative_error,
        convergence: convergence.state,
        predicted_ps_to_target: convergence.predicted_ps_to_target,
        health: health.state,
        because: health.reason ?? "",
        warnings: (record.events ?? []).filter((e) => e.severity !== "note").length,
        lastEvent: "",
    };
}

export class Store {
    rows = new Map();
    record = null;
    clock = null;
    heard = false; /* rows have come */
    listeners = new Set();

    /* The clock of the daemon: that of a phone may be wrong. */
    setClock(time_s) {
        this.clock = { time_s, at: performance.now() };
    }

    age_s(updated) {
        const now_s = this.clock ? this.clock.time_s + (performance.now() - this.clock.at) / 1000 : Date.now() / 1000;
        return now_s - Date.parse(updated) / 1000;
    }

    subscribe(listener) {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    tell(what) {
        for (const listener of this.listeners) listener(what);
    }

    /* all: nothing else exists any more. */
    putRows(rows, removed = [], all = false) {
        if (all) {
            const there = new Set(rows.map((row) => row.id));
            for (const [id, row] of this.rows) if (!there.has(id) && !row.archived) this.rows.delete(id);
        }
        for (const row of rows) this.rows.set(row.id, rowOf(row));
        for (const id of removed) this.rows.delete(id);
        this.heard = true;
        this.tell("rows");
    }

    /* Runs of former days, which the stream does not tell of. */
    putArchived(rows) {
        for (const row of rows)
            if (!this.rows.has(row.id)) this.rows.set(row.id, { ...rowOf(row), archived: true });
        this.tell("rows");
    }

    dropArchived() {
        for (const [id, row] of this.rows) if (row.archived) this.rows.delete(id);
        this.tell("rows");
    }

    putRecord(record) {
        this.record = record;
        this.tell("record");
    }

    /* By id or by name, as the command line takes them. */
    find(run) {
        if (this.rows.has(run)) return this.rows.get(run);
        const named = [...this.rows.values()].filter((row) => row.name === run);
        return named.length === 1 ? named[0] : null;
    }
}

/* The share of the work that is done, by the error: it falls as one over the root of time. */
export function errorShare(row) {
    return known(row.relative_error) && known(row.target) && row.target > 0
        ? row.relative_error / row.target : null;
}
