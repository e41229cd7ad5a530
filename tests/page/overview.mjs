// SPDX-License-Identifier: GPL-3.0-or-later
// overview.mjs - all runs on one page: what it weighs, what it shows, how it moves.  What rows hold is
// read as textContent: those that are out of sight are not laid out.

import path from "node:path";
import { violations } from "./browser.mjs";
import { Fleet, pause, until } from "./programs.mjs";
import { equal, same, truth } from "./values.mjs";

const FIRST_PAINT_MS = 300, WEIGHT_KB = 250;
const PATIENCE = 10; /* times as slow on a busy machine is no failure */

async function openOverview(world, options) {
    const page = await world.browser.open(world.daemon.url, options);
    await page.goto(world.daemon.url);
    await page.waitForSelector("tr[data-run]");
    return page;
}

async function the_page_is_light_and_paints_soon({ browser, daemon, said }) {
    const page = await browser.open(daemon.url);
    await page.goto(daemon.url);
    await page.waitForSelector("tr[data-run]");
    const measured = await page.evaluate(() => {
        const files = performance.getEntriesByType("resource").filter((e) => !e.name.includes("/api/"));
        const [start] = performance.getEntriesByType("navigation");
        return {
            paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
            sent: start.transferSize + files.reduce((sum, e) => sum + e.transferSize, 0),
            files: files.length + 1,
        };
    });
    said(`first contentful paint after ${measured.paint?.toFixed(0)} ms; ${measured.files} files, ${(measured.sent / 1000).toFixed(1)} kB as sent`);
    truth(measured.sent > 20e3 && measured.sent < 1000 * WEIGHT_KB, `the page weighs ${measured.sent} bytes, ${WEIGHT_KB} kB are the most`);
    truth(measured.paint < PATIENCE * FIRST_PAINT_MS, `first paint after ${measured.paint} ms`);
    await page.done();
}

async function the_overview_shows_what_ls_says(world) {
    const page = await openOverview(world);
    const rows = world.daemon.json("ls");
    const listed = (Array.isArray(rows) ? rows : rows.runs).filter((row) => row.name.startsWith("walk-"));
    truth(listed.length >= 12, `${listed.length} runs are running`);
    for (const row of listed) {
        const at = page.locator(`tr[data-run="${row.id}"]`);
        const cell = (name) => at.locator(`.c-${name}`).textContent();
        equal(await at.locator(".run-name").textContent(), row.name, "name");
        same(await cell("temperature"), row.temperature_K, undefined, "temperature");
        same(await cell("time"), row.time_ps, undefined, "time");
        same(await cell("D"), row.D_cm2_s, row.stderr_cm2_s, "D");
        same((await at.locator(".error-text").textContent()).split("%")[0], 100 * row.relative_error, undefined, "relative error");
        equal(await cell("health"), row.health, "health");
        truth((await cell("verdict")).endsWith(row.state), `${row.state}, not ${await cell("verdict")}`);
        truth((await at.locator(".spark-line").getAttribute("points")).split(" ").length === row.history.D_cm2_s.length, "points of the sparkline");
    }
    await page.done();
}

/* walk-9 has a framework that walks; its row says so whatever warnings came later. */
async function what_runs_have_come_to_is_counted_and_named(world) {
    const page = await openOverview(world);
    const word = (name) => page.locator("tr[data-run]", { has: page.locator(`.run-name:text-is("${name}")`) }).locator(".c-verdict");
    truth((await word("walk-9").textContent()).startsWith("melted"), `walk-9 is ${await word("walk-9").textContent()}`);
    truth((await word("walk-5").textContent()).startsWith("converged"), `walk-5 is ${await word("walk-5").textContent()}`);
    for (const chip of await page.locator(".chip:not(.verdict-any):not(.verdict-going):not(.verdict-held)").all()) {
        const [number, kind] = [Number(await chip.locator("b").innerText()), await chip.locator("span").innerText()];
        await chip.click();
        await until(async () => (await page.locator("tbody tr").count()) === number, 5, `${number} runs that are ${kind}`);
        for (const row of await page.locator("tbody .c-verdict").allTextContents()) truth(row.startsWith(kind), `${row} among those that are ${kind}`);
        await chip.click();
    }
    await page.done();
}

async function columns_sort_and_words_filter(world) {
    const page = await openOverview(world);
    const times = async () => (await page.locator("tbody .c-D").allTextContents()).map((text) => Number(text.match(/\(([\d.]+)/)[1]) * 10 ** -Number({ "⁻⁴": 4, "⁻⁵": 5 }[text.match(/10(.*)$/)[1]]));
    await page.click("th.c-D button");
    let seen = await times();
    equal(await page.locator("th.c-D").getAttribute("aria-sort"), "descending", "aria-sort");
    equal(seen, [...seen].sort((a, b) => b - a), "D from high to low");
    await page.click("th.c-D button");
    seen = await times();
    equal(await page.locator("th.c-D").getAttribute("aria-sort"), "ascending", "aria-sort");
    equal(seen, [...seen].sort((a, b) => a - b), "D from low to high");
    await page.fill("#filter", "walk-1");
    await until(async () => (await page.locator("tbody tr").count()) === 3, 5, "walk-1, walk-10, walk-11");
    await page.fill("#filter", "no such run");
    await page.waitForSelector("text=No run is like that.");
    await page.done();
}

async function a_name_is_a_name_and_no_markup(world) {
    const page = await openOverview(world);
    const link = page.locator("tr[data-run] a", { hasText: world.hostile });
    equal(await link.innerText(), world.hostile, "the name");
    await link.click();
    await page.waitForSelector(".big");
    equal(await page.locator("h1").innerText(), world.hostile, "the heading");
    equal(await page.evaluate(() => [document.querySelectorAll("img, iframe, script:not([src])").length, globalThis.pwned ?? null]), [0, null], "images and scripts that a name made");
    await page.done();
}

/* The rules are the same in every light, but for contrast; and on every screen, but for the size of targets. */
const VIEWS = [
    { kind: "light", colorScheme: "light", viewport: { width: 1440, height: 900 }, look: (page) => violations(page) },
    { kind: "dark", colorScheme: "dark", viewport: { width: 1440, height: 900 }, look: () => [] },
    { kind: "phone", colorScheme: "dark", viewport: { width: 360, height: 780 }, look: (page) => violations(page, ["color-contrast", "target-size"]) },
];

async function it_can_be_seen_and_heard_in_both_lights(world) {
    const id = world.fleet.ids.get("walk-5");
    for (const { kind, look, ...options } of VIEWS) {
        const page = await openOverview(world, options);
        const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
        const seen = await look(page);
        truth(await fits(), `${kind}: the overview is wider than the window`);
        await page.screenshot({ path: path.join(world.screenshots, `overview-${kind}.png`) });
        await page.goto(`${world.daemon.url}#/run/${id}`);
        await page.waitForSelector(".big");
        await page.locator("figure").first().scrollIntoViewIfNeeded(); /* plots are drawn as they come into sight */
        await page.waitForSelector("canvas");
        seen.push(...await look(page));
        truth(await fits(), `${kind}: the run is wider than the window`);
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot({ path: path.join(world.screenshots, `run-${kind}.png`) });
        equal(seen, [], `${kind}: what the accessibility check found`);
        await page.done();
    }
}

/* Seconds that the page has spent in scripts, style and layout. */
async function work(page) {
    page.debugger ??= await page.context().newCDPSession(page);
    await page.debugger.send("Performance.enable");
    const { metrics } = await page.debugger.send("Performance.getMetrics");
    return metrics.filter((m) => ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"].includes(m.name)).reduce((sum, m) => sum + m.value, 0);
}

async function two_hundred_runs_move_smoothly(world) {
    const names = Array.from({ length: 200 - world.fleet.names.length }, (_, i) => `many-${i}`);
    world.fleet2 = new Fleet(world.daemon, 120, names);
    const page = await openOverview(world);
    await world.fleet2.ready;
    await until(async () => (await page.locator("tbody tr").count()) >= 200, 30, "200 rows");
    const rows = await page.evaluate(() => [...document.querySelectorAll("tr[data-run]")].map((row) => (row.mark = row.dataset.run)));
    const before = await work(page);
    const measuring = page.evaluate(async () => {
        const frames = [];
        const end = performance.now() + 3000;
        let before = performance.now();
        while (before < end) {
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            frames.push(now - before);
            before = now;
            scrollBy(0, 12);
        }
        return frames.sort((a, b) => a - b);
    });
    for (let i = 0; i < 5; i++) {
        await world.fleet2.tell("step");
        await pause(500);
    }
    const frames = await measuring;
    const busy = (await work(page)) - before;
    const part = (share) => frames[Math.floor(share * (frames.length - 1))];
    world.said(`200 runs while all of them change: frame time ${part(0.5).toFixed(1)} ms in the median, ${part(0.95).toFixed(1)} ms for 95 %, ${part(1).toFixed(1)} ms at most (${frames.length} frames); scripts, style and layout ${(1000 * busy).toFixed(0)} ms of 3 s`);
    truth(part(0.5) < 250, "the page stutters");
    const kept = await page.evaluate(() => [...document.querySelectorAll("tr[data-run]")].filter((row) => row.mark === row.dataset.run).length);
    equal(kept, rows.length, "rows that are patched, not made anew");
    await page.screenshot({ path: path.join(world.screenshots, "overview-200.png") });
    await page.done();
}

export const cases = [the_page_is_light_and_paints_soon, the_overview_shows_what_ls_says, what_runs_have_come_to_is_counted_and_named,
    columns_sort_and_words_filter, a_name_is_a_name_and_no_markup, it_can_be_seen_and_heard_in_both_lights];
export const crowded = [two_hundred_runs_move_smoothly];
