// SPDX-License-Identifier: GPL-3.0-or-later
// life.mjs - what goes wrong and what is dangerous: a daemon that dies, a run that is stopped.

import path from "node:path";
import { violations } from "./browser.mjs";
import { Daemon, until } from "./programs.mjs";
import { equal, same, truth } from "./values.mjs";

async function tabTo(page, wanted, most = 80) {
    for (let i = 0; i < most; i++) {
        if (await page.evaluate((selector) => document.activeElement?.matches(selector), wanted)) return;
        await page.keyboard.press("Tab");
    }
    throw new Error(`no ${wanted} within ${most} presses of Tab`);
}

async function a_run_is_stopped_by_keyboard_alone_and_by_nobody_else(world) {
    const page = await world.browser.open(world.daemon.url);
    await page.goto(world.daemon.url);
    await page.waitForSelector("tr[data-run]");
    const id = world.fleet.ids.get("walk-7");
    await tabTo(page, "#filter");
    await page.keyboard.type("walk-7");
    await until(async () => (await page.locator("tbody tr").count()) === 1, 5, "one row");
    await tabTo(page, `tr[data-run="${id}"] a`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".big");
    await tabTo(page, "button.danger");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]"); /* a reader is asked who he is */
    await page.keyboard.type("not the token");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Not let in");
    await page.keyboard.type(world.daemon.token("operator"));
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open] h2:text-is('Stop walk-7?')");
    equal(await violations(page), [], "what the accessibility check found in the dialog");
    await page.screenshot({ path: path.join(world.screenshots, "stop.png") });
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    equal(world.daemon.json("show", id).run.state, "running", "state after a change of mind");
    await tabTo(page, "button.danger");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    await tabTo(page, "dialog button.danger", 5);
    await page.keyboard.press("Enter");
    await page.waitForSelector(`dialog .said:text("is asked to stop")`);
    await world.fleet.tell("step walk-7"); /* hears it at the latest with the one after */
    await until(async () => (await world.fleet.tell("step walk-7")) && world.fleet.stopped.has("walk-7"), 20, "the run ends");
    await page.keyboard.press("Escape");
    await until(async () => /stopped/.test(await page.locator(".signs").innerText()), 20, "the page says stopped");
    const stored = await page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie]));
    for (const role of ["reader", "operator"]) truth(!stored.includes(world.daemon.token(role)) && !world.daemon.log().includes(world.daemon.token(role)), `the token of the ${role} is kept where it should not be`);
    world.browser.forget(/401|403|Unauthorized|Forbidden/); /* the wrong token */
    await page.done();
}

async function a_run_that_is_silent_is_told_apart_from_a_silent_daemon(world) {
    const page = await world.browser.open(world.daemon.url);
    await page.goto(`${world.daemon.url}#/run/${world.silent}`);
    await page.waitForSelector(".silent:not([hidden])", { timeout: 60000 });
    truth(/adapter of this run is silent.*The daemon answers/.test(await page.locator(".silent").innerText()), await page.locator(".silent").innerText());
    truth(await page.locator("#banner").isHidden(), "no banner");
    equal(await page.locator("#link-text").innerText(), "live", "the daemon");
    await page.done();
}

async function who_may_not_read_without_a_token_is_asked_for_it(world) {
    const daemon = new Daemon("--http-read", "token");
    try {
        await daemon.start();
        const page = await world.browser.open(daemon.url);
        await page.goto(daemon.url);
        await page.waitForSelector("dialog[open] #token");
        equal(await page.locator("#link-text").innerText(), "not signed in", "the daemon");
        await page.keyboard.press("Escape");
        await page.locator("#banner button").click(); /* it can be had again */
        await page.keyboard.type(daemon.token("reader"));
        await page.keyboard.press("Enter");
        await page.waitForSelector(".link[data-state=live]");
        await page.waitForSelector("text=No runs yet");
        truth(await page.locator("#banner").isHidden(), "the banner has gone");
        world.browser.forget(/401/);
        await page.done();
    } finally {
        await daemon.end();
    }
}

/* A page in the background, from the start of the tests on. */
export async function openHidden(world, name = "walk-2") {
    const page = await world.browser.open(world.daemon.url);
    await page.addInitScript(() => Object.defineProperty(document, "hidden", { configurable: true, get: () => globalThis.covered ?? false }));
    await page.goto(`${world.daemon.url}#/run/${world.fleet.ids.get(name)}`);
    await page.waitForSelector(".big");
    await page.evaluate(() => {
        globalThis.covered = true;
        document.dispatchEvent(new Event("visibilitychange"));
    });
    return page;
}

const uncover = (page) => page.evaluate(() => {
    globalThis.covered = false;
    document.dispatchEvent(new Event("visibilitychange"));
});

async function a_page_in_the_background_rests_and_is_fresh_when_looked_at(world) {
    const page = world.resting;
    const frames = async () => Number.parseInt(await page.locator(".summary dt", { hasText: "Frames" }).locator("xpath=following-sibling::dd").textContent(), 10);
    await page.waitForSelector(".link[data-state=resting]");
    const then = await frames();
    await world.fleet.tell("step walk-2");
    const now = await until(() => {
        const row = world.daemon.json("show", world.fleet.ids.get("walk-2")).run;
        return row.frames > then && row.frames;
    }, 20, "frames have come since");
    equal([await frames(), await page.locator("#banner").isHidden()], [then, true], "frames on a page that rests, and no alarm");
    await uncover(page);
    await until(async () => (await frames()) >= now, 20, "the page is fresh");
    await page.done();
}

/* walk-4 has ended before the daemon died: it is in the database. */
async function runs_of_former_days_can_be_looked_at(page, world) {
    const row = page.locator("tr[data-run]", { has: page.locator('.run-name:text-is("walk-4")') });
    equal(await row.count(), 0, "rows of runs that had ended");
    await page.check("#former");
    await row.locator("a").click();
    await page.waitForSelector(".big");
    const record = world.daemon.json("show", world.fleet.ids.get("walk-4"));
    same(await page.locator(".big").innerText(), record.groups.mobile.D_cm2_s.value, record.groups.mobile.D_cm2_s.stderr, "D");
    truth(await page.locator("button.danger").isHidden(), "what has ended cannot be stopped");
}

async function a_daemon_that_dies_is_told_of_and_comes_back_by_itself(world) {
    const pages = [await world.browser.open(world.daemon.url), await world.browser.open(world.daemon.url)];
    await pages[0].goto(world.daemon.url);
    await pages[1].goto(`${world.daemon.url}#/run/${world.fleet.ids.get("walk-3")}`);
    await pages[0].waitForSelector("tr[data-run]");
    await pages[1].waitForSelector(".big");
    const before = await pages[1].locator(".big").innerText();
    await world.daemon.kill();
    const died = Date.now();
    for (const page of pages) await page.waitForSelector("#banner:not([hidden])", { timeout: 20000 });
    world.said(`killed: the page says so after ${((Date.now() - died) / 1000).toFixed(1)} s`);
    truth(/No word from the daemon.*\d+ s without data/s.test(await pages[0].locator("#banner").innerText()), await pages[0].locator("#banner").innerText());
    equal(await pages[1].locator(".big").innerText(), before, "what was known stays to be read");
    equal(await violations(pages[1]), [], "what the accessibility check found below the banner");
    await pages[1].screenshot({ path: path.join(world.screenshots, "stale.png") });
    await world.daemon.start();
    const back = Date.now();
    for (const page of pages) await page.waitForSelector("#banner", { state: "hidden", timeout: 40000 });
    world.said(`restarted: the page is live after ${((Date.now() - back) / 1000).toFixed(1)} s`);
    await world.fleet.tell("step walk-3");
    await until(async () => /1201 of 24/.test(await pages[1].locator(".summary").innerText()), 60, "the next frame is on the page");
    const listed = world.daemon.json("ls");
    await until(async () => (await pages[0].locator("tbody tr").count()) === (listed.runs ?? listed).length, 20, "the runs are listed");
    await runs_of_former_days_can_be_looked_at(pages[0], world);
    world.browser.forget(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|Failed to load resource/);
    for (const page of pages) await page.done();
}

async function a_run_that_is_removed_says_so_and_one_that_never_was_too(world) {
    const pages = [];
    for (let i = 0; i < 3; i++) pages.push(await world.browser.open(world.daemon.url));
    const id = world.fleet.ids.get("walk-11");
    await world.fleet.tell("end walk-11");
    await until(() => world.daemon.json("show", id).run.state === "completed", 20, "it has ended");
    const resting = await openHidden(world, "walk-11");
    await resting.waitForSelector(".link[data-state=resting]");
    await pages[0].goto(`${world.daemon.url}#/run/${id}`);
    await pages[0].waitForSelector(".big");
    truth(await pages[0].locator(".silent").isHidden(), "it is there");
    await until(() => world.daemon.ionwatch("rm", id).includes("removed"), 20, "it is removed");
    await pages[0].waitForSelector(".silent:not([hidden])", { timeout: 20000 });
    const said = await pages[0].locator(".silent").innerText();
    truth(/This run was removed: since .*\d.* it is neither here nor in the database/.test(said), said);
    equal([await pages[0].locator(".big").isVisible(), await pages[0].locator("a[download].button").isVisible()], [true, false], "what was known stays, its record cannot be had");
    await pages[1].goto(`${world.daemon.url}#/run/${id}`);
    await pages[2].goto(`${world.daemon.url}#/run/no-such`);
    for (const page of pages.slice(1)) {
        await page.waitForSelector(".run > .nothing a");
        truth(/There is no run “.*”, here or in the database: it was removed, or the link is wrong. All runs/.test(await page.locator(".run > .nothing").innerText()), "what it says");
        equal([await page.locator(".signs").isVisible(), await page.locator(".run-actions a").isVisible()], [false, false], "nothing of a record");
        truth(await page.locator(".silent").isHidden(), "it is said once");
        equal(await violations(page), [], "what the accessibility check found");
        await page.screenshot({ path: path.join(world.screenshots, "removed.png") });
        await page.locator(".run > .nothing a").click();
        await page.waitForSelector("tr[data-run]");
    }
    await uncover(resting); /* its stream is refused */
    await resting.waitForSelector(".silent:not([hidden])", { timeout: 20000 });
    await resting.waitForSelector(".link[data-state=live]");
    truth(await resting.locator("#banner").isHidden(), "the daemon is there");
    world.browser.forget(/404/);
    await Promise.all([...pages, resting].map((page) => page.done()));
}

export const cases = [who_may_not_read_without_a_token_is_asked_for_it, a_page_in_the_background_rests_and_is_fresh_when_looked_at, a_run_that_is_silent_is_told_apart_from_a_silent_daemon, a_run_is_stopped_by_keyboard_alone_and_by_nobody_else, a_run_that_is_removed_says_so_and_one_that_never_was_too, a_daemon_that_dies_is_told_of_and_comes_back_by_itself];
