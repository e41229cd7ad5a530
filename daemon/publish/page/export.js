// SPDX-License-Identifier: GPL-3.0-or-later
// export.js - what a plot shows as a file: PNG, SVG, CSV, JSON, made in the page from the same figure.

import { drawSvg, svgSize } from "./svg.js";

const PNG_SCALE = 4; /* 2040 pixels: 600 dpi over a column of 86 mm */

function save(name, type, content) {
    const url = URL.createObjectURL(new Blob([content], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function png(text) {
    return new Promise((resolve, reject) => {
        const image = new Image(svgSize.width, svgSize.height);
        image.onload = () => {
            const canvas = document.createElement("canvas");
            canvas.width = PNG_SCALE * svgSize.width;
            canvas.height = PNG_SCALE * svgSize.height;
            canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
            canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be made"))), "image/png");
        };
        image.onerror = () => reject(new Error("the picture could not be made"));
        image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    });
}

/* A text that a spreadsheet would take for a formula is kept a text. */
function cell(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(figure, series) {
    const banded = series.some((s) => s.lo);
    const head = ["series", `${figure.x.name} (${figure.x.unit})`, `${figure.y.name} (${figure.y.unit})`,
        ...(banded ? ["lower", "upper"] : [])];
    const rows = series.flatMap((s) => s.x.map((x, i) =>
        [s.name, x, s.y[i], ...(banded ? [s.lo?.[i], s.hi?.[i]] : [])]));
    return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function json(figure, series) {
    return JSON.stringify({
        title: figure.title,
        text: figure.text,
        x: { name: figure.x.name, unit: figure.x.unit },
        y: { name: figure.y.name, unit: figure.y.unit },
        fit_window: figure.spans?.map(({ from, to }) => [from, to])[0] ?? null,
        series: series.map(({ name, x, y, lo, hi }) => ({ name, x, y, lower: lo ?? null, upper: hi ?? null })),
    }, null, 1) + "\n";
}

const FORMATS = {
    PNG: async (name, figure, series) => save(`${name}.png`, "image/png", await png(drawSvg(figure, series))),
    SVG: async (name, figure, series) => save(`${name}.svg`, "image/svg+xml", drawSvg(figure, series)),
    CSV: async (name, figure, series) => save(`${name}.csv`, "text/csv", csv(figure, series)),
    JSON: async (name, figure, series) => save(`${name}.json`, "application/json", json(figure, series)),
};

export const formats = Object.keys(FORMATS);

export function saveAs(format, name, figure, series) {
    return FORMATS[format](name.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80) || "figure", figure, series);
}
