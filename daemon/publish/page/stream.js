// SPDX-License-Identifier: GPL-3.0-or-later
// stream.js - the event stream of the daemon: opened again by itself, and never silently old.

const STALE_MS = 6000; /* three beats were missed */
const HIDDEN_MS = 5000;
const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 5000;

export class Stream {
    /* on: { rows(rows, removed, first), record(record), beat({ time }), gone(), state(state) } with connecting, live, resting, stale, refused */
    constructor(on) {
        this.on = on;
        this.run = null;
        this.source = null;
        this.wait = FIRST_WAIT_MS;
        this.heard = performance.now();
        this.heardAt = new Date();
        this.timer = 0;
        this.retryAt = 0;
        this.state = "connecting";
        setInterval(() => this.check(), 500);
        addEventListener("online", () => this.now());
        document.addEventListener("visibilitychange", () => this.rest());
    }

    /* A browser has six connections to a daemon: what nobody looks at leaves its own to others. */
    rest() {
        clearTimeout(this.sleep);
        if (document.hidden) {
            this.sleep = setTimeout(() => {
                clearTimeout(this.timer);
                this.source?.close();
                this.source = null;
                this.resting = true;
                this.tell("resting");
            }, HIDDEN_MS);
        } else if (this.resting || !this.source) {
            this.tell("connecting");
            this.now();
        }
    }

    /* run: whose record comes too, or null. */
    watch(run) {
        this.run = run;
        this.wait = FIRST_WAIT_MS;
        this.open();
    }

    now() {
        this.wait = FIRST_WAIT_MS;
        this.open();
    }

    open() {
        clearTimeout(this.timer);
        this.retryAt = 0;
        if (this.resting) this.heard = performance.now(); /* its silence was our own */
        this.resting = false;
        this.source?.close();
        const query = this.run ? `?run=${encodeURIComponent(this.run)}` : "";
        const source = new EventSource(`/api/v1/stream${query}`);
        let first = true;
        this.source = source;
        const listen = (name, take) => source.addEventListener(name, (event) => {
            if (source !== this.source) return;
            this.listened();
            take(event.data ? JSON.parse(event.data) : {});
        });
        listen("runs", (data) => {
            this.on.rows(data.runs ?? [], data.removed ?? [], data.all ?? first);
            first = false;
        });
        listen("run", (data) => this.on.record(data));
        listen("beat", (data) => this.on.beat(data));
        source.onerror = () => {
            if (source === this.source) this.lost();
        };
    }

    listened() {
        this.heard = performance.now();
        this.heardAt = new Date();
        this.wait = FIRST_WAIT_MS;
        this.tell("live");
    }

    /* The browser would try again every few seconds for ever, and never after an HTTP error. */
    async lost() {
        this.source.close();
        this.source = null;
        this.schedule();
        const { run } = this;
        const role = await fetch("/api/v1/session").then((answer) => answer.json()).catch(() => null);
        if (role?.role !== "none") {
            const answer = role && run ? await fetch(`/api/v1/runs/${encodeURIComponent(run)}`).catch(() => null) : null;
            if (answer?.status === 404 && run === this.run) this.on.gone(); /* there is no stream of it */
            return;
        }
        clearTimeout(this.timer); /* asking again would not help */
        this.resting = true;
        this.tell("refused");
    }

    schedule() {
        const wait = this.wait * (0.8 + 0.4 * Math.random());
        this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
        this.retryAt = performance.now() + wait;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.open(), wait);
    }

    get silence() {
        return performance.now() - this.heard;
    }

    check() {
        if (this.resting || this.silence <= STALE_MS) return;
        this.tell("stale");
        /* a half-open connection says nothing, ever */
        if (this.source && this.source.readyState === EventSource.OPEN && this.silence > 2 * STALE_MS) this.lost();
    }

    tell(state) {
        const changed = state !== this.state;
        this.state = state;
        if (changed || state === "stale") this.on.state(state, changed);
    }
}
