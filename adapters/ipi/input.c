/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/ipi/input.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BOHR_A    0.529177210903
#define ATOMIC_FS 0.024188843265857
#define HARTREE_K 315775.02480407
#define SECOND_FS 1e15
#define METER_A   1e10

enum { DEPTH = 16, NAME = 32, TAG = 512, VALUE = 64 };

double
iw_ipi_unit(iw_ipi_dimension dimension, const char *text, size_t size)
{
    static const struct {
        const char *name;
        iw_ipi_dimension dimension;
        double value; /* in A, A/fs, fs, K */
    } units[] = {{"atomic_unit", IW_IPI_LENGTH, BOHR_A},
                 {"automatic", IW_IPI_LENGTH, BOHR_A},
                 {"", IW_IPI_LENGTH, BOHR_A},
                 {"angstrom", IW_IPI_LENGTH, 1.0},
                 {"ase", IW_IPI_LENGTH, 1.0},
                 {"meter", IW_IPI_LENGTH, METER_A},
                 {"atomic_unit", IW_IPI_VELOCITY, BOHR_A / ATOMIC_FS},
                 {"automatic", IW_IPI_VELOCITY, BOHR_A / ATOMIC_FS},
                 {"", IW_IPI_VELOCITY, BOHR_A / ATOMIC_FS},
                 {"m/s", IW_IPI_VELOCITY, METER_A / SECOND_FS},
                 {"atomic_unit", IW_IPI_TIME, ATOMIC_FS},
                 {"automatic", IW_IPI_TIME, ATOMIC_FS},
                 {"", IW_IPI_TIME, ATOMIC_FS},
                 {"second", IW_IPI_TIME, SECOND_FS},
                 {"atomic_unit", IW_IPI_TEMPERATURE, HARTREE_K},
                 {"automatic", IW_IPI_TEMPERATURE, HARTREE_K},
                 {"", IW_IPI_TEMPERATURE, HARTREE_K},
                 {"kelvin", IW_IPI_TEMPERATURE, 1.0}};
    static const struct {
        const char *name;
        double value;
    } prefixes[] = {{"", 1.0},       {"yotta", 1e24},  {"zetta", 1e21}, {"exa", 1e18},
                    {"peta", 1e15},  {"tera", 1e12},   {"giga", 1e9},   {"mega", 1e6},
                    {"kilo", 1e3},   {"milli", 1e-3},  {"micro", 1e-6}, {"nano", 1e-9},
                    {"pico", 1e-12}, {"femto", 1e-15}, {"atto", 1e-18}, {"zepto", 1e-21},
                    {"yocto", 1e-24}};
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        size_t skip = strlen(prefixes[p].name);
        if (skip > size || memcmp(text, prefixes[p].name, skip) != 0)
            continue;
        for (size_t u = 0; u < sizeof units / sizeof *units; u++)
            if (units[u].dimension == dimension && strlen(units[u].name) == size - skip &&
                strncasecmp(units[u].name, text + skip, size - skip) == 0)
                return prefixes[p].value * units[u].value;
    }
    return (double)NAN;
}

/* One file, as far as it was read. */
typedef struct {
    iw_ipi_input input;
    bool is_input;              /* has a <simulation> */
    char prefix[IW_IPI_PREFIX]; /* of its output */
    const iw_text *text;
    bool timestep_varies, temperature_varies;
    /* the elements that are open */
    char name[DEPTH][NAME];
    size_t depth, too_deep;
    char units[NAME]; /* of the innermost */
    /* what is read */
    enum { IN_TEXT, IN_TAG, IN_COMMENT } where;
    char quote; /* that is open in the tag */
    char tag[TAG], value[VALUE];
    size_t tag_size, value_size; /* as they are in the file: more than there is room for */
} source;

static bool
attribute(const source *self, const char *name, char *out, size_t room)
{
    size_t size = strlen(name);
    for (const char *at = self->tag; (at = strstr(at, name)); at++) {
        const char *from = at + size;
        if (at == self->tag || !strchr(" \t", at[-1]))
            continue;
        from += strspn(from, " \t");
        if (*from != '=')
            continue;
        from++;
        from += strspn(from, " \t");
        const char *end = *from == '\'' || *from == '"' ? strchr(from + 1, *from) : NULL;
        if (!end || (size_t)(end - from) > room)
            return false;
        for (from++; from < end && *from == ' ';)
            from++;
        while (end > from && end[-1] == ' ')
            end--;
        memcpy(out, from, (size_t)(end - from));
        out[end - from] = '\0';
        return true;
    }
    return false;
}

static bool
is_in(const source *self, const char *parent)
{
    return self->depth >= 2 && strcmp(self->name[self->depth - 2], parent) == 0;
}

static void
open_element(source *self)
{
    size_t size = strcspn(self->tag, " \t/");
    if (self->depth == DEPTH || size >= NAME || self->too_deep > 0) {
        self->too_deep++;
        return;
    }
    char *name = self->name[self->depth++], number[NAME];
    memcpy(name, self->tag, size);
    name[size] = '\0';
    self->units[0] = '\0';
    (void)attribute(self, "units", self->units, sizeof self->units);
    self->value_size = 0;
    iw_ipi_input *input = &self->input;
    double beads;
    if (strcmp(name, "simulation") == 0)
        self->is_input = true;
    else if (strcmp(name, "output") == 0)
        (void)attribute(self, "prefix", self->prefix, sizeof self->prefix);
    else if (strcmp(name, "dynamics") == 0 || strcmp(name, "ensemble") == 0)
        (void)attribute(self, "mode", input->ensemble, sizeof input->ensemble);
    else if ((strcmp(name, "initialize") == 0 || strcmp(name, "beads") == 0) &&
             attribute(self, "nbeads", number, sizeof number) && iw_parse_real(number, &beads) &&
             beads >= 1.0 && beads < 1e6)
        input->beads = (int64_t)beads;
}

/* Several systems of one input may differ: then it does not tell. */
static iw_status
take_value(source *self, iw_ipi_dimension dimension, double *to, bool *varies, iw_error *err)
{
    double value, unit = iw_ipi_unit(dimension, self->units, strlen(self->units));
    iw_line rest = {self->value, self->value + self->value_size};
    if (isnan(unit))
        return iw_text_fail(self->text, err, IW_INVALID,
                            "the unit '%s' of %s is not known; known are atomic_unit and %s, with "
                            "prefixes such as femto",
                            self->units, self->name[self->depth - 1],
                            dimension == IW_IPI_TIME ? "second" : "kelvin");
    if (self->value_size > VALUE || !iw_field_real(&rest, &value))
        return IW_OK; /* an array of other things */
    value *= unit;
    *varies = *varies || (!isnan(*to) && fabs(*to - value) > 1e-9 * fabs(value));
    *to = *varies ? (double)NAN : value;
    return IW_OK;
}

static iw_status
close_element(source *self, iw_error *err)
{
    iw_status status = IW_OK;
    if (self->too_deep > 0) {
        self->too_deep--;
        return IW_OK;
    }
    if (self->depth == 0)
        return IW_OK;
    const char *name = self->name[self->depth - 1];
    iw_ipi_input *input = &self->input;
    if (strcmp(name, "timestep") == 0 && (is_in(self, "dynamics") || is_in(self, "ensemble")))
        status = take_value(self, IW_IPI_TIME, &input->timestep_fs, &self->timestep_varies, err);
    else if (strcmp(name, "temperature") == 0 && is_in(self, "ensemble"))
        status = take_value(self, IW_IPI_TEMPERATURE, &input->temperature_K,
                            &self->temperature_varies, err);
    self->depth--;
    return status;
}

static iw_status
end_tag(source *self, iw_error *err)
{
    if (self->tag_size >= TAG)
        self->tag_size = TAG - 1;
    self->tag[self->tag_size] = '\0';
    self->where = IN_TEXT;
    if (self->tag[0] == '/')
        return close_element(self, err);
    if (self->tag_size == 0 || strchr("?!", self->tag[0]))
        return IW_OK;
    open_element(self);
    return self->tag[self->tag_size - 1] == '/' ? close_element(self, err) : IW_OK;
}

static iw_status
take_character(source *self, char c, iw_error *err)
{
    if (self->where == IN_TEXT) {
        if (c == '<') {
            self->where = IN_TAG;
            self->tag_size = 0;
            self->quote = '\0';
        } else if (self->value_size++ < VALUE) {
            self->value[self->value_size - 1] = c;
        }
    } else if (self->where == IN_COMMENT) {
        /* tag_size counts the dashes before */
        if (c == '>' && self->tag_size >= 2)
            self->where = IN_TEXT;
        self->tag_size = c == '-' ? self->tag_size + 1 : 0;
    } else if (c == '>' && !self->quote) {
        return end_tag(self, err);
    } else {
        if (self->quote ? c == self->quote : c == '\'' || c == '"')
            self->quote = self->quote ? '\0' : c;
        if (self->tag_size < TAG)
            self->tag[self->tag_size] = c;
        self->tag_size++;
        if (self->tag_size == 3 && memcmp(self->tag, "!--", 3) == 0) {
            self->where = IN_COMMENT;
            self->tag_size = 0;
        }
    }
    return IW_OK;
}

static iw_status
read_source(source *self, const char *path, iw_error *err)
{
    *self = (source){.input = {.timestep_fs = (double)NAN, .temperature_K = (double)NAN},
                     .prefix = "i-pi"};
    iw_text *text = iw_text_open(path, false, err);
    if (!text)
        return err->code;
    iw_text_trust_end(text);
    self->text = text;
    iw_line line;
    iw_status status = IW_OK, found = IW_OK;
    /* Another root than <simulation> is another program's. */
    while (found == IW_OK && (self->is_input || self->depth == 0) &&
           (status = iw_text_line(text, &line, err)) == IW_OK) {
        for (const char *at = line.at; at < line.end && found == IW_OK; at++)
            found = take_character(self, *at, err);
        if (found == IW_OK)
            found = take_character(self, ' ', err);
    }
    iw_text_close(&text);
    (void)snprintf(self->input.from, sizeof self->input.from, "%s", path);
    if (found != IW_OK)
        return found;
    return status == IW_NO_MEMORY || status == IW_IO ? status : IW_OK;
}

static bool
is_restart(const char *path)
{
    return strcmp(iw_path_base(path), "RESTART") == 0;
}

/* Takes what is not known yet; inputs that differ do not tell. */
static void
take_number(double *to, double more, bool *varies)
{
    *varies = *varies || fabs(*to - more) > 1e-9 * fabs(more);
    if (isnan(*to) || *varies)
        *to = *varies ? (double)NAN : more;
}

static void
complete(iw_ipi_input *self, const iw_ipi_input *more, bool varies[2])
{
    take_number(&self->timestep_fs, more->timestep_fs, &varies[0]);
    take_number(&self->temperature_K, more->temperature_K, &varies[1]);
    if (!isnan(more->timestep_fs))
        memcpy(self->from, more->from, sizeof self->from);
    if (self->beads == 0)
        self->beads = more->beads;
    if (!self->ensemble[0])
        memcpy(self->ensemble, more->ensemble, sizeof self->ensemble);
}

iw_status
iw_ipi_input_read(iw_ipi_input *self, const char *trajectory, const char *prefix, iw_error *err)
{
    *self = (iw_ipi_input){.timestep_fs = (double)NAN, .temperature_K = (double)NAN};
    char place[IW_PATH_LENGTH];
    iw_folder folder = {0};
    source one;
    iw_status status = IW_OK;
    if (iw_path_beside(trajectory, "", place))
        status = iw_folder_read(&folder, *place ? place : ".", err);
    for (int pass = 0; pass < 2; pass++) {
        bool varies[2] = {false, false};
        for (size_t i = 0; i < folder.n && status == IW_OK; i++) {
            const char *path = folder.path[i];
            if (pass == 0 ? !iw_path_ends(path, ".xml") : !is_restart(path))
                continue;
            status = read_source(&one, path, err);
            if (status == IW_OK && one.is_input && strcmp(iw_path_base(one.prefix), prefix) == 0)
                complete(self, &one.input, varies);
        }
    }
    iw_folder_fini(&folder);
    return status;
}

iw_status
iw_ipi_input_prefix(const char *path, char prefix[IW_IPI_PREFIX], iw_error *err)
{
    source one;
    if (!iw_path_ends(path, ".xml") && !is_restart(path))
        return IW_NOT_FOUND;
    iw_status status = read_source(&one, path, err);
    if (status != IW_OK)
        return status;
    memcpy(prefix, one.prefix, sizeof one.prefix);
    return one.is_input ? IW_OK : IW_NOT_FOUND;
}

bool
iw_ipi_thermostat(const iw_ipi_input *self)
{
    return strncasecmp(self->ensemble, "nvt", 3) == 0 ||
           strncasecmp(self->ensemble, "npt", 3) == 0 || strncasecmp(self->ensemble, "nst", 3) == 0;
}
