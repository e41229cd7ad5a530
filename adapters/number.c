/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/text.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 400 };

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void
make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static inline bool
is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static inline const char *
skip_blank(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* What strtod makes of the token, which is known to be digits, at most one point and exponent. */
static double
slow_real(const char *at, size_t size)
{
    char token[TOKEN_MAX + 1];
    memcpy(token, at, size);
    token[size] = '\0';
    for (size_t i = 0; i < size; i++)
        if (token[i] == 'd' || token[i] == 'D')
            token[i] = 'e';
    (void)pthread_once(&c_locale_once, make_c_locale);
    return c_locale ? strtod_l(token, NULL, c_locale) : strtod(token, NULL);
}

/* Both factors of the result are exact doubles, so that one rounding remains. */
static inline bool
fast_real(uint64_t mantissa, int exponent, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (mantissa > (uint64_t)1 << 53 || exponent < -22 || exponent > 22)
        return false;
    if (exponent < 0)
        *value = (double)mantissa / powers[-exponent];
    else
        *value = (double)mantissa * powers[exponent];
    return true;
}

bool
iw_field_real(iw_line *line, double *value)
{
    const char *end = line->end;
    const char *start = skip_blank(line->at, end);
    const char *at = start;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    uint64_t mantissa = 0;
    const char *digits = at;
    while (at < end && is_digit(*at))
        mantissa = mantissa * 10 + (uint64_t)(*at++ - '0');
    ptrdiff_t n_digits = at - digits;
    int exponent = 0;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && is_digit(*at))
            mantissa = mantissa * 10 + (uint64_t)(*at++ - '0');
        n_digits += at - fraction;
        exponent = (int)(fraction - at);
    }
    if (n_digits == 0 || at - start > TOKEN_MAX)
        return false;
    if (at < end && (*at == 'e' || *at == 'E' || *at == 'd' || *at == 'D')) {
        const char *mark = ++at;
        bool minus = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        int power = 0;
        const char *power_digits = at;
        while (at < end && is_digit(*at)) {
            power = power < 100000 ? power * 10 + (*at - '0') : power;
            at++;
        }
        if (at == power_digits || at - mark > TOKEN_MAX)
            return false;
        exponent += minus ? -power : power;
    }
    /* "1.5-0.3", "12*" and "1.2.3" are no numbers. */
    if (at < end && !is_blank(*at))
        return false;
    /* 19 digits fit in 64 bits. */
    if (n_digits > 19 || !fast_real(mantissa, exponent, value)) {
        if (at - start > TOKEN_MAX)
            return false;
        *value = slow_real(start, (size_t)(at - start));
        if (!isfinite(*value))
            return false;
    } else if (negative) {
        *value = -*value;
    }
    line->at = at;
    return true;
}

bool
iw_field_int(iw_line *line, int64_t *value)
{
    const char *end = line->end;
    const char *at = skip_blank(line->at, end);
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *digits = at;
    uint64_t number = 0;
    while (at < end && is_digit(*at))
        number = number * 10 + (uint64_t)(*at++ - '0');
    if (at == digits || at - digits > 18 || (at < end && !is_blank(*at)))
        return false;
    *value = negative ? -(int64_t)number : (int64_t)number;
    line->at = at;
    return true;
}

bool
iw_field_word(iw_line *line, const char **word, size_t *size)
{
    const char *at = skip_blank(line->at, line->end);
    const char *start = at;
    while (at < line->end && !is_blank(*at))
        at++;
    if (at == start)
        return false;
    *word = start;
    *size = (size_t)(at - start);
    line->at = at;
    return true;
}

bool
iw_field_none(const iw_line *line)
{
    return skip_blank(line->at, line->end) == line->end;
}

bool
iw_parse_real(const char *text, double *value)
{
    iw_line line = {text, text + strlen(text)};
    return iw_field_real(&line, value) && iw_field_none(&line);
}

const char *
iw_line_excerpt(iw_line line, char text[48])
{
    size_t length = (size_t)(line.end - line.at);
    size_t shown = length < 47 ? length : 44;
    for (size_t i = 0; i < shown; i++)
        text[i] = line.at[i] >= ' ' && line.at[i] <= '~' ? line.at[i] : '?';
    memcpy(text + shown, length < 47 ? "" : "...", length < 47 ? 1 : 4);
    return text;
}
