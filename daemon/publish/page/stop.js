// SPDX-License-Identifier: GPL-3.0-or-later
// stop.js - asks whether the run shall end, says what that does, and shows what the daemon answers.

import { el, setText } from "./dom.js";
import { general, percent } from "./format.js";
import { ask, openSignIn, roleNow } from "./session.js";

function consequences(row) {
    const error = percent(row.relative_error);
    return el("ul", {},
        el("li", {}, `The MD code is told to end after its next step and to write its restart files; it has run ${general(row.time_ps, 6)} ps.`),
        el("li", {}, `The daemon files what it has: D with a relative error of ${error === "–" ? "not known yet" : error}.`),
        el("li", {}, "The run can be continued later under the same run id; this cannot be taken back from here."));
}

export function openStop(row) {
    if (roleNow() !== "operator") {
        openSignIn(() => roleNow() === "operator" && openStop(row));
        return;
    }
    const said = el("p", { class: "said", role: "status" });
    const cancel = el("button", { type: "button", onclick: () => dialog.close() }, "Let it run");
    const stop = el("button", { type: "button", class: "danger" }, "Stop the run");
    const dialog = el("dialog", { "aria-labelledby": "stop-title", onclose: () => dialog.remove() },
        el("h2", { id: "stop-title" }, `Stop ${row.label}?`), consequences(row), said,
        el("div", { class: "choices" }, cancel, stop));
    stop.addEventListener("click", async () => {
        stop.disabled = true;
        const answer = await ask("POST", `/api/v1/runs/${encodeURIComponent(row.id)}/stop`, {});
        setText(said, answer.ok ? answer.text || "The run is asked to stop." : `Not stopped: ${answer.text}`);
        if (answer.ok) stop.remove();
        else stop.disabled = false;
        setText(cancel, "Close");
        cancel.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus();
}
