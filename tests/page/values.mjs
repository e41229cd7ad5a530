// SPDX-License-Identifier: GPL-3.0-or-later
// values.mjs - reads back the numbers that the page shows, and compares them with those of the record.

const DIGITS = { "⁻": "-", "⁰": "0", "¹": "1", "²": "2", "³": "3", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9" };

/* "(1.11 ± 0.12) × 10⁻⁵", "32.06(12)", "-1.5": value, error and half of the last digit. */
export function read(text) {
    const plain = text.replaceAll("−", "-");
    const power = /× 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/.exec(plain);
    const unit = power ? 10 ** Number([...power[1]].map((c) => DIGITS[c]).join("")) : 1;
    const number = /-?\d+(\.(\d+))?/.exec(plain);
    if (!number) return { value: null, error: null };
    const last = unit * 10 ** -(number[2]?.length ?? 0);
    const value = unit * Number(number[0]);
    const spread = /± (\d+(?:\.\d+)?)/.exec(plain), brackets = /\((\d+)\)/.exec(plain);
    const error = spread ? unit * Number(spread[1]) : brackets ? last * Number(brackets[1]) : null;
    return { value, error, half: 0.500001 * last };
}

export function same(text, value, error, what) {
    const shown = read(text);
    const missing = value === null || value === undefined;
    if (missing !== (shown.value === null)) throw new Error(`${what}: "${text}" where the record has ${value}`);
    if (missing) return;
    if (Math.abs(shown.value - value) > shown.half) throw new Error(`${what}: "${text}" where the record has ${value}`);
    if (error !== undefined && shown.error !== null && Math.abs(shown.error - error) > Math.max(shown.half, 0.51 * 10 ** Math.floor(Math.log10(error) - 1)))
        throw new Error(`${what}: "${text}" where the record has an error of ${error}`);
}

export function equal(a, b, what) {
    if (JSON.stringify(a) !== JSON.stringify(b))
        throw new Error(`${what}: ${JSON.stringify(a)?.slice(0, 200)} where ${JSON.stringify(b)?.slice(0, 200)} was expected`);
}

export function truth(condition, what) {
    if (!condition) throw new Error(what);
}
