/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include "iw_test.h"

#include <zlib.h>

enum { LINE = 4096 };

static gzFile
open_file(const char *folder, const char *name)
{
    char path[4400];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile file = gzopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    (void)gzbuffer(file, 1 << 17);
    return file;
}

static void *
grown(void *memory, size_t bytes)
{
    void *more = realloc(memory, bytes ? bytes : 1);
    assert_non_null(more);
    return more;
}

ref_table
ref_csv(const char *folder, const char *name)
{
    gzFile file = open_file(folder, name);
    ref_table table = {0};
    char line[LINE];
    assert_non_null(gzgets(file, line, LINE));
    for (char *save = NULL, *word = strtok_r(line, ",\n", &save); word;
         word = strtok_r(NULL, ",\n", &save)) {
        assert_true(table.columns < 64);
        (void)snprintf(table.names[table.columns++], sizeof table.names[0], "%s", word);
    }
    while (gzgets(file, line, LINE)) {
        table.value = grown(table.value, (table.rows + 1) * table.columns * sizeof *table.value);
        char *next = line;
        for (size_t c = 0; c < table.columns; c++) {
            table.value[table.rows * table.columns + c] = strtod(next, &next);
            next++;
        }
        table.rows++;
    }
    (void)gzclose(file);
    return table;
}

const double *
ref_column(const ref_table *table, const char *name, double *out)
{
    for (size_t c = 0; c < table->columns; c++) {
        if (strcmp(table->names[c], name) != 0)
            continue;
        for (size_t r = 0; r < table->rows; r++)
            out[r] = table->value[r * table->columns + c];
        return out;
    }
    fail_msg("no column %s", name);
    return NULL;
}

void
ref_table_free(ref_table *table)
{
    free(table->value);
    *table = (ref_table){0};
}

double *
ref_numbers(const char *folder, const char *name, size_t *n)
{
    gzFile file = open_file(folder, name);
    double *value = NULL;
    char line[LINE];
    *n = 0;
    while (gzgets(file, line, LINE)) {
        if (line[0] == '#')
            continue;
        char *next = line, *end = NULL;
        for (;;) {
            double number = strtod(next, &end);
            if (end == next)
                break;
            value = grown(value, (*n + 1) * sizeof *value);
            value[(*n)++] = number;
            next = end;
        }
    }
    (void)gzclose(file);
    return value;
}

json_t *
ref_datasets(const char *folder)
{
    char path[4400];
    (void)snprintf(path, sizeof path, "%s/references.json", folder);
    json_t *all = json_load_file(path, 0, NULL);
    assert_non_null(all);
    json_t *datasets = json_incref(json_object_get(all, "datasets"));
    json_decref(all);
    assert_non_null(datasets);
    return datasets;
}

double
ref_value(const json_t *datasets, const char *path)
{
    char keys[256];
    (void)snprintf(keys, sizeof keys, "%s", path);
    const json_t *at = datasets;
    for (char *save = NULL, *key = strtok_r(keys, "/", &save); key;
         key = strtok_r(NULL, "/", &save))
        at = json_object_get(at, key);
    if (!json_is_number(at))
        fail_msg("no number at %s", path);
    return json_number_value(at);
}

static void
add_frame(ref_trajectory *self, bool velocities)
{
    size_t size = (self->frames + 1) * self->atoms * 3 * sizeof(double);
    self->pos = grown(self->pos, size);
    if (velocities)
        self->vel = grown(self->vel, size);
    self->frames++;
}

ref_trajectory
ref_extxyz(const char *folder, const char *name)
{
    gzFile file = open_file(folder, name);
    ref_trajectory self = {0};
    char line[LINE];
    while (gzgets(file, line, LINE) && strtoul(line, NULL, 10) > 0) {
        self.atoms = strtoul(line, NULL, 10);
        assert_non_null(gzgets(file, line, LINE));
        bool velocities = strstr(line, ":velo:") != NULL;
        add_frame(&self, velocities);
        self.species = grown(self.species, self.atoms * sizeof *self.species);
        for (size_t i = 0; i < self.atoms; i++) {
            assert_non_null(gzgets(file, line, LINE));
            char *next = line + strcspn(line, " ");
            size_t at = ((self.frames - 1) * self.atoms + i) * 3;
            (void)snprintf(self.species[i], sizeof self.species[i], "%.*s", (int)(next - line),
                           line);
            for (size_t a = 0; a < 3; a++)
                self.pos[at + a] = strtod(next, &next);
            for (size_t a = 0; velocities && a < 3; a++)
                self.vel[at + a] = strtod(next, &next);
        }
    }
    (void)gzclose(file);
    return self;
}

ref_trajectory
ref_dump(const char *folder, const char *name)
{
    gzFile file = open_file(folder, name);
    ref_trajectory self = {0};
    char line[LINE];
    while (gzgets(file, line, LINE)) {
        if (strncmp(line, "ITEM: NUMBER OF ATOMS", 21) == 0) {
            assert_non_null(gzgets(file, line, LINE));
            self.atoms = strtoul(line, NULL, 10);
        }
        if (strncmp(line, "ITEM: ATOMS id xu yu zu vx vy vz", 32) != 0)
            continue;
        add_frame(&self, true);
        for (size_t i = 0; i < self.atoms; i++) {
            assert_non_null(gzgets(file, line, LINE));
            char *next = line;
            size_t id = strtoul(next, &next, 10);
            assert_in_range(id, 1, self.atoms);
            size_t at = ((self.frames - 1) * self.atoms + id - 1) * 3;
            for (size_t a = 0; a < 3; a++)
                self.pos[at + a] = strtod(next, &next);
            for (size_t a = 0; a < 3; a++)
                self.vel[at + a] = strtod(next, &next);
        }
    }
    (void)gzclose(file);
    return self;
}

void
ref_trajectory_free(ref_trajectory *trajectory)
{
    free(trajectory->species);
    free(trajectory->pos);
    free(trajectory->vel);
    *trajectory = (ref_trajectory){0};
}
