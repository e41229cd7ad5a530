/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Numbers of a linear axis are written out within these. */
static const double least_plain = 1e-3, most_plain = 1e5;
/* A range that begins below this part of its end begins at zero. */
static const double near_zero = 0.4;

void
iw_axis_init(iw_axis *self, bool log)
{
    *self = (iw_axis){.low = INFINITY, .high = -INFINITY, .log = log};
}

void
iw_axis_take(iw_axis *self, double value)
{
    if (!isfinite(value) || (self->log && value <= 0.0))
        return;
    self->low = fmin(self->low, value);
    self->high = fmax(self->high, value);
}

static void
close_linear(iw_axis *self)
{
    if (self->low > 0.0 && self->low < near_zero * self->high)
        self->low = 0.0;
    if (self->high < 0.0 && self->high > near_zero * self->low)
        self->high = 0.0;
    double largest = fmax(fabs(self->low), fabs(self->high));
    if (!(self->high - self->low > 1e-9 * largest)) {
        double half = largest > 0.0 ? 0.1 * largest : 1.0;
        self->low -= half;
        self->high += half;
        largest += half;
    }
    if (largest < least_plain || largest >= most_plain)
        self->exponent = (int)floor(log10(largest));
}

void
iw_axis_close(iw_axis *self)
{
    if (self->low > self->high) { /* nothing was taken */
        self->low = self->log ? 0.1 : 0.0;
        self->high = self->log ? 10.0 : 1.0;
    }
    if (!self->log)
        close_linear(self);
    else if (!(self->high > 1.2 * self->low)) {
        self->low /= 2.0;
        self->high *= 2.0;
    }
}

double
iw_axis_at(const iw_axis *self, double value)
{
    if (!isfinite(value) || (self->log && value <= 0.0))
        return NAN;
    if (self->log)
        return log(value / self->low) / log(self->high / self->low);
    return (value - self->low) / (self->high - self->low);
}

/* The smallest of 1, 2, 5 times a power of ten with at most so many multiples in the range. */
static double
round_step(const iw_axis *self, size_t most)
{
    static const double parts[] = {1.0, 2.0, 5.0};
    double range = self->high - self->low;
    for (int power = (int)floor(log10(range / (double)most)) - 1;; power++)
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            double step = parts[p] * pow(10.0, power);
            double n = floor(self->high / step + 1e-9) - ceil(self->low / step - 1e-9) + 1.0;
            if (n <= (double)most)
                return step;
        }
}

static size_t
linear_ticks(const iw_axis *self, size_t most, iw_tick ticks[IW_AXIS_TICKS])
{
    double step = round_step(self, most), unit = pow(10.0, self->exponent);
    int decimals = (int)-floor(log10(step / unit) + 1e-9);
    size_t n = 0;
    decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
    double first = ceil(self->low / step - 1e-9);
    for (; n < IW_AXIS_TICKS && (first + (double)n) * step <= self->high + 1e-9 * step; n++) {
        double k = first + (double)n;
        ticks[n].value = k * step;
        (void)snprintf(ticks[n].text, IW_TICK_TEXT, "%.*f", decimals,
                       k == 0.0 ? 0.0 : k * step / unit); /* no -0 */
    }
    return n;
}

static void
power_text(char text[IW_TICK_TEXT], double part, int power)
{
    if (power >= -3 && power <= 4)
        (void)snprintf(text, IW_TICK_TEXT, "%g", part * pow(10.0, power));
    else
        (void)snprintf(text, IW_TICK_TEXT, "%.0fe%d", part, power);
}

/* Multiples of every stride-th power of ten by the first so many of 1, 2, 5; more than most: no. */
static size_t
log_ticks_of(const iw_axis *self, int stride, size_t parts, size_t most,
             iw_tick ticks[IW_AXIS_TICKS])
{
    static const double part[] = {1.0, 2.0, 5.0};
    int first = (int)floor(log10(self->low)) - 1, last = (int)ceil(log10(self->high));
    size_t n = 0;
    for (int power = first; power <= last; power++)
        for (size_t p = 0; p < parts && power % stride == 0; p++) {
            double value = part[p] * pow(10.0, power);
            if (value < self->low * (1.0 - 1e-9) || value > self->high * (1.0 + 1e-9))
                continue;
            if (n == most)
                return most + 1;
            ticks[n].value = value;
            power_text(ticks[n].text, part[p], power);
            n++;
        }
    return n;
}

size_t
iw_axis_ticks(const iw_axis *self, size_t most, iw_tick ticks[IW_AXIS_TICKS])
{
    most = most < 2 ? 2 : most > IW_AXIS_TICKS ? IW_AXIS_TICKS : most;
    if (!self->log)
        return linear_ticks(self, most, ticks);
    size_t n = log_ticks_of(self, 1, 3, most, ticks);
    for (int stride = 1; n > most; stride++)
        n = log_ticks_of(self, stride, 1, most, ticks);
    if (n < 2 && self->high < 10.0 * self->low) { /* about an octave: as on a linear axis */
        iw_axis linear = {.low = self->low, .high = self->high};
        n = linear_ticks(&linear, most, ticks);
        for (size_t t = 0; t < n; t++)
            (void)snprintf(ticks[t].text, IW_TICK_TEXT, "%.9g", ticks[t].value);
    }
    return n;
}
