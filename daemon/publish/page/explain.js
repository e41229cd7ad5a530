// SPDX-License-Identifier: GPL-3.0-or-later
// explain.js - what a number means, on hover and on focus; the words are those of `ionwatch explain`.

import { el, setText } from "./dom.js";

const rows = new Map();
const tip = document.getElementById("tip");
let owner = null;

export async function loadExplanations() {
    const answer = await fetch("/api/v1/explain");
    if (!answer.ok) return;
    const body = await answer.json();
    for (const row of Array.isArray(body) ? body : body.explain ?? [])
        for (const key of row.key.split(" ")) rows.set(key, row);
}

/* A word that explains itself: key is that of the JSON. */
export function term(text, key) {
    return el("button", { type: "button", class: "term", "data-explain": key }, text);
}

function hide() {
    if (!owner) return;
    owner.removeAttribute("aria-describedby");
    owner = null;
    tip.hidden = true;
}

function place(target) {
    const box = target.getBoundingClientRect();
    const width = Math.min(420, innerWidth - 16);
    tip.style.width = `${width}px`;
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - width - 8)) + scrollX}px`;
    const below = box.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.top = `${(below ? box.bottom + 8 : box.top - tip.offsetHeight - 8) + scrollY}px`;
}

function show(target) {
    const row = rows.get(target.dataset.explain);
    if (!row || target === owner) return;
    hide();
    owner = target;
    setText(tip, row.text);
    tip.hidden = false;
    owner.setAttribute("aria-describedby", "tip");
    place(target);
}

const ownerOf = (event) => (event.target instanceof Element ? event.target.closest("[data-explain]") : null);
document.addEventListener("mouseover", (event) => {
    const target = ownerOf(event);
    if (target) show(target);
    else if (owner && document.activeElement !== owner && event.target !== tip) hide();
});
document.addEventListener("focusin", (event) => {
    const target = ownerOf(event);
    if (target) show(target);
    else hide();
});
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
});
document.addEventListener("click", (event) => {
    if (!ownerOf(event)) hide();
});
