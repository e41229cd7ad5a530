// SPDX-License-Identifier: GPL-3.0-or-later
// dom.js - elements without markup: every text of a run goes through a text node, so that it is inert.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

export function el(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

/* A symbol of index.html; what it means stands beside it in words. */
export function icon(name) {
    return svg("svg", { class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
        svg("use", { href: `#i-${name}` }));
}

/* Writes only what changed: a patch of 200 rows touches few nodes. */
export function setText(node, text) {
    if (node.shown === text) return false;
    node.shown = text;
    node.textContent = text;
    return true;
}

export function setAttribute(node, name, value) {
    if (value === null) node.removeAttribute(name);
    else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/* Puts nodes in this order below parent; those that stand right are not touched, and who is moved
 * keeps the focus. */
export function arrange(parent, nodes) {
    const focused = parent.contains(document.activeElement) ? document.activeElement : null;
    let at = parent.firstChild;
    for (const node of nodes) {
        if (node === at) at = at.nextSibling;
        else parent.insertBefore(node, at);
    }
    while (at) {
        const next = at.nextSibling;
        at.remove();
        at = next;
    }
    if (focused && focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}
