// SPDX-License-Identifier: GPL-3.0-or-later
// page.mjs - the cases in order, around one daemon and a fleet of runs; what was measured is printed.

import fs from "node:fs";
import path from "node:path";
import { Browser } from "./browser.mjs";
import * as life from "./life.mjs";
import * as overview from "./overview.mjs";
import { Daemon, Fleet, until } from "./programs.mjs";
import * as run from "./run.mjs";
import { equal } from "./values.mjs";

const HOSTILE = "<img src=x onerror=window.pwned=1>";

async function setUp() {
    const world = { daemon: new Daemon(), browser: new Browser(), hostile: HOSTILE, said: (text) => console.log(`    ${text}`) };
    world.screenshots = path.join(process.env.IONWATCH_BUILD, "page", "screenshots");
    fs.mkdirSync(world.screenshots, { recursive: true });
    await Promise.all([world.daemon.start(), world.browser.start()]);
    const names = [...Array.from({ length: 12 }, (_, i) => `walk-${i}`), HOSTILE];
    world.fleet = new Fleet(world.daemon, 1200, names);
    await world.fleet.ready;
    await world.fleet.tell("end walk-4");
    const silent = new Fleet(world.daemon, 20, ["silent"]); /* its adapter dies without a word */
    await silent.ready;
    world.silent = silent.ids.get("silent");
    silent.process.kill("SIGKILL");
    await until(() => {
        const rows = world.daemon.json("ls");
        return (rows.runs ?? rows).every((row) => row.name === "silent" || row.frames === 1200);
    }, 60, "all frames are analysed");
    world.resting = await life.openHidden(world);
    return world;
}

/* The policy of the page would stop it; this tells where it was tried. */
async function no_text_becomes_markup() {
    const folder = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../../daemon/publish/page");
    const wrong = fs.readdirSync(folder).flatMap((name) => fs.readFileSync(path.join(folder, name), "utf8").split("\n")
        .filter((line) => /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle="|\son[a-z]+="/.test(line)).map((line) => `${name}: ${line}`));
    equal(wrong, [], "lines that make markup of text");
}

async function nothing_was_said_and_nothing_left_the_host({ browser }) {
    equal(browser.errors, [], "errors and warnings of the browser");
    equal(browser.foreign, [], "requests to others");
}

const only = process.argv[2] ? new RegExp(process.argv[2]) : /./;
const cases = [...overview.cases, ...run.cases, ...overview.crowded, ...life.cases, no_text_becomes_markup, nothing_was_said_and_nothing_left_the_host];
const begin = Date.now();
const world = await setUp();
console.log(`${world.fleet.names.length} runs are there after ${((Date.now() - begin) / 1000).toFixed(1)} s`);
let failed = 0;
for (const test of cases.filter((test) => only.test(test.name))) {
    const start = Date.now();
    let word = "ok";
    try {
        await test(world);
    } catch (error) {
        word = "FAILED";
        failed++;
        console.log(error.stack);
    }
    console.log(`${word.padEnd(7)} ${test.name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
}
if (failed) console.log(world.daemon.log().slice(-2000));
await world.browser.end();
world.fleet.end();
world.fleet2?.end();
await world.daemon.end();
console.log(`${((Date.now() - begin) / 1000).toFixed(1)} s in all`);
process.exit(failed ? 1 : 0);
