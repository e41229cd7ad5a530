// SPDX-License-Identifier: GPL-3.0-or-later
// second.js - the values of the x axis in another unit, above the plot: a plugin of dygraphs.

import { ticksOf } from "./axes.js";
import { el } from "./dom.js";

const HEIGHT = 18, SPACING = 64;

/* figure: a function that gives the one that is drawn now. */
export function secondAxis(figure) {
    let labels = [];

    function clear() {
        labels.forEach((label) => label.remove());
        labels = [];
    }

    function put(holder, words, x, area) {
        const label = el("div", { class: "dygraph-axis-label second-axis" }, words);
        label.style.left = `${x}px`;
        label.style.top = `${area.y - HEIGHT}px`;
        holder.append(label);
        labels.push(label);
        return label.offsetWidth;
    }

    function draw({ dygraph, canvas }) {
        clear();
        const { second } = figure().x;
        if (!second) return;
        const area = dygraph.getArea(), [low, high] = dygraph.xAxisRange(), right = area.x + area.w;
        const unit = put(canvas.parentNode, `${second.label}, ${second.unit}`, right, area);
        labels[0].classList.add("at-the-end");
        for (const { v, label } of ticksOf({ log: false }, [low * second.factor, high * second.factor], area.w / SPACING)) {
            const x = area.x + (area.w * (v / second.factor - low)) / (high - low);
            if (x < right - unit - SPACING / 4) put(canvas.parentNode, label, x, area);
        }
    }

    return {
        activate: () => ({
            layout: (event) => figure().x.second && event.reserveSpaceTop(HEIGHT),
            clearChart: clear,
            willDrawChart: draw,
        }),
        destroy: clear,
        toString: () => "SecondAxis",
    };
}
