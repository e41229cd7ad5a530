/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/units.h"

#include "nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Names as columns end in them; units of one kind convert.  CODATA 2018. */
static const struct unit {
    const char *name, *kind;
    double value;
} units[] = {
    {"eV", "energy", 1},
    {"meV", "energy", 1e-3},
    {"Ry", "energy", 13.605693122994},
    {"Ha", "energy", 27.211386245988},
    {"kJ_mol", "energy", 0.010364269656},
    {"kcal_mol", "energy", 0.043364104241},
    {"THz", "energy", 4.135667696e-3}, /* h times it */
    {"per_cm", "energy", 1.239841984e-4},
    {"eV_atom", "energy of an atom", 1},
    {"meV_atom", "energy of an atom", 1e-3},
    {"Ry_atom", "energy of an atom", 13.605693122994},
    {"GPa", "pressure", 1},
    {"kbar", "pressure", 0.1},
    {"Mbar", "pressure", 100},
    {"MPa", "pressure", 1e-3},
    {"Pa", "pressure", 1e-9},
    {"A3", "volume", 1},
    {"bohr3", "volume", 0.148184711472},
    {"nm3", "volume", 1e3},
    {"A", "length", 1},
    {"bohr", "length", 0.529177210903},
    {"nm", "length", 10},
    {"pm", "length", 0.01},
    {"per_A3", "number in a volume", 1},
    {"per_nm3", "number in a volume", 1e-3},
    {"per_cm3", "number in a volume", 1e-24},
    {"g_cm3", "density", 1},
    {"kg_m3", "density", 1e-3},
    {"km_s", "velocity", 1},
    {"m_s", "velocity", 1e-3},
    {"K", "temperature", 1},
    {"amu", "mass", 1},
    {"e", "charge", 1},
    {"deg", "angle", 1},
    {"rad", "angle", 57.29577951308232},
};
enum { UNITS = sizeof units / sizeof *units };

/* The longest unit that the name ends in; *stem is how much stands before it.  NULL: none. */
static const struct unit *
unit_of(const char *name, size_t *stem)
{
    const struct unit *found = NULL;
    size_t length = strlen(name);
    *stem = length;
    for (size_t i = 0; i < UNITS; i++) {
        size_t size = strlen(units[i].name);
        if (length > size + 1 && name[length - size - 1] == '_' &&
            strcmp(name + length - size, units[i].name) == 0 && length - size - 1 < *stem) {
            found = &units[i];
            *stem = length - size - 1;
        }
    }
    return found;
}

/* Takes "_stderr" out of "band_gap_stderr_eV". */
static bool
take_error(char name[64])
{
    static const char word[] = "_stderr";
    char *at = strstr(name, word);
    size_t size = sizeof word - 1;
    if (!at || (at[size] != '_' && at[size] != '\0'))
        return false;
    memmove(at, at + size, strlen(at + size) + 1);
    return true;
}

static bool
may_be_a_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]))
        return false;
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '_')
            return false;
    return true;
}

/* The row with this stem; units may differ. */
static const iw_descriptor_row *
row_of_stem(const char *name, size_t stem, size_t *row_stem, const struct unit **unit)
{
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++) {
        const struct unit *of = unit_of(row->key, row_stem);
        if (iw_descriptor_is_property(row->category) && *row_stem == stem &&
            strncmp(row->key, name, stem) == 0) {
            *unit = of;
            return row;
        }
    }
    return NULL;
}

static iw_status
wrong_unit(const char *name, const iw_descriptor_row *row, const struct unit *unit, iw_error *err)
{
    char list[200] = "";
    size_t used = 0, stem;
    if (!unit)
        return iw_fail(err, IW_INVALID, "%s: %s is a pure number and has no unit", name, row->key);
    (void)unit_of(row->key, &stem);
    for (size_t i = 0; i < UNITS; i++)
        if (strcmp(units[i].kind, unit->kind) == 0 && used + 20 < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     units[i].name);
    return iw_fail(err, IW_INVALID, "%s: a column of %.*s ends in its unit, one of %s", name,
                   (int)stem, row->key, list);
}

/* Of whole names, or of names without their units ("bandgap"). */
static const char *
nearest_name(const char *name, bool stems)
{
    enum { MOST = 200 };
    static char text[MOST][64];
    const char *names[MOST + 1], *keys[MOST];
    size_t n = 0, stem;
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key && n < MOST; row++) {
        if (!iw_descriptor_is_property(row->category))
            continue;
        (void)unit_of(row->key, &stem);
        (void)snprintf(text[n], sizeof text[n], "%.*s", stems ? (int)stem : 63, row->key);
        names[n] = text[n];
        keys[n++] = row->key;
    }
    names[n] = NULL;
    const char *nearest = iw_nearest(name, names);
    for (size_t i = 0; i < n; i++)
        if (names[i] == nearest)
            return keys[i];
    return NULL;
}

static iw_status
unknown(const char *name, iw_error *err)
{
    const char *nearest = nearest_name(name, false);
    if (!nearest)
        nearest = nearest_name(name, true);
    return iw_fail(err, IW_INVALID,
                   "no descriptor is called \"%.60s\"%s%s%s (`ionwatch explain --catalogue` lists "
                   "them; --as-is takes it as it stands)",
                   name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                   nearest ? "\"?" : "");
}

iw_status
iw_column_find(const char *name, bool as_is, iw_column *out, iw_error *err)
{
    size_t stem, row_stem;
    const struct unit *unit, *own = NULL;
    *out = (iw_column){.factor = 1};
    if (strlen(name) >= sizeof out->descriptor || !may_be_a_name(name))
        return iw_fail(err, IW_INVALID,
                       "\"%.80s\" cannot be the name of a descriptor: letters, digits and "
                       "underscores, up to %zu of them",
                       name, sizeof out->descriptor - 1);
    (void)snprintf(out->descriptor, sizeof out->descriptor, "%s", name);
    out->is_error = take_error(out->descriptor);
    const iw_descriptor_row *row = iw_descriptor_find(out->descriptor);
    if (row && !iw_descriptor_is_property(row->category))
        return iw_fail(err, IW_INVALID, "%s is measured by runs and not imported", row->key);
    unit = unit_of(out->descriptor, &stem);
    if (!row) {
        row = row_of_stem(out->descriptor, stem, &row_stem, &own);
        if (row && (!unit || !own || strcmp(unit->kind, own->kind) != 0))
            return wrong_unit(name, row, own, err);
        out->factor = row ? unit->value / own->value : 1;
    }
    if (!row && !as_is)
        return unknown(name, err);
    if (row)
        (void)snprintf(out->descriptor, sizeof out->descriptor, "%s", row->key);
    out->unit = row ? row->unit : unit ? unit->name : "1";
    out->category = row ? row->category : "imported";
    return IW_OK;
}
