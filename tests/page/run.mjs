// SPDX-License-Identifier: GPL-3.0-or-later
// run.mjs - one run on the page: the numbers of `ionwatch show`, the files that are saved, live.

import fs from "node:fs";
import { pause, until } from "./programs.mjs";
import { equal, same, truth } from "./values.mjs";

const SNAPSHOT_MS = 500;
const PATIENCE = 10;

async function openRun(world, name) {
    const page = await world.browser.open(world.daemon.url);
    await page.goto(`${world.daemon.url}#/run/${world.fleet.ids.get(name)}`);
    await page.waitForSelector(".big");
    return page;
}

/* Cells of a table by group and column: { mobile: { D: "..." } } */
function tableOf(page, section) {
    return page.locator(`#${section} table`).evaluate((table) => {
        const heads = [...table.tHead.rows[0].cells].map((cell) => cell.firstChild.textContent);
        return Object.fromEntries([...table.tBodies[0].rows].map((row) =>
            [row.dataset.group, Object.fromEntries([...row.cells].map((cell, i) => [heads[i], cell.textContent]))]));
    });
}

async function the_run_page_shows_what_show_says(world) {
    const page = await openRun(world, "walk-4"); /* it has ended: nothing moves */
    const record = await until(() => {
        const now = world.daemon.json("show", world.fleet.ids.get("walk-4"), "--series");
        return now.run.state === "completed" && now;
    }, 10, "walk-4 is filed");
    await page.reload();
    await page.waitForSelector(".big");
    const { groups, convergence } = record;
    same(await page.locator(".big").innerText(), groups.mobile.D_cm2_s.value, groups.mobile.D_cm2_s.stderr, "D");
    equal(await page.locator(".run-head .reason").innerText(), convergence.reason, "the reason");
    const diffusion = await tableOf(page, "diffusion");
    for (const [name, cells] of Object.entries(diffusion)) {
        const g = groups[name];
        same(cells.atoms, g.atoms, undefined, `${name}: atoms`);
        same(cells.D, g.D_cm2_s.value, g.D_cm2_s.stderr, `${name}: D`);
        same(cells["95 % interval"], g.D_cm2_s.ci95[0], undefined, `${name}: interval`);
        same(cells["α"], g.alpha, undefined, `${name}: alpha`);
        same(cells["N_eff"], g.effective_hops, undefined, `${name}: hops`);
        same(cells["Einstein"], g.D_einstein_cm2_s, undefined, `${name}: Einstein`);
        same(cells["Green–Kubo"], g.D_green_kubo_cm2_s, g.D_green_kubo_stderr_cm2_s, `${name}: Green-Kubo`);
        same(cells["D z"], g.D_axes_cm2_s[2], g.D_axes_stderr_cm2_s[2], `${name}: D z`);
    }
    truth(Object.keys(diffusion).length >= 3, `groups ${Object.keys(diffusion)}`);
    await vibrations(page, groups);
    const words = await page.locator("#events .event-words").allInnerTexts();
    equal(words, record.events.map((event) => event.text).reverse(), "events");
    same(await page.locator("#transport dd").first().innerText(), record.transport.conductivity_mS_cm.value, record.transport.conductivity_mS_cm.stderr, "conductivity");
    await page.done();
}

async function vibrations(page, groups) {
    const keys = { mode: { "⟨ω⟩": "omega_mean_meV", F_vib: "f_vib_meV", C_V: "c_v_meV_K" }, atom: { E_vib: "e_vib_meV_atom", S_vib: "s_vib_kB_atom" } };
    for (const [method, of] of [["physical", (g) => g], ["paper", (g) => g.paper ?? {}]]) {
        await page.click(`label[for="method-${method}"]`);
        for (const [per, columns] of Object.entries(keys)) {
            await page.click(`label[for="per-${per}"]`);
            for (const [name, cells] of Object.entries(await tableOf(page, "vibrations")))
                for (const [title, key] of Object.entries(columns))
                    same(cells[title], of(groups[name])[key], method === "physical" ? groups[name].stderr[key] : undefined, `${name}: ${title} per ${per}, ${method}`);
        }
    }
}

async function save(page, figure, format) {
    const coming = page.waitForEvent("download");
    await page.locator("figure", { has: page.locator(`h3:text-is("${figure}")`) }).getByRole("button", { name: format }).click();
    const download = await coming;
    return { name: download.suggestedFilename(), bytes: fs.readFileSync(await download.path()) };
}

async function plots_are_saved_with_the_numbers_of_the_record(world) {
    const page = await openRun(world, "walk-4");
    const record = world.daemon.json("show", world.fleet.ids.get("walk-4"), "--series");
    const { mobile } = record.groups;
    const json = JSON.parse((await save(page, "MSD, linear", "JSON")).bytes);
    const curve = json.series.find((s) => s.name.startsWith("mobile"));
    equal([curve.x, curve.y], [mobile.msd.lag_ps, mobile.msd.msd_A2], "the MSD");
    equal(json.fit_window, mobile.fit_window_ps, "the fit window");
    const fit = json.series.find((s) => s.name === "fit");
    fit.x.forEach((t, i) => truth(Math.abs(fit.y[i] - (6e4 * mobile.D_cm2_s.value * t + mobile.msd_intercept_A2)) < 1e-9 * Math.abs(fit.y[i]), "the fit is 6 D t + c"));
    const history = JSON.parse((await save(page, "D against time", "JSON")).bytes).series[0];
    equal([history.x, history.y, history.lower], [record.history.diffusion.time_ps, record.history.diffusion.D_cm2_s, record.history.diffusion.lower_cm2_s], "the history of D");
    const csv = (await save(page, "Vibrational density of states", "CSV")).bytes.toString().trim().split("\r\n").map((line) => line.split(","));
    truth(/^energy \(meV\)$/.test(csv[0][1]) && csv.length > 100, `head ${csv[0]}`);
    const svg = await save(page, "MSD, log–log", "SVG");
    const wrong = await page.evaluate((text) => {
        const drawing = new DOMParser().parseFromString(text, "image/svg+xml");
        return drawing.querySelector("parsererror")?.textContent ?? (drawing.querySelectorAll("path").length > 20 && drawing.querySelector("desc").textContent.includes("cm²/s") ? "" : "no drawing");
    }, svg.bytes.toString());
    equal([wrong, svg.name], ["", "walk-4-msd-log.svg"], "the SVG");
    const png = await save(page, "MSD, linear", "PNG");
    equal([png.bytes.subarray(1, 4).toString(), png.bytes.readUInt32BE(16)], ["PNG", 2040], "the PNG");
    fs.writeFileSync(`${world.screenshots}/msd.png`, png.bytes);
    fs.writeFileSync(`${world.screenshots}/msd-log.svg`, svg.bytes);
    await page.done();
}

/* By the places of the numbers of both axes: 1 THz is 4.135667696 meV (CODATA 2018). */
async function frequencies_stand_above_the_energies(world) {
    const page = await openRun(world, "walk-5");
    const figure = page.locator("figure", { has: page.locator('h3:text-is("Vibrational density of states")') });
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".second-axis").first().waitFor();
    const places = (selector) => figure.locator(selector).evaluateAll((labels) => labels.map((label) => {
        const { left, right } = label.getBoundingClientRect();
        return { value: Number(label.innerText), at: (left + right) / 2 };
    }).filter(({ value }) => Number.isFinite(value)));
    const below = await places(".dygraph-axis-label-x"), above = await places(".second-axis");
    truth(below.length > 1 && above.length > 1, `${below.length} and ${above.length} numbers`);
    const [first, last] = [below[0], below.at(-1)];
    const pixels = (last.at - first.at) / (last.value - first.value);
    for (const { value, at } of above) {
        const wanted = first.at + (value * 4.135667696 - first.value) * pixels;
        truth(Math.abs(at - wanted) < 2, `${value} THz is at ${at}, not at ${wanted}`);
    }
    equal(await figure.locator(".second-axis.at-the-end").innerText(), "f, THz", "its unit");
    equal(await page.locator("figure", { has: page.locator('h3:text-is("MSD, linear")') }).locator(".second-axis").count(), 0, "second axes of another plot");
    await figure.screenshot({ path: `${world.screenshots}/vdos.png` });
    await page.done();
}

async function curves_are_switched_and_read_by_keyboard(world) {
    const page = await openRun(world, "walk-5");
    const figure = page.locator("figure", { has: page.locator('h3:text-is("Vibrational density of states")') });
    await figure.scrollIntoViewIfNeeded();
    const toggle = figure.getByRole("button", { name: "framework" });
    equal(await toggle.getAttribute("aria-pressed"), "true", "the framework is shown");
    await toggle.press("Enter");
    equal(await toggle.getAttribute("aria-pressed"), "false", "the framework is hidden");
    await until(() => figure.locator("canvas").count(), 5, "the plot is drawn");
    await figure.locator(".plot").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    const words = await figure.locator("[aria-live]").innerText();
    truth(/energy ħω [\d.]+ meV \([\d.]+ THz\)/.test(words) && !words.includes("framework"), `the cursor says "${words}"`);
    truth(/mean energy [\d.]+ meV/.test(await figure.locator(".plot").getAttribute("aria-label")), "the plot has words");
    await page.done();
}

async function definitions_come_with_focus(world) {
    const page = await openRun(world, "walk-5");
    await page.locator("#diffusion thead button", { hasText: "N_eff" }).focus();
    const tip = page.locator("#tip");
    await tip.waitFor({ state: "visible" });
    const words = world.daemon.ionwatch("explain", "effective_hops");
    truth(words.includes("hop") && (await tip.innerText()).includes(/What: +(.*)/.exec(words)[1].trim()), `the tip says "${await tip.innerText()}"`);
    await page.keyboard.press("Escape");
    await tip.waitFor({ state: "hidden" });
    const keys = new Set((await (await fetch(`${world.daemon.url}api/v1/explain`)).json()).flatMap((row) => row.key.split(" ")));
    const asked = await page.evaluate(() => [...document.querySelectorAll("[data-explain]")].map((term) => term.dataset.explain));
    truth(asked.length > 30, `${asked.length} terms explain themselves`);
    equal(asked.filter((key) => !keys.has(key)), [], "terms without a definition");
    await page.done();
}

/* Also where a curve is level but for rounding, or spans many decades. */
async function ticks_are_few_and_rising_whatever_the_range(world) {
    const page = await openRun(world, "walk-5");
    const wrong = await page.evaluate(async () => {
        const { rangesOf, ticksOf } = await import("/assets/axes.js");
        const found = [];
        const curves = [[4895.68, 4895.68 + 1e-12], [0, 0], [-3, -3], [1e-300, 1e-290], [1e-9, 3e7], [-1e9, 1e9], [5e-324, 5e-324], [1, 1.0000001], [1.7e-5, null], [1e15, 1e15 + 1]];
        for (const y of curves)
            for (const log of [false, true]) {
                const axis = { log, label: "y", unit: "1" };
                const ranges = rangesOf({ x: { label: "x", unit: "1" }, y: axis }, [{ x: [0, 1], y, lo: y, hi: y }]);
                for (const wanted of [0.5, 2, 8, 30]) {
                    const ticks = ticksOf(axis, ranges.y, wanted).map((tick) => tick.v);
                    const rising = ticks.every((v, i) => Number.isFinite(v) && (i === 0 || v > ticks[i - 1]));
                    if (!rising || ticks.length > 1000 || !(ranges.y[0] < ranges.y[1])) found.push([y, log, wanted, ticks.length, ranges.y]);
                }
            }
        return found;
    });
    equal(wrong, [], "ranges with wrong ticks");
    await page.done();
}

/* All walks are of one compound, at eight temperatures. */
async function siblings_make_an_arrhenius_plot(world) {
    const page = await openRun(world, "walk-5");
    await page.waitForSelector("#arrhenius:not([hidden]) dd");
    const report = world.daemon.json("arrhenius", "Li2Cl", "--db", `sqlite:///${world.daemon.folder}/runs.sqlite`);
    const facts = await page.locator("#arrhenius dd").allTextContents();
    same(facts[0], report.fit.E_a_eV.value, report.fit.E_a_eV.stderr, "E_a");
    same(facts[2], report.fit.D_cm2_s.value, report.fit.D_cm2_s.stderr, "D at 300 K");
    const json = JSON.parse((await save(page, "Arrhenius plot of Li2Cl", "JSON")).bytes);
    const points = json.series.filter((s) => !s.name.startsWith("E_a")).flatMap((s) => s.x.map((x, i) => [1000 / x, s.y[i]]));
    equal(points.map(([, D]) => D).sort(), report.points.map((p) => p.D_cm2_s.value).filter((D) => D > 0).sort(), "D of the points");
    const line = json.series.find((s) => s.name.startsWith("E_a"));
    const slope = Math.log(line.y[0] / line.y[1]) / (line.x[1] - line.x[0]);
    truth(Math.abs(slope * 1000 * 8.617333262e-5 - report.fit.E_a_eV.value) < 1e-6, "the slope of the line is E_a");
    await page.done();
}

async function a_run_that_is_not_there_is_said_to_be_missing(world) {
    const page = await world.browser.open(world.daemon.url);
    await page.goto(`${world.daemon.url}#/run/nobody`);
    await page.waitForSelector("text=There is no run “nobody”");
    await page.waitForSelector(".link[data-state=live]"); /* the daemon is well */
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); /* skips to the content, and not away from it */
    equal(await page.evaluate(() => [document.activeElement.id, location.hash]), ["main", "#/run/nobody"], "focus and place");
    world.browser.forget(/404/);
    await page.done();
}

/* From the moment that the MD code hands over a frame to the moment that its number is on the page. */
async function a_frame_is_on_the_page_soon_without_a_reload(world) {
    const page = await openRun(world, "walk-2");
    await page.evaluate(() => {
        globalThis.arrived = [];
        const frames = [...document.querySelectorAll("dt")].find((dt) => dt.textContent === "Frames").nextElementSibling;
        new MutationObserver(() => globalThis.arrived.push([Number.parseInt(frames.textContent, 10), Date.now()])).observe(frames, { childList: true, characterData: true, subtree: true });
    });
    const delays = [];
    for (let i = 0; i < 6; i++) {
        const sent = await world.fleet.tell("step walk-2");
        const wanted = 1201 + i;
        const seen = await until(() => page.evaluate((n) => globalThis.arrived.find(([frames]) => frames >= n), wanted), 20, `frame ${wanted} on the page`);
        delays.push(seen[1] - sent);
        await pause(150 + 130 * i); /* not in step with anything */
    }
    delays.sort((a, b) => a - b);
    world.said(`from the frame to the page: ${delays.join(", ")} ms`);
    truth(delays[0] < PATIENCE * SNAPSHOT_MS, `${delays[0]} ms at best`);
    equal(await page.evaluate(() => performance.getEntriesByType("navigation").length), 1, "loads of the page");
    await page.done();
}

export const cases = [the_run_page_shows_what_show_says, plots_are_saved_with_the_numbers_of_the_record, frequencies_stand_above_the_energies, curves_are_switched_and_read_by_keyboard,
    ticks_are_few_and_rising_whatever_the_range, definitions_come_with_focus, siblings_make_an_arrhenius_plot, a_run_that_is_not_there_is_said_to_be_missing, a_frame_is_on_the_page_soon_without_a_reload];
