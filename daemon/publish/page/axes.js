// SPDX-License-Identifier: GPL-3.0-or-later
// axes.js - ranges and ticks of a figure, the same on the screen and in the files that are saved.
//
// A figure: { key, title, text, note, x, y, series, toggles, spans, levels, padded }
//   axis    { label, unit, log, zero, min, max, second: { label, unit, factor } }
//   series  { name, colour, dash, tags, x, y, lo, hi, marks, line }
//   toggles [[{ tag, label, on, colour, dash }]]: a series is shown while all its tags are on
//   spans   [{ from, to, label }] shaded,  levels [{ y, label }] dashed across
//   padded  no point lies on the frame

import { general, powerOfTen } from "./format.js";

/* Steps of 1, 2 or 5 so that about `wanted` of them fit. */
function step(range, wanted) {
    const rough = range / Math.max(1, wanted);
    const unit = 10 ** Math.floor(Math.log10(rough));
    return unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough * 0.999);
}

function linearTicks(low, high, wanted) {
    const by = step(high - low, wanted);
    const decimals = Math.max(0, -Math.floor(Math.log10(by) + 1e-9));
    const ticks = [];
    const first = Math.ceil(low / by - 1e-6), count = Math.min(100, Math.floor(high / by + 1e-6) - first + 1);
    for (let k = 0; k < count; k++) {
        const n = first + k;
        ticks.push({ v: n * by, label: (n * by).toFixed(Math.min(20, decimals)).replace(/^-/, "−").replace(/^−(0\.?0*)$/, "$1") });
    }
    return ticks;
}

function decadeLabel(power) {
    return power < -2 || power > 3 ? powerOfTen(power) : general(10 ** power, 4);
}

function logTicks(low, high, wanted) {
    const decades = Math.log10(high / low);
    if (decades < 0.9) return linearTicks(low, high, wanted).filter((tick) => tick.v > 0);
    const every = Math.max(1, Math.ceil(decades / Math.max(1, wanted)));
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)) && ticks.length < 1000; power++)
        for (let digit = 1; digit < 10; digit++) {
            const v = digit * 10 ** power;
            if (v < low * 0.999 || v > high * 1.001) continue;
            const named = digit === 1 ? power % every === 0 : decades < 2 && (digit === 2 || digit === 5);
            if (named) ticks.push({ v, label: digit === 1 ? decadeLabel(power) : general(v, 2) });
            else if (decades < 6) ticks.push({ v, label: "" });
        }
    return ticks;
}

/* The power of ten that stands in the label of the axis instead of at each tick. */
export function powerOf(axis, range) {
    if (axis.log) return 0;
    const power = Math.floor(Math.log10(Math.max(Math.abs(range[0]), Math.abs(range[1]))));
    return power >= -3 && power <= 5 ? 0 : power;
}

export function ticksOf(axis, range, wanted, power = powerOf(axis, range)) {
    if (axis.log) return logTicks(range[0], range[1], wanted);
    const unit = 10 ** power;
    return linearTicks(range[0] / unit, range[1] / unit, wanted).map((tick) => ({ v: tick.v * unit, label: tick.label }));
}

export function axisTitle(axis, power = 0) {
    const unit = [power ? powerOfTen(power) : "", axis.unit === "1" ? "" : axis.unit].filter(Boolean).join(" ");
    return unit ? `${axis.label}, ${unit}` : axis.label;
}

const TINY = 1e-290; /* below, a step between ticks could not be told from nothing */
const usable = (axis, value) => Number.isFinite(value) && (!axis.log || value > TINY);

function extent(axis, lists) {
    let low = Infinity, high = -Infinity;
    for (const list of lists)
        for (const value of list) {
            if (!usable(axis, value) || (value !== 0 && Math.abs(value) < TINY)) continue;
            if (value < low) low = value;
            if (value > high) high = value;
        }
    return low <= high ? [low, high] : axis.log ? [0.1, 10] : [0, 1];
}

function widened(axis, [low, high], share) {
    if (axis.log) {
        const by = Math.max((high / low) ** share, 1.05);
        return [low / by, high * by];
    }
    const flat = high - low <= 1e-9 * Math.max(Math.abs(high), Math.abs(low)); /* but for rounding */
    const by = share * ((flat ? 0 : high - low) || Math.abs(high) || 1);
    return [axis.zero && low >= 0 ? 0 : low - by, high + by];
}

/* A band counts as long as it is not far wider than the curve: else the curve would be a flat line. */
function withBands(axis, curve, bands) {
    const [low, high] = curve;
    const [bandLow, bandHigh] = extent(axis, bands);
    if (axis.log) return [Math.max(Math.min(low, bandLow), low / 3), Math.min(Math.max(high, bandHigh), high * 3)];
    const room = 0.6 * (high - low) || Math.abs(high);
    return [Math.max(Math.min(low, bandLow), low - room), Math.min(Math.max(high, bandHigh), high + room)];
}

export function rangesOf(figure, series) {
    const xRange = extent(figure.x, series.map((s) => s.x));
    const x = [figure.x.min ?? xRange[0], figure.x.max ?? xRange[1]];
    const within = (s, list) => list.filter((_, i) => s.x[i] >= x[0] && s.x[i] <= x[1]);
    let y = extent(figure.y, [...series.map((s) => within(s, s.y)), ...(figure.levels ?? []).map((level) => [level.y])]);
    const bands = series.filter((s) => s.lo).flatMap((s) => [within(s, s.lo), within(s, s.hi)]);
    if (bands.length) y = withBands(figure.y, y, bands);
    y = widened(figure.y, y, 0.05);
    return {
        x: x[0] < x[1] && !figure.padded ? x : widened(figure.x, x, 0.06),
        y: [figure.y.min ?? y[0], figure.y.max ?? y[1]],
    };
}

export function shownSeries(figure, off) {
    return figure.series.filter((s) => !s.tags?.some((tag) => off.has(tag)));
}
