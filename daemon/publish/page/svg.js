// SPDX-License-Identifier: GPL-3.0-or-later
// svg.js - a figure as a drawing to print: one column of a journal, axes on all sides, legend below the title.

import { axisTitle, powerOf, rangesOf, ticksOf } from "./axes.js";
import { colourOf, paper } from "./palette.js";

const WIDTH = 510, HEIGHT = 360;
const BOX = { left: 68, right: 496, top: 18, bottom: 310 };
const FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif";

const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const place = (value) => (Math.round(value * 100) / 100).toString();

function scale(axis, [low, high], from, to) {
    if (axis.log) {
        const [a, b] = [Math.log10(low), Math.log10(high)];
        return (value) => from + ((to - from) * (Math.log10(value) - a)) / (b - a);
    }
    return (value) => from + ((to - from) * (value - low)) / (high - low);
}

const label = (text, x, y, more = "") =>
    `<text x="${place(x)}" y="${place(y)}" ${more}>${escaped(text)}</text>`;

/* Runs of points that are known, as paths. */
function path(series, X, Y, values, logY) {
    let out = "", pen = "M";
    series.x.forEach((x, i) => {
        const y = values[i];
        const good = Number.isFinite(X(x)) && y !== null && Number.isFinite(y) && (!logY || y > 0);
        if (good) out += `${pen}${place(X(x))} ${place(Y(y))}`;
        pen = good ? "L" : "M";
    });
    return out;
}

function band(series, X, Y, floor, logY) {
    const clipped = series.lo.map((lo) => (logY && !(lo > floor) ? floor : lo));
    const there = series.x.map((x, i) => i).filter((i) =>
        Number.isFinite(X(series.x[i])) && Number.isFinite(clipped[i]) && Number.isFinite(series.hi[i])
        && series.hi[i] !== null && clipped[i] !== null && (!logY || series.hi[i] > 0));
    const point = (list) => (i) => `${place(X(series.x[i]))} ${place(Y(list[i]))}`;
    return there.length < 2 ? "" :
        `M${there.map(point(series.hi)).join("L")}L${there.reverse().map(point(clipped)).join("L")}Z`;
}

function whiskers(series, X, Y, colour) {
    return series.x.map((x, i) => {
        const [cx, cy] = [place(X(x)), place(Y(series.y[i]))];
        const bar = series.lo && series.hi[i] > 0 ? `<path d="M${cx} ${place(Y(series.lo[i]))}V${place(Y(series.hi[i]))}" stroke="${colour}"/>` : "";
        return `${bar}<circle cx="${cx}" cy="${cy}" r="3.2" fill="${series.hollow ? "#ffffff" : colour}" stroke="${colour}"/>`;
    }).join("");
}

function drawSeries(series, X, Y, figure, ranges) {
    const colour = colourOf(paper, series.colour);
    const dash = series.dash ? ` stroke-dasharray="${series.dash.join(" ")}"` : "";
    let out = "";
    if (series.lo && !series.marks)
        out += `<path d="${band(series, X, Y, ranges.y[0], figure.y.log)}" fill="${colour}" fill-opacity="0.18" stroke="none"/>`;
    if (series.line !== false)
        out += `<path d="${path(series, X, Y, series.y, figure.y.log)}" stroke="${colour}" stroke-width="1.6"${dash}/>`;
    if (series.marks) out += whiskers(series, X, Y, colour);
    return out;
}

function axesOf(figure, ranges, X, Y) {
    const powers = { x: powerOf(figure.x, ranges.x), y: powerOf(figure.y, ranges.y) };
    let out = "";
    for (const { v, label: name } of ticksOf(figure.x, ranges.x, 7, powers.x)) {
        const x = place(X(v)), size = name ? 6 : 3;
        out += `<path d="M${x} ${BOX.bottom}v-${size}M${x} ${BOX.top}v${figure.x.second ? 0 : size}"/>`;
        if (name) out += label(name, X(v), BOX.bottom + 16, 'text-anchor="middle" font-size="11.5"');
    }
    for (const { v, label: name } of ticksOf(figure.y, ranges.y, 6, powers.y)) {
        const y = place(Y(v)), size = name ? 6 : 3;
        out += `<path d="M${BOX.left} ${y}h${size}M${BOX.right} ${y}h-${size}"/>`;
        if (name) out += label(name, BOX.left - 7, Y(v) + 4, 'text-anchor="end" font-size="11.5"');
    }
    out += label(axisTitle(figure.x, powers.x), (BOX.left + BOX.right) / 2, HEIGHT - 12, 'text-anchor="middle" font-size="13"');
    out += label(axisTitle(figure.y, powers.y), 0, 0,
        `text-anchor="middle" font-size="13" transform="translate(16 ${(BOX.top + BOX.bottom) / 2}) rotate(-90)"`);
    return out;
}

/* THz above, where meV stand below. */
function secondAxis(figure, ranges, X) {
    const second = figure.x.second;
    if (!second) return "";
    const range = ranges.x.map((v) => v * second.factor);
    return ticksOf({ log: false }, range, 7).map(({ v, label: name }) => {
        const x = X(v / second.factor);
        return `<path d="M${place(x)} ${BOX.top}v6"/>${label(name, x, BOX.top - 5, 'text-anchor="middle" font-size="11.5"')}`;
    }).join("") + label(second.unit, BOX.right, BOX.top - 5, 'text-anchor="end" font-size="11.5"');
}

function legend(figure, series) {
    const named = series.filter((s) => s.name);
    if (named.length < 2) return "";
    const right = figure.x.log && figure.y.log; /* such curves rise: there is room on the left */
    const x = right ? BOX.left + 14 : BOX.right - 150;
    return named.map((s, i) => {
        const y = BOX.top + 18 + 16 * i;
        const dash = s.dash ? ` stroke-dasharray="${s.dash.join(" ")}"` : "";
        const colour = colourOf(paper, s.colour);
        const sign = s.line === false ? `<circle cx="${x + 12}" cy="${y - 4}" r="3.2" fill="${s.hollow ? "#ffffff" : colour}" stroke="${colour}"/>`
            : `<path d="M${x} ${y - 4}h24" stroke="${colour}" stroke-width="1.6"${dash}/>`;
        return sign + label(s.name, x + 30, y, 'font-size="11.5"');
    }).join("");
}

export function drawSvg(figure, series) {
    const ranges = rangesOf(figure, series);
    const X = scale(figure.x, ranges.x, BOX.left, BOX.right);
    const Y = scale(figure.y, ranges.y, BOX.bottom, BOX.top);
    const box = `x="${BOX.left}" y="${BOX.top}" width="${BOX.right - BOX.left}" height="${BOX.bottom - BOX.top}"`;
    const spans = (figure.spans ?? []).map(({ from, to }) =>
        `<rect x="${place(X(Math.max(from, ranges.x[0])))}" y="${BOX.top}" width="${place(Math.max(0, X(Math.min(to, ranges.x[1])) - X(Math.max(from, ranges.x[0]))))}" height="${BOX.bottom - BOX.top}" fill="#5c6670" fill-opacity="0.10" stroke="none"/>`).join("");
    const levels = (figure.levels ?? []).map(({ y, label: name }) =>
        `<path d="M${BOX.left} ${place(Y(y))}H${BOX.right}" stroke="#5c6670" stroke-dasharray="3 3"/>${label(name, BOX.right - 6, Y(y) - 5, 'text-anchor="end" font-size="11.5"')}`).join("");
    return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
<title>${escaped(figure.title)}</title><desc>${escaped(figure.text)}</desc>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<defs><clipPath id="box"><rect ${box}/></clipPath></defs>
<g font-family="${FONT}" font-size="12" fill="#1c2126" stroke="none">
<g fill="none" stroke-linejoin="round" clip-path="url(#box)">${spans}${series.map((s) => drawSeries(s, X, Y, figure, ranges)).join("")}</g>
<g>${levels}</g>
<g stroke="#1c2126" stroke-width="1" fill="none"><rect ${box}/></g>
<g>${axesOf(figure, ranges, X, Y).replace(/<path /g, '<path stroke="#1c2126" ')}${secondAxis(figure, ranges, X).replace(/<path /g, '<path stroke="#1c2126" ')}${legend(figure, series)}</g>
</g>
</svg>
`;
}

export const svgSize = { width: WIDTH, height: HEIGHT };
