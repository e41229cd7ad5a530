// SPDX-License-Identifier: GPL-3.0-or-later
// palette.js - colours that the common kinds of colour blindness keep apart, after Okabe and Ito;
// darker than theirs on white, lighter on black, at least 3 : 1 against the ground.

const light = {
    ink: "#1c2126", muted: "#5c6670", grid: "#e4e7ea", ground: "#ffffff", shade: "rgba(92,102,112,0.10)",
    all: "#5c6670", mobile: "#0072b2", framework: "#c85200",
    species: ["#00835f", "#a8447f", "#9a6a00", "#2b86c5", "#6b4fb3", "#7a5c3a"],
};
const dark = {
    ink: "#e6e9ec", muted: "#9fa9b3", grid: "#2d343b", ground: "#1a1f24", shade: "rgba(159,169,179,0.14)",
    all: "#aab3bc", mobile: "#56b4e9", framework: "#ff8f4d",
    species: ["#2fc39a", "#e39cc4", "#f0b23e", "#9fd2f5", "#b7a2f2", "#cfae86"],
};
const DASHES = [[7, 3], [2, 3], [9, 3, 2, 3], [5, 5], [1, 4], [12, 4]];

let printing = false;

export function setPrinting(on) {
    printing = on;
}

function isDark() {
    if (printing) return false;
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/* Files are saved as they would be printed. */
export const paper = light;
export const screen = () => (isDark() ? dark : light);

export function colourOf(palette, colour) {
    return typeof colour === "number" ? palette.species[colour % palette.species.length] : palette[colour];
}

/* The looks of a group: solid lines for the three great ones, dashes for species. */
export function looksOf(groups) {
    const looks = {};
    let species = 0;
    for (const name of groups) {
        if (name === "all" || name === "mobile" || name === "framework") looks[name] = { colour: name, dash: null };
        else looks[name] = { colour: species % light.species.length, dash: DASHES[species++ % DASHES.length] };
    }
    return looks;
}
