// SPDX-License-Identifier: GPL-3.0-or-later
// format.js - numbers as `ionwatch show` prints them: the error decides how many digits a value has.

const MINUS = "−";
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export const NONE = "–";
export const known = (value) => typeof value === "number" && Number.isFinite(value);
const signed = (text) => text.replace("-", MINUS);
const raised = (power) => [...String(power)].map((c) => RAISED[c]).join("");

export function powerOfTen(power) {
    return `10${raised(power)}`;
}

export function fixed(value, decimals) {
    return known(value) ? signed(value.toFixed(decimals)) : NONE;
}

/* 1.23e-05 as 1.23 × 10⁻⁵ */
export function scientific(value, digits = 3) {
    if (!known(value)) return NONE;
    if (value === 0) return "0";
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    return `${signed(mantissa)} × ${powerOfTen(Number(power))}`;
}

/* So many digits; whole numbers below 1e7 are written out. */
export function general(value, digits) {
    if (!known(value)) return NONE;
    const size = Math.abs(value);
    if (size < 1e7 && size >= 10 ** digits) return signed(value.toFixed(0));
    if (size !== 0 && (size < 1e-4 || size >= 10 ** digits)) {
        const [mantissa, power] = value.toExponential(digits - 1).split("e");
        return `${signed(String(Number(mantissa)))} × ${powerOfTen(Number(power))}`;
    }
    return signed(String(Number(value.toPrecision(digits))));
}

/* The error to two digits, the value to the same place: (1.11 ± 0.12) × 10⁻⁵ */
export function withError(value, error) {
    if (!known(value) || !known(error) || !(error > 0)) return scientific(value);
    const decade = Math.floor(Math.log10(Math.max(Math.abs(value), error)));
    const decimals = Math.min(6, decade - Math.floor(Math.log10(error)) + 1);
    const unit = 10 ** decade;
    return `(${signed((value / unit).toFixed(decimals))} ± ${(error / unit).toFixed(decimals)}) × ${powerOfTen(decade)}`;
}

/* 74.2 ± 5.1; as withError where that is long. */
export function plusMinus(value, error) {
    if (!known(value) || !known(error) || !(error > 0)) return general(value, 4);
    const decimals = 1 - Math.floor(Math.log10(error));
    if (decimals > 5 || Math.max(Math.abs(value), error) >= 1e6) return withError(value, error);
    const places = Math.max(0, decimals);
    return `${signed(value.toFixed(places))} ± ${error.toFixed(places)}`;
}

/* The error in units of the last digits of the value: 32.06(12) */
export function bracketed(value, error, decimals) {
    const WIDEST = 10;
    if (!known(value) || !known(error) || !(error > 0) || error >= 1e6 || Math.abs(value) >= 1e9)
        return fixed(value, decimals);
    let digits = Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(error))));
    for (;;) {
        const text = `${value.toFixed(digits)}(${Math.max(1, Math.round(error * 10 ** digits))})`;
        if (text.length <= WIDEST || digits-- === 0) return signed(text);
    }
}

/* A share: 0.203 is 20.3 % */
export function percent(value, decimals = 1) {
    return known(value) ? `${signed((100 * value).toFixed(decimals))} %` : NONE;
}

/* Limits of an interval, null where there is none: in words. */
export function interval(limits, print) {
    const [low, high] = limits ?? [];
    if (known(low) && known(high)) return `${print(low)} to ${print(high)}`;
    if (known(low) && low > 0) return `above ${print(low)}`;
    return known(low) ? "no limit yet" : NONE;
}

export function withUnit(text, unit) {
    return text === NONE || !unit || unit === "1" ? text : `${text} ${unit}`;
}

const UNITS = { cm2: "cm²", A2: "Å²", A3: "Å³", fs2: "fs²", A: "Å", kB: "k_B" };

/* Units of the JSON contract as people write them: "A2/fs2" is Å²/fs². */
export function unitName(unit) {
    return unit.replace(/[A-Za-z]+\d?/g, (word) => UNITS[word] ?? word);
}

export function duration(seconds) {
    if (seconds < 1) return "less than a second";
    if (seconds < 120) return `${Math.round(seconds)} s`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
    return `${Math.round(seconds / 86400)} days`;
}
