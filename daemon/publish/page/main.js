// SPDX-License-Identifier: GPL-3.0-or-later
// main.js - the page: which view is shown, what the stream brings, and how old it is.

import { el, setText } from "./dom.js";
import { loadExplanations } from "./explain.js";
import { duration } from "./format.js";
import { Overview } from "./overview.js";
import { setPrinting } from "./palette.js";
import { RunView } from "./run.js";
import { ask, openSignIn, refreshRole, startSession } from "./session.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";

const main = document.getElementById("main");
const banner = document.getElementById("banner");
const news = document.getElementById("news");
const link = document.getElementById("link");
const linkText = document.getElementById("link-text");
const store = new Store();
let view = null, earlier = false;

const stream = new Stream({
    rows: (rows, removed, all) => {
        store.putRows(rows, removed, all);
        if (all && earlier) archive(true);
    },
    beat: ({ time }) => time && store.setClock(time),
    record: (record) => store.putRecord(record),
    gone: lose,
    state: showLink,
});

function showRefusal() {
    banner.replaceChildren(el("span", {}, "Who looks at these runs has to sign in."), el("button", { type: "button", onclick: () => openSignIn(() => stream.now()) }, "Sign in"));
    banner.hidden = false;
    if (!document.querySelector("dialog[open]")) openSignIn(() => stream.now());
}

/* What is shown is either fresh or says how old it is. */
function showLink(state, changed) {
    link.dataset.state = state;
    setText(linkText, { live: "live", stale: "not live", refused: "not signed in" }[state] ?? state);
    if (state === "live") {
        if (changed) {
            if (!banner.hidden) setText(news, "The daemon is back; the data are fresh.");
            banner.hidden = true;
            refreshRole(); /* its token may be another */
        }
        return;
    }
    if (state === "refused" && changed) showRefusal();
    if (state !== "stale") return;
    if (changed) { /* the banner speaks once, its clock does not */
        const retry = el("button", { type: "button", onclick: () => stream.now() }, "Try now");
        const age = el("span", { "aria-live": "off" });
        banner.replaceChildren(el("span", {}, "No word from the daemon. What you see is old and does not change."), age, retry);
        banner.age = age;
        banner.hidden = false;
    }
    const wait = stream.retryAt ? Math.max(0, stream.retryAt - performance.now()) / 1000 : 0;
    setText(banner.age, `${duration(stream.silence / 1000)} without data, since ${stream.heardAt.toLocaleTimeString()}${wait >= 1 ? `; next try in ${Math.ceil(wait)} s` : ""}`);
}

async function archive(wanted) {
    earlier = wanted;
    if (!wanted) {
        store.dropArchived();
        return;
    }
    const answer = await ask("GET", "/api/v1/runs?all=1");
    if (answer.ok) store.putArchived(answer.body.runs ?? []);
}

/* The run that is looked at is no more; should it come back, the listing tells. */
function lose() {
    view.gone?.();
    stream.watch(null);
}

async function lookFor(run, shown) {
    const answer = await ask("GET", `/api/v1/runs/${encodeURIComponent(run)}`);
    if (view === shown && answer.status === 404) lose();
}

/* The first record comes by itself with the stream; asking says what is wrong when there is none. */
async function fetchRecord(run, shown) {
    const answer = await ask("GET", `/api/v1/runs/${encodeURIComponent(run)}?series=1`);
    if (view !== shown) return;
    if (answer.ok && !shown.record) store.putRecord(answer.body);
    else if (answer.status === 404) lose();
    else if (!answer.ok) shown.refuse(`No record yet: ${answer.text}`);
}

function route() {
    const match = /^#\/run\/([^?]+)/.exec(location.hash);
    const run = match ? decodeURIComponent(match[1]) : null;
    view?.destroy();
    store.record = null;
    view = run ? new RunView(store, run) : new Overview(store, archive, earlier);
    view.tellNews = (words) => setText(news, words);
    const shown = view;
    view.left = () => lookFor(shown.record.run.id, shown);
    main.replaceChildren(view.node);
    document.title = `${view.title} · ionwatch`;
    scrollTo(0, 0);
    stream.watch(run);
    if (run) fetchRecord(run, view);
}

store.subscribe((what) => {
    if (what === "rows" && view.id && !stream.run && store.find(view.id)) route();
    if (view) document.title = `${view.title} · ionwatch`;
});
document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); /* the hash names the view */
    main.focus();
});
addEventListener("hashchange", () => {
    route();
    main.focus({ preventScroll: true });
});
addEventListener("themechange", () => view?.themed?.());
for (const [when, on] of [["beforeprint", true], ["afterprint", false]])
    addEventListener(when, () => {
        setPrinting(on);
        if (on) view?.plots?.forEach((plot) => plot.show(true));
        view?.themed?.();
    });

route();
startSession(() => stream.now());
loadExplanations().catch(() => {});
