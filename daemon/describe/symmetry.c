/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "describe/symmetry.h"

#include "describe/lattice.h"

#include <pthread.h>
#include <spglib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tolerances_A[] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.2};
enum { TOLERANCES = sizeof tolerances_A / sizeof *tolerances_A };

/* It keeps its last error in a global. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What it works with; spglib's lattice has the vectors as columns. */
typedef struct {
    double lattice[3][3];
    double (*position)[3];
    int *type;
    int n;
} crystal;

static void
keep(const SpglibDataset *found, double symprec_A, iw_symmetry *out)
{
    static int rotations[192][3][3];
    static double translations[192][3];
    out->number = found->spacegroup_number;
    (void)snprintf(out->symbol, sizeof out->symbol, "%s", found->international_symbol);
    out->symprec_A = symprec_A;
    out->operations = spg_get_symmetry_from_database(rotations, translations, found->hall_number);
    /* The identity comes once for each centring of the conventional cell. */
    int centrings = 0;
    static const int identity[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int i = 0; i < out->operations; i++)
        centrings += memcmp(rotations[i], identity, sizeof identity) == 0;
    out->point_operations = centrings ? out->operations / centrings : 0;
    for (size_t i = 0; i < 9; i++)
        out->lattice_A[i] = found->std_lattice[i % 3][i / 3];
}

/* Operations of the cell as it is given, translations of a supercell included; 0: it cannot tell.
 */
static int
look(crystal *of, double symprec_A, iw_symmetry *out)
{
    SpglibDataset *found = spg_get_dataset(of->lattice, of->position, of->type, of->n, symprec_A);
    int operations = found && found->spacegroup_number > 0 ? found->n_operations : 0;
    if (operations)
        keep(found, symprec_A, out);
    if (found)
        spg_free_dataset(found);
    return operations;
}

/* False: no tolerance tells anything. */
static bool
search(crystal *of, iw_symmetry *out)
{
    iw_symmetry before = {0};
    int operations_before = 0;
    for (size_t t = 0; t < TOLERANCES; t++) {
        iw_symmetry now = {0};
        int operations = look(of, tolerances_A[t], &now);
        if (operations > 1 && operations == operations_before && now.number == before.number) {
            *out = before;
            return true;
        }
        if (operations == 1)
            *out = now;
        before = now;
        operations_before = operations;
    }
    return out->number > 0;
}

iw_status
iw_symmetry_find(const double cell_A[9], const double *pos_A, const uint16_t *kind, size_t n,
                 iw_symmetry *out, iw_error *err)
{
    iw_lattice lattice;
    *out = (iw_symmetry){0};
    if (n > IW_SYMMETRY_ATOMS)
        return iw_fail(err, IW_UNSUPPORTED, "symmetry is looked for up to %d atoms, these are %zu",
                       (int)IW_SYMMETRY_ATOMS, n);
    iw_status status = iw_lattice_init(&lattice, cell_A, err);
    if (status)
        return status;
    crystal of = {.position = malloc((n + 1) * sizeof *of.position),
                  .type = malloc((n + 1) * sizeof *of.type),
                  .n = (int)n};
    if (!of.position || !of.type) {
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the symmetry of %zu atoms", n);
        goto done;
    }
    for (size_t i = 0; i < 9; i++)
        of.lattice[i % 3][i / 3] = cell_A[i];
    for (size_t i = 0; i < n; i++) {
        iw_lattice_fractional(&lattice, pos_A + 3 * i, of.position[i]);
        of.type[i] = kind[i];
    }
    (void)pthread_mutex_lock(&lock);
    bool told = search(&of, out);
    (void)pthread_mutex_unlock(&lock);
    if (!told)
        status = iw_fail(err, IW_INVALID,
                         "no space group is found with any tolerance from %g to %g A: do atoms lie "
                         "on each other?",
                         tolerances_A[0], tolerances_A[TOLERANCES - 1]);
done:
    free(of.position);
    free(of.type);
    return status;
}
