// SPDX-License-Identifier: GPL-3.0-or-later
// states.js - what a run has come to and what it is doing, each as a word, a shape and a colour.

import { el, icon, setText, setAttribute } from "./dom.js";

/* In the order of the counts on top of the overview; `rank` sorts by what wants to be looked at. */
export const verdicts = {
    converged: { word: "converged", shape: "check", rank: 6, meaning: "D is known to the precision that was asked for" },
    converging: { word: "converging", shape: "half", rank: 5, meaning: "D is known, not yet to the precision that was asked for" },
    early: { word: "no D yet", shape: "ring", rank: 4, meaning: "too little has been seen to judge" },
    short: { word: "not converged", shape: "half", rank: 3, meaning: "it ended before D was known to the precision that was asked for" },
    futile: { word: "futile", shape: "minus", rank: 2, meaning: "the answer is out of reach, or of no interest" },
    melted: { word: "melted", shape: "drop", rank: 0, meaning: "the framework melted: what it gives from here on is no physics of a solid" },
    broken: { word: "broken", shape: "cross", rank: 1, meaning: "the simulation is broken: what it gives from here on is no physics" },
};

/* row: a row of the listing, or summary() of a record. */
export function verdictOf(row) {
    if (row.health === "broken" || row.convergence === "broken")
        return /melt/.test(row.because) ? "melted" : "broken";
    if (row.convergence === "converged" || row.convergence === "futile") return row.convergence;
    if (!isGoing(row.state)) return "short";
    return row.convergence === "converging" ? "converging" : "early";
}

const GOING = ["running", "stalled", "waiting for disk", "reopening", "ending"];
export const isGoing = (state) => GOING.includes(state);
export const isHeldUp = (state) => state === "stalled" || state === "waiting for disk" || state === "unfiled";

const SHAPES = { running: "play", stalled: "pause", "waiting for disk": "pause", reopening: "play", ending: "play" };

class Sign {
    constructor() {
        this.node = el("span", { class: "sign" });
        this.word = el("span");
    }

    set(kind, shape, word) {
        if (!setText(this.word, word) && this.kind === kind) return;
        this.kind = kind;
        this.node.className = `sign ${kind}`;
        this.node.replaceChildren(icon(shape), this.word);
    }
}

export class VerdictSign extends Sign {
    update(key) {
        const verdict = verdicts[key];
        this.set(`verdict-${key}`, verdict.shape, verdict.word);
        setAttribute(this.node, "title", verdict.meaning);
    }
}

export class LifeSign extends Sign {
    update(state) {
        const kind = isHeldUp(state) ? "life-held" : isGoing(state) ? "life-going" : "life-ended";
        this.set(kind, SHAPES[state] ?? (isHeldUp(state) ? "pause" : "stop"), state || "unknown");
    }
}

export class HealthSign extends Sign {
    update(health) {
        const shape = { good: "dot", warning: "triangle", broken: "cross" }[health];
        if (shape) this.set(`health-${health}`, shape, health);
        else this.set("health-none", "none", "–");
    }
}
