/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/cp2k/project.h"
#include "adapters/cell.h"
#include "adapters/cp2k/input.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* bohr per atomic unit of time: 0.529177210903 A / 0.024188843265857 fs */
#define VELOCITY_A_FS   (0.529177210903 / 0.024188843265857)
#define OUTPUT_DIGITS_A 2e-3 /* of a cell in the output */

/* What one file says. */
typedef struct {
    char project[256];
    iw_cp2k_project run;
    double vector[9], abc[3], angle_deg[3];
    unsigned seen; /* of the three vectors; ALL */
    bool multiplied, bad_unit;
} source;

enum { ALL = 7 };

static void
source_init(source *self)
{
    *self = (source){.run = {.temperature_K = (double)NAN,
                             .timestep_fs = (double)NAN,
                             .pos_A = (double)NAN,
                             .vel_A_fs = (double)NAN},
                     .abc = {(double)NAN},
                     .angle_deg = {90.0, 90.0, 90.0}};
}

static void
copy_word(iw_line value, char *to, size_t room)
{
    const char *word;
    size_t size;
    if (!iw_field_word(&value, &word, &size) || size >= room || *word == '$')
        return;
    memcpy(to, word, size);
    to[size] = '\0';
}

static void
set_unit(source *self, iw_line value, double *unit)
{
    const char *word;
    size_t size;
    if (!iw_field_word(&value, &word, &size))
        return;
    *unit = iw_cp2k_unit(word, size);
    self->bad_unit = self->bad_unit || isnan(*unit);
}

static void
set_cell(source *self, const char *key, iw_line value)
{
    static const char *const axes[] = {"A", "B", "C"};
    double three[3];
    if (iw_cp2k_values(value, three, 3) != 3)
        return;
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(key, axes[i]) == 0) {
            memcpy(self->vector + 3 * (size_t)i, three, sizeof three);
            self->seen |= 1U << i;
        }
    if (strcmp(key, "ABC") == 0)
        memcpy(self->abc, three, sizeof three);
    else if (strcmp(key, "ALPHA_BETA_GAMMA") == 0)
        memcpy(self->angle_deg, three, sizeof three);
    else if (strcmp(key, "MULTIPLE_UNIT_CELL") == 0)
        self->multiplied = three[0] != 1.0 || three[1] != 1.0 || three[2] != 1.0;
}

static void
take_keyword(void *context, const char *path, iw_line value)
{
    static const char cell[] = "FORCE_EVAL/SUBSYS/CELL/";
    source *self = context;
    iw_cp2k_project *run = &self->run;
    double number;
    if (strncmp(path, cell, sizeof cell - 1) == 0)
        set_cell(self, path + sizeof cell - 1, value);
    else if (strcmp(path, "GLOBAL/PROJECT") == 0 || strcmp(path, "GLOBAL/PROJECT_NAME") == 0)
        copy_word(value, self->project, sizeof self->project);
    else if (strcmp(path, "MOTION/MD/ENSEMBLE") == 0)
        copy_word(value, run->ensemble, sizeof run->ensemble);
    else if (strcmp(path, "MOTION/MD/TIMESTEP") == 0 && iw_cp2k_values(value, &number, 1) == 1)
        run->timestep_fs = number;
    else if (strcmp(path, "MOTION/MD/TEMPERATURE") == 0 && iw_cp2k_values(value, &number, 1) == 1)
        run->temperature_K = number;
    else if (strcmp(path, "MOTION/PRINT/TRAJECTORY/UNIT") == 0)
        set_unit(self, value, &run->pos_A);
    else if (strcmp(path, "MOTION/PRINT/VELOCITIES/UNIT") == 0)
        set_unit(self, value, &run->vel_A_fs);
}

/* Vectors, or lengths and angles with a along x and b in the xy plane. */
static void
finish_cell(source *self)
{
    if (self->multiplied)
        return; /* the output has what came of it */
    if (self->seen == ALL) {
        memcpy(self->run.cell_A, self->vector, sizeof self->run.cell_A);
        self->run.has_cell = true;
    } else if (!isnan(self->abc[0]) && self->seen == 0) {
        self->run.has_cell = iw_cell_from_lengths(self->abc, self->angle_deg, self->run.cell_A);
    }
}

static iw_status
read_input(source *self, const char *path, iw_error *err)
{
    source_init(self);
    iw_status status = iw_cp2k_input_read(path, take_keyword, self, err);
    finish_cell(self);
    (void)snprintf(self->run.cell_from, sizeof self->run.cell_from, "%s", path);
    return status;
}

/* The value of " MD_PAR| Time step [fs]    0.500000" for the key "time step [fs]". */
static bool
tells(iw_line line, const char *key, iw_line *value)
{
    size_t size = strlen(key);
    while (line.at < line.end && *line.at == ' ')
        line.at++;
    if ((size_t)(line.end - line.at) < size || strncasecmp(line.at, key, size) != 0)
        return false;
    *value = (iw_line){line.at + size, line.end};
    return true;
}

static void
take_output_line(source *self, iw_line line)
{
    static const struct {
        const char *key;
        int what;
    } keys[] = {{"GLOBAL| Project name", 0},       {"MD_PAR| Ensemble type", 1},
                {"MD| Ensemble Type", 1}, /* before version 8 */
                {"MD_PAR| Time step [fs]", 2},     {"MD| Time Step [fs]", 2},
                {"MD_PAR| Temperature [K]", 3},    {"MD| Temperature [K]", 3},
                {"CELL| Vector a [angstrom]:", 4}, {"CELL| Vector b [angstrom]:", 5},
                {"CELL| Vector c [angstrom]:", 6}};
    iw_line value;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!tells(line, keys[i].key, &value))
            continue;
        double number[3];
        size_t axis = (size_t)keys[i].what - 4;
        switch (keys[i].what) {
        case 0: { /* a header begins: of several the last counts */
            source_init(self);
            copy_word(value, self->project, sizeof self->project);
            break;
        }
        case 1:
            if (!self->run.ensemble[0])
                copy_word(value, self->run.ensemble, sizeof self->run.ensemble);
            break;
        case 2:
            if (isnan(self->run.timestep_fs))
                (void)iw_field_real(&value, &self->run.timestep_fs);
            break;
        case 3: /* those of the steps follow under the same name */
            if (isnan(self->run.temperature_K))
                (void)iw_field_real(&value, &self->run.temperature_K);
            break;
        default:
            if (iw_cp2k_values(value, number, 3) == 3 && !(self->seen & 1U << axis)) {
                memcpy(self->vector + 3 * axis, number, sizeof number);
                self->seen |= 1U << axis;
            }
        }
    }
}

static iw_status
read_output(source *self, const char *path, iw_error *err)
{
    source_init(self);
    iw_text *text = iw_text_open(path, false, err);
    if (!text)
        return err->code;
    iw_line line;
    iw_status status;
    while ((status = iw_text_line(text, &line, err)) == IW_OK)
        if (memchr(line.at, '|', (size_t)(line.end - line.at)))
            take_output_line(self, line);
    iw_text_close(&text);
    finish_cell(self);
    (void)snprintf(self->run.cell_from, sizeof self->run.cell_from, "%s", path);
    return status == IW_NO_MEMORY || status == IW_IO ? status : IW_OK;
}

size_t
iw_cp2k_project_size(const char *pos_path)
{
    const char *mark = NULL;
    for (const char *at = iw_path_base(pos_path); (at = strstr(at, "-pos-")); at++)
        mark = at;
    return mark && strstr(mark, ".xyz") ? (size_t)(mark - pos_path) : 0;
}

/* Takes what is not known yet. */
static void
complete(iw_cp2k_project *self, const iw_cp2k_project *more)
{
    double *mine[] = {&self->temperature_K, &self->timestep_fs, &self->pos_A, &self->vel_A_fs};
    const double its[] = {more->temperature_K, more->timestep_fs, more->pos_A, more->vel_A_fs};
    for (size_t i = 0; i < sizeof its / sizeof *its; i++)
        if (isnan(*mine[i]))
            *mine[i] = its[i];
    if (!self->ensemble[0])
        memcpy(self->ensemble, more->ensemble, sizeof self->ensemble);
    if (!self->has_cell && more->has_cell) {
        self->has_cell = true;
        memcpy(self->cell_A, more->cell_A, sizeof self->cell_A);
        memcpy(self->cell_from, more->cell_from, sizeof self->cell_from);
    }
}

/* An input that says otherwise than the output was changed since. */
static void
drop_what_differs(iw_cp2k_project *input, const iw_cp2k_project *output)
{
    if (fabs(input->temperature_K - output->temperature_K) > 1e-3)
        input->temperature_K = (double)NAN;
    if (fabs(input->timestep_fs - output->timestep_fs) > 1e-5)
        input->timestep_fs = (double)NAN;
    if (output->ensemble[0])
        input->ensemble[0] = '\0';
    for (size_t i = 0; output->has_cell && i < 9; i++)
        if (fabs(input->cell_A[i] - output->cell_A[i]) > OUTPUT_DIGITS_A)
            input->has_cell = false;
}

/* Everything in the folder of the trajectory that belongs to its project. */
static iw_status
read_sources(const iw_folder *folder, const char *name, source *restart, source *input,
             source *output, iw_error *err)
{
    iw_status status = IW_OK;
    for (size_t i = 0; i < folder->n && status == IW_OK; i++) {
        const char *path = folder->path[i];
        source one;
        if (iw_path_ends(path, ".restart") || iw_path_ends(path, ".inp"))
            status = read_input(&one, path, err);
        else if (iw_path_ends(path, ".out") || iw_path_ends(path, ".log"))
            status = read_output(&one, path, err);
        else
            continue;
        if (strcmp(one.project, name) != 0)
            continue;
        *(iw_path_ends(path, ".restart") ? restart
          : iw_path_ends(path, ".inp")   ? input
                                         : output) = one;
    }
    return status;
}

iw_status
iw_cp2k_project_read(iw_cp2k_project *self, const char *pos_path, iw_error *err)
{
    char name[256] = "", place[IW_PATH_LENGTH];
    size_t size = iw_cp2k_project_size(pos_path);
    size_t from = (size_t)(iw_path_base(pos_path) - pos_path);
    source restart, input, output;
    source_init(&restart);
    source_init(&input);
    source_init(&output);
    iw_status status = IW_OK;
    if (size > from && size - from < sizeof name && iw_path_beside(pos_path, "", place)) {
        memcpy(name, pos_path + from, size - from);
        iw_folder folder;
        status = iw_folder_read(&folder, *place ? place : ".", err);
        if (status == IW_OK)
            status = read_sources(&folder, name, &restart, &input, &output, err);
        iw_folder_fini(&folder);
    }
    if (status == IW_OK && (restart.bad_unit || input.bad_unit))
        return iw_fail(err, IW_INVALID,
                       "%s: its input asks for a UNIT of the trajectory that is not known; known "
                       "are products of angstrom, bohr, nm, pm, m, fs, ps, s and au_t",
                       pos_path);
    drop_what_differs(&restart.run, &output.run);
    drop_what_differs(&input.run, &output.run);
    *self = input.run;
    /* The cell of a restart file is where the run is now; an input may be where it once began. */
    if (restart.run.has_cell)
        self->has_cell = false;
    complete(self, &restart.run);
    complete(self, &output.run);
    static const iw_cp2k_project defaults = {.pos_A = 1.0, .vel_A_fs = VELOCITY_A_FS};
    if (isnan(self->pos_A))
        self->pos_A = defaults.pos_A;
    if (isnan(self->vel_A_fs))
        self->vel_A_fs = defaults.vel_A_fs;
    return status;
}

bool
iw_cp2k_cell_varies(const iw_cp2k_project *self)
{
    static const char *const kinds[] = {"NPT", "NPE", "HYDROSTATICSHOCK", "MSST"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncasecmp(self->ensemble, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

bool
iw_cp2k_thermostat(const iw_cp2k_project *self)
{
    return strncasecmp(self->ensemble, "NVT", 3) == 0 ||
           strncasecmp(self->ensemble, "NPT", 3) == 0 ||
           strcasecmp(self->ensemble, "LANGEVIN") == 0;
}

/* The trajectories in a folder; of one project the lowest number. */
static iw_status
find_in_folder(const char *path, char found[IW_PATH_LENGTH], iw_error *err)
{
    iw_folder folder;
    const char *first = NULL, *other = NULL;
    iw_status status = iw_folder_read(&folder, path, err);
    for (size_t i = 0; i < folder.n && status == IW_OK; i++) {
        size_t size = iw_cp2k_project_size(folder.path[i]);
        if (size == 0)
            continue;
        if (!first)
            first = folder.path[i];
        else if (iw_cp2k_project_size(first) != size || strncmp(first, folder.path[i], size) != 0)
            other = folder.path[i];
    }
    if (other)
        status = iw_fail(err, IW_INVALID,
                         "%s holds %s and %s: name one of them, or several in "
                         "their order if they are pieces of one run",
                         path, iw_path_base(first), iw_path_base(other));
    else if (status == IW_OK && first)
        (void)snprintf(found, IW_PATH_LENGTH, "%s", first);
    else if (status == IW_OK)
        status = IW_NOT_FOUND;
    iw_folder_fini(&folder);
    return status;
}

iw_status
iw_cp2k_find(const char *path, bool folder, char found[IW_PATH_LENGTH], iw_error *err)
{
    if (folder)
        return find_in_folder(path, found, err);
    source self;
    iw_status status = IW_NOT_FOUND;
    if (iw_path_ends(path, ".inp") || iw_path_ends(path, ".restart"))
        status = read_input(&self, path, err);
    else if (iw_path_ends(path, ".out") || iw_path_ends(path, ".log"))
        status = read_output(&self, path, err);
    if (status != IW_OK)
        return status;
    char name[sizeof self.project + 16];
    (void)snprintf(name, sizeof name, "%s-pos-1.xyz", self.project);
    return self.project[0] && iw_path_beside(path, name, found) ? IW_OK : IW_NOT_FOUND;
}
