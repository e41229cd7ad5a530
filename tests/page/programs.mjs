// SPDX-License-Identifier: GPL-3.0-or-later
// programs.mjs - the programs of ionwatch around a browser under test.

import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";

const BUILD = process.env.IONWATCH_BUILD;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(condition, seconds, what) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
        await pause(25);
    }
}

/* A daemon of our own in a folder of its own; its port is asked for, and kept over a restart. */
export class Daemon {
    constructor(...options) {
        this.options = options;
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "ionwatch-page-"));
        this.endpoint = `ipc://${this.folder}/sock`;
        this.http = "127.0.0.1:0";
        this.environment = { ...process.env, IONWATCH_ENDPOINT: this.endpoint, IONWATCH_SPOOL: this.folder, HOME: this.folder, LC_ALL: "C.UTF-8" };
    }

    async start() {
        const log = fs.openSync(path.join(this.folder, "daemon.log"), "a");
        const from = this.log().length;
        this.process = spawn(path.join(BUILD, "ionwatchd"), ["--listen", this.endpoint, "--data", path.join(this.folder, "data"), "--db", `sqlite:///${this.folder}/runs.sqlite`, "--http", this.http, "--heartbeat-s", "10", ...this.options],
            { env: this.environment, cwd: this.folder, stdio: ["ignore", log, log] });
        fs.closeSync(log);
        this.url = await until(() => /http\.listen \S+ (http:\S+?),/.exec(this.log().slice(from))?.[1], 20, "the daemon says where its page is");
        this.http = new URL(this.url).host;
    }

    ionwatch(...words) {
        return execFileSync(path.join(BUILD, "ionwatch"), words, { env: this.environment, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
    }

    json(...words) {
        return JSON.parse(this.ionwatch(...words, "--json"));
    }

    token(role) {
        const text = fs.readFileSync(path.join(this.folder, "data", "http_tokens"), "utf8");
        return new RegExp(`^${role}[ \\t=:]+(\\S+)`, "m").exec(text)[1];
    }

    log() {
        return fs.readFileSync(path.join(this.folder, "daemon.log"), "utf8");
    }

    kill() {
        this.process.kill("SIGKILL");
        return new Promise((resolve) => this.process.once("exit", resolve));
    }

    async end() {
        if (this.process?.exitCode === null && this.process.signalCode === null) await this.kill();
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}

/* fleet.c: many runs; its lines are answers to commands, or name a run that was stopped. */
export class Fleet {
    constructor(daemon, frames, names) {
        this.names = names;
        this.ids = new Map();
        this.stopped = new Set();
        this.waiting = [];
        this.process = spawn(path.join(BUILD, "tests", "fleet"), [String(frames), ...names], { env: daemon.environment, cwd: daemon.folder, stdio: ["pipe", "pipe", "inherit"] });
        this.ready = this.answer("ready");
        readline.createInterface({ input: this.process.stdout }).on("line", (line) => this.hear(line));
    }

    hear(line) {
        const [first, ...rest] = line.split(" ");
        const words = rest.join(" ");
        if (first === "stopped") this.stopped.add(words);
        else if (/^[0-9a-f-]{36}$/.test(first)) this.ids.set(words, first);
        else this.waiting.shift()?.(Number(first));
    }

    answer() {
        return new Promise((resolve) => this.waiting.push(resolve));
    }

    /* The time in ms at which it was done. */
    tell(words) {
        const answer = this.answer();
        this.process.stdin.write(`${words}\n`);
        return answer;
    }

    end() {
        this.process.kill("SIGKILL");
    }
}
