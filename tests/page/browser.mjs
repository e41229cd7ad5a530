// SPDX-License-Identifier: GPL-3.0-or-later
// browser.mjs - Debian's Chromium, and an eye on all that it says and asks for.

import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const require = createRequire(path.join(process.env.IONWATCH_BUILD, "page", "package.json"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export class Browser {
    async start() {
        this.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
        this.errors = [];
        this.foreign = [];
    }

    /* A window of its own, without cookies; what it logs and asks for beyond `home` is kept. */
    async open(home, options = {}) {
        const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light", acceptDownloads: true, ...options });
        const page = await context.newPage();
        page.on("pageerror", (error) => this.errors.push(error.stack));
        page.on("console", (message) => {
            if (message.type() === "error" || message.type() === "warning") this.errors.push(message.text());
        });
        context.on("request", (request) => {
            const { protocol, host } = new URL(request.url());
            if (protocol !== "data:" && protocol !== "blob:" && host !== new URL(home).host) this.foreign.push(request.url());
        });
        page.done = () => context.close();
        return page;
    }

    /* What a daemon that is not there makes a browser say belongs to that. */
    forget(pattern) {
        this.errors = this.errors.filter((text) => !pattern.test(text));
    }

    async end() {
        await this.browser?.close();
    }
}

/* Serious and critical violations, each with where.  By the debugger: the policy of the page stays.
 * rules: only these. */
export async function violations(page, rules) {
    await page.evaluate(axe);
    const found = await page.evaluate((only) => globalThis.axe.run(document, { resultTypes: ["violations"], ...(only ? { runOnly: only } : {}) }), rules);
    return found.violations.filter((v) => v.impact === "serious" || v.impact === "critical")
        .map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(" ")} (${n.any.map((a) => a.message).join("; ").slice(0, 150)})`).slice(0, 4).join(" | ")}`);
}
