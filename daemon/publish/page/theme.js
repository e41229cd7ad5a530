// SPDX-License-Identifier: GPL-3.0-or-later
// theme.js - light, dark, or as the system has it.  Runs before the first paint, so no module.

"use strict";
(() => {
    const root = document.documentElement;
    const names = ["system", "light", "dark"];
    let theme = "system";
    try {
        theme = localStorage.getItem("ionwatch-theme") || "system";
    } catch {
        /* no storage: the choice lasts as long as the page */
    }

    function apply(choice) {
        theme = names.includes(choice) ? choice : "system";
        if (theme === "system") delete root.dataset.theme;
        else root.dataset.theme = theme;
        try {
            localStorage.setItem("ionwatch-theme", theme);
        } catch {
            /* as above */
        }
        const button = document.getElementById("theme");
        if (button) {
            button.textContent = { system: "Auto", light: "Light", dark: "Dark" }[theme];
            button.title = `Colours: ${theme === "system" ? "as the system has them" : theme}`;
        }
        dispatchEvent(new Event("themechange"));
    }

    apply(theme);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
    document.addEventListener("DOMContentLoaded", () => {
        const button = document.getElementById("theme");
        button.addEventListener("click", () => apply(names[(names.indexOf(theme) + 1) % names.length]));
        apply(theme);
    });
})();
