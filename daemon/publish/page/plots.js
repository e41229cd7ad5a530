// SPDX-License-Identifier: GPL-3.0-or-later
// plots.js - figures (axes.js) on the screen, drawn by dygraphs; with toggles, a cursor and downloads.

/* global Dygraph */
import { axisTitle, powerOf, rangesOf, shownSeries, ticksOf } from "./axes.js";
import { arrange, el, setAttribute, setText, svg } from "./dom.js";
import { formats, saveAs } from "./export.js";
import { general, known } from "./format.js";
import { colourOf, screen } from "./palette.js";
import { secondAxis } from "./second.js";

/* Its legend writes markup with styles, which the policy of the page forbids; ours is made of nodes. */
Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) =>
    plugin !== Dygraph.Plugins.Legend && plugin !== Dygraph.Plugins.RangeSelector && plugin !== Dygraph.Plugins.Annotations);
const { touchstart, touchmove, touchend, ...mouseOnly } = Dygraph.defaultInteractionModel;

function dashOf(dash) {
    return dash ? svg("line", { x1: 0, y1: 5, x2: 22, y2: 5, "stroke-dasharray": dash.join(" ") }) : svg("line", { x1: 0, y1: 5, x2: 22, y2: 5 });
}

/* Axes of powers have no place for zero. */
function hasPlace(figure, x, y) {
    return known(x) && known(y) && (!figure.x.log || x > 0) && (!figure.y.log || y > 0);
}

/* Points of one x stand in one row; a curve that has none there goes through. */
function table(figure, series, floor) {
    const rows = new Map();
    series.forEach((s, k) => s.x.forEach((x, i) => {
        const y = s.y[i];
        if (!hasPlace(figure, x, y)) return;
        if (!rows.has(x)) rows.set(x, [x, ...series.map(() => [null, null, null])]);
        const lo = s.lo && known(s.lo[i]) ? s.lo[i] : y;
        const hi = s.hi && s.hi[i] !== null && !Number.isNaN(s.hi[i]) ? Math.min(s.hi[i], 1e9) : y;
        rows.get(x)[k + 1] = [figure.y.log ? Math.max(lo, floor) : lo, y, hi];
    }));
    return [...rows.values()].sort((a, b) => a[0] - b[0]);
}

function drawMarks(e) {
    const { drawingContext: context, points, plotArea: area, color } = e;
    context.strokeStyle = color;
    context.lineWidth = 1.4;
    for (const point of points) {
        if (!known(point.canvasy)) continue;
        context.beginPath();
        context.moveTo(point.canvasx, area.y + point.y_top * area.h);
        context.lineTo(point.canvasx, area.y + point.y_bottom * area.h);
        context.stroke();
        context.beginPath();
        context.arc(point.canvasx, point.canvasy, 4, 0, 2 * Math.PI);
        context.fillStyle = e.setName.startsWith("left out") ? screen().ground : color;
        context.fill();
        context.stroke();
    }
}

const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.target.plot.show(entry.isIntersecting);
}, { rootMargin: "200px" });
const sized = new ResizeObserver((entries) => {
    for (const entry of entries) entry.target.plot.resize();
});

export class Plot {
    constructor({ level = 3 } = {}) {
        this.off = new Set();
        this.known = new Set();
        this.visible = false;
        this.title = el(`h${level}`);
        this.note = el("span", { class: "note" });
        this.legend = el("div", { class: "legend" });
        this.canvas = el("div", { class: "canvas" });
        this.frame = el("div", { class: "plot", tabindex: "0", role: "group", onkeydown: (e) => this.key(e), onblur: () => this.clear() }, this.canvas);
        this.frame.plot = this;
        this.readout = el("div", { class: "readout" });
        this.voice = el("div", { class: "unseen", "aria-live": "polite" });
        this.empty = el("p", { class: "nothing" });
        this.menu = el("div", { class: "menu" });
        this.node = el("figure", { class: "figure" },
            el("figcaption", {}, el("div", { class: "caption" }, this.title, this.note), this.menu),
            this.legend, this.frame, this.readout, this.voice, this.empty);
        this.exports();
        seen.observe(this.frame);
        sized.observe(this.frame);
    }

    destroy() {
        seen.unobserve(this.frame);
        sized.unobserve(this.frame);
        this.graph?.destroy();
        this.graph = null;
    }

    exports() {
        this.buttons = formats.map((format) => {
            const label = el("span", { class: "unseen" });
            const button = el("button", { type: "button", class: "quiet", onclick: () => this.save(format) }, format, label);
            button.label = label;
            return button;
        });
        this.menu.append(...this.buttons);
    }

    async save(format) {
        try {
            await saveAs(format, `${this.name}-${this.figure.key}`, this.figure, shownSeries(this.figure, this.off));
        } catch (error) {
            setText(this.voice, error.message);
        }
    }

    /* name: of the run, for files. */
    update(figure, name = "") {
        this.figure = figure;
        this.name = name;
        setText(this.title, figure.title);
        setText(this.note, figure.note ?? "");
        setAttribute(this.frame, "aria-label", figure.text);
        for (const button of this.buttons) setText(button.label, ` of ${figure.title}`);
        for (const toggle of figure.toggles.flat())
            if (!this.known.has(toggle.tag)) {
                this.known.add(toggle.tag);
                if (!toggle.on) this.off.add(toggle.tag);
            }
        const any = figure.series.length > 0;
        this.node.classList.toggle("without", !any);
        setText(this.empty, any ? "" : (figure.nothing ?? "Nothing to draw."));
        this.signs();
        this.draw();
    }

    signs() {
        const palette = screen();
        const key = JSON.stringify([this.figure.toggles, palette.ink]);
        if (key === this.signKey) return;
        this.signKey = key;
        arrange(this.legend, this.figure.toggles.filter((row) => row.length).map((row) => el("div", { class: "toggles" }, ...row.map((toggle) => {
            const sign = svg("svg", { class: "line", viewBox: "0 0 22 10", "aria-hidden": "true" }, dashOf(toggle.dash));
            sign.style.stroke = colourOf(palette, toggle.colour);
            return el("button", { type: "button", class: "toggle", "aria-pressed": String(!this.off.has(toggle.tag)), onclick: (e) => this.toggle(toggle.tag, e.currentTarget) }, sign, toggle.label);
        }))));
    }

    toggle(tag, button) {
        if (!this.off.delete(tag)) this.off.add(tag);
        button.setAttribute("aria-pressed", String(!this.off.has(tag)));
        this.draw();
    }

    show(visible) {
        this.visible = visible;
        if (visible && this.pending) this.draw();
    }

    resize() {
        if (this.graph && this.frame.clientWidth > 0) this.graph.resize();
    }

    /* Nothing is drawn that nobody sees. */
    draw() {
        this.pending = !this.visible;
        if (!this.visible || !this.figure) return;
        const series = shownSeries(this.figure, this.off).map((s, i, all) =>
            ({ ...s, id: s.name && all.findIndex((other) => other.name === s.name) === i ? s.name : `${s.name}#${i}` }));
        if (!series.some((s) => s.x.some((x, i) => hasPlace(this.figure, x, s.y[i])))) {
            this.graph?.destroy();
            this.graph = null;
            return;
        }
        this.ranges = rangesOf(this.figure, series);
        this.series = series;
        const key = `${series.map((s) => s.id).join("|")}|${screen().ink}`;
        const options = this.options(series);
        if (this.graph && this.graphKey === key) {
            if (this.zoomed) {
                delete options.dateWindow;
                delete options.valueRange;
            }
            this.graph.updateOptions(options);
            return;
        }
        this.graph?.destroy();
        this.graphKey = key;
        this.zoomed = false;
        const { file, ...rest } = options;
        this.graph = new Dygraph(this.canvas, file, { ...rest, plugins: [secondAxis(() => this.figure)] });
    }

    options(series) {
        const palette = screen(), { figure, ranges } = this;
        const power = { x: powerOf(figure.x, ranges.x), y: powerOf(figure.y, ranges.y) };
        const ticker = (axis, spacing) => (low, high, pixels) => ticksOf(figure[axis], [low, high], pixels / spacing, power[axis]);
        return {
            file: table(figure, series, ranges.y[0]),
            labels: [figure.x.label, ...series.map((s) => s.id)],
            colors: series.map((s) => colourOf(palette, s.colour)),
            customBars: true,
            connectSeparatedPoints: true,
            fillAlpha: 0.16,
            strokeWidth: 1.7,
            legend: "never",
            dateWindow: ranges.x,
            valueRange: ranges.y,
            xlabel: axisTitle(figure.x, power.x),
            ylabel: axisTitle(figure.y, power.y),
            labelsKMB: false,
            gridLineColor: palette.grid,
            axisLineColor: palette.muted,
            axisLabelFontSize: 12,
            xLabelHeight: 18,
            yLabelWidth: 18,
            highlightCircleSize: 3.5,
            interactionModel: mouseOnly,
            animatedZooms: false,
            series: Object.fromEntries(series.map((s) => [s.id, { strokePattern: s.dash ?? null, ...(s.marks ? { plotter: drawMarks } : {}) }])),
            axes: {
                x: { logscale: Boolean(figure.x.log), ticker: ticker("x", 64), axisLabelWidth: 60 },
                y: { logscale: Boolean(figure.y.log), ticker: ticker("y", this.frame.clientHeight < 200 ? 30 : 44), axisLabelWidth: 52 },
            },
            underlayCallback: (context, area, graph) => this.underlay(context, area, graph, palette),
            highlightCallback: (event, x, points, row) => this.read(row),
            unhighlightCallback: () => this.clear(),
            zoomCallback: () => {
                this.zoomed = this.graph?.isZoomed() ?? false;
                if (!this.zoomed) this.draw();
            },
        };
    }

    underlay(context, area, graph, palette) {
        const across = (x) => area.x + area.w * Math.min(1, Math.max(0, graph.toPercentXCoord(x))); /* toDomXCoord knows no logarithms */
        context.save();
        for (const { from, to } of this.figure.spans ?? []) {
            const left = across(from), right = across(to);
            context.fillStyle = palette.shade;
            context.fillRect(left, area.y, right - left, area.h);
        }
        for (const { y, label } of this.figure.levels ?? []) {
            const at = graph.toDomYCoord(y);
            if (at < area.y || at > area.y + area.h) continue;
            context.strokeStyle = palette.muted;
            context.setLineDash([4, 3]);
            context.beginPath();
            context.moveTo(area.x, at);
            context.lineTo(area.x + area.w, at);
            context.stroke();
            context.fillStyle = palette.muted;
            context.font = "12px system-ui, sans-serif";
            context.textAlign = "right";
            context.fillText(label, area.x + area.w - 4, at - 4);
        }
        context.restore();
    }

    read(row) {
        if (!this.graph || row < 0 || row >= this.graph.numRows()) return "";
        this.row = row;
        const x = this.graph.getValue(row, 0), { figure } = this;
        const second = figure.x.second ? ` (${general(x * figure.x.second.factor, 4)} ${figure.x.second.unit})` : "";
        const values = this.series.map((s, k) => {
            const value = this.graph.getValue(row, k + 1);
            const y = Array.isArray(value) ? value[1] : value;
            return known(y) && s.name ? `${s.name}: ${general(y, 4)}` : null;
        }).filter(Boolean);
        const unit = figure.y.unit === "1" ? "" : ` ${figure.y.unit}`;
        const text = `${figure.x.label} ${general(x, 4)} ${figure.x.unit}${second} · ${values.join(" · ")}${unit}`;
        setText(this.readout, text);
        return text;
    }

    clear() {
        setText(this.readout, "");
        setText(this.voice, "");
        this.graph?.clearSelection();
    }

    /* The cursor by keyboard: what it stands on is spoken. */
    key(event) {
        if (event.target !== this.frame || !this.graph) return;
        const n = this.graph.numRows();
        const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -Math.ceil(n / 10), PageDown: Math.ceil(n / 10), Home: -n, End: n }[event.key];
        if (event.key === "Escape") this.clear();
        if (by === undefined) return;
        event.preventDefault();
        const row = Math.max(0, Math.min(n - 1, (this.row ?? 0) + by));
        this.graph.setSelection(row);
        setText(this.voice, this.read(row));
    }
}
