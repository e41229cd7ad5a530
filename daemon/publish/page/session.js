// SPDX-License-Identifier: GPL-3.0-or-later
// session.js - who may do what: the role of this page, and the form for a token.  The token goes to
// the daemon once and is kept nowhere; the session is a cookie that scripts cannot read.

import { el, setText } from "./dom.js";

const HEADERS = { "Content-Type": "application/json", "X-Ionwatch": "1" };
const listeners = new Set();
const button = document.getElementById("sign-in");
let role = "none";

export const roleNow = () => role;

export function onRole(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

function become(next) {
    const changed = next !== role;
    role = next;
    setText(button, role === "operator" ? "Sign out (operator)" : "Sign in");
    if (changed) for (const listener of listeners) listener(role);
}

/* { ok, text, body } of an answer, whatever it was. */
export async function ask(method, path, body) {
    try {
        const answer = await fetch(path, { method, headers: HEADERS, body: body === undefined ? undefined : JSON.stringify(body) });
        const words = await answer.json().catch(() => ({}));
        return { ok: answer.ok, status: answer.status, body: words, text: words.error?.text ?? words.text ?? answer.statusText };
    } catch {
        return { ok: false, status: 0, body: {}, text: "the daemon does not answer" };
    }
}

export async function refreshRole() {
    const answer = await ask("GET", "/api/v1/session");
    if (answer.ok) become(answer.body.role ?? "none");
}

export function openSignIn(onDone = () => {}) {
    const field = el("input", { type: "password", id: "token", autocomplete: "current-password", required: true, spellcheck: "false" });
    const said = el("p", { class: "said", role: "status" });
    const dialog = el("dialog", { "aria-labelledby": "sign-in-title", onclose: () => dialog.remove() },
        el("form", { method: "dialog" },
            el("h2", { id: "sign-in-title" }, "Sign in"),
            el("p", {}, "The file http_tokens in the data folder of the daemon holds two tokens: one to read, one to stop runs, too."),
            el("label", { for: "token" }, "Token"), field, said,
            el("div", { class: "choices" },
                el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
                el("button", { type: "submit", class: "strong" }, "Sign in"))));
    dialog.querySelector("form").addEventListener("submit", async (event) => {
        event.preventDefault();
        const answer = await ask("POST", "/api/v1/session", { token: field.value.trim() });
        field.value = "";
        if (!answer.ok) {
            setText(said, `Not let in: ${answer.text}`);
            field.focus();
            return;
        }
        await refreshRole();
        dialog.close();
        onDone();
    });
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
}

export function startSession(onDone) {
    button.addEventListener("click", async () => {
        if (role !== "operator") {
            openSignIn(onDone);
            return;
        }
        await ask("DELETE", "/api/v1/session");
        become("none");
        await refreshRole();
        onDone();
    });
    return refreshRole();
}
