/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that name the atoms of an engine (adapters/imd/topology.c). */
#include "adapters/imd/topology.h"
#include "iw_test.h"

#include <unistd.h>

static char path[64];

static int
make_path(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/ionwatch-topology-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int
remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static iw_status
read_text(const char *text, const char *species, const char *units, iw_run_info *run, iw_error *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.species = species;
    iw_run_info_init(run);
    return iw_topology_read(path, &options, units, run, err);
}

/* "Li:6.94 S:32.06": name and mass of each atom. */
static void
assert_atoms(const iw_run_info *run, const char *expected)
{
    char text[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < run->n_atoms; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:%g", i ? " " : "",
                                 run->species[run->kind[i]], run->mass_amu[i]);
    assert_string_equal(text, expected);
}

static void
assert_read(const char *text, const char *species, const char *expected)
{
    iw_run_info run;
    iw_error err = {0};
    assert_ok(read_text(text, species, "imd", &run, &err), err);
    assert_atoms(&run, expected);
    iw_run_info_fini(&run);
}

static void
assert_refused(const char *text, const char *species, const char *says)
{
    iw_run_info run;
    iw_error err = {0};
    assert_int_not_equal(read_text(text, species, "imd", &run, &err), IW_OK);
    if (!strstr(err.text, says))
        fail_msg("'%s' does not say '%s'", err.text, says);
    iw_run_info_fini(&run);
}

#define DATA_HEAD "a title\n\n4 atoms\n2 atom types\n\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\n"
#define MASSES    "Masses\n\n1 7.016 # Li\n2 35.45 # Cl\n\n"
#define ROWS_CHARGE                                                                                \
    "7 2 -0.9 0 0 0\n1 1 0.9 1 2 3\n30 2 -0.9 4 4 4 0 0 1\n8 1 0.9 5 5 5\n\nVelocities\n\n1 0 0 "  \
    "0\n"

static void
lammps_atoms_are_sorted_by_id_with_mass_and_charge(void **state)
{
    (void)state;
    iw_run_info run;
    iw_error err = {0};
    assert_ok(
        read_text(DATA_HEAD MASSES "Atoms # charge\n\n" ROWS_CHARGE, NULL, "metal", &run, &err),
        err);
    assert_atoms(&run, "Li:7.016 Cl:35.45 Li:7.016 Cl:35.45");
    static const double charge[] = {0.9, -0.9, 0.9, -0.9};
    for (size_t i = 0; i < 4; i++)
        assert_close(run.charge_e[i], charge[i], 0.0, 0.0);
    iw_run_info_fini(&run);
    assert_ok(read_text(DATA_HEAD "Masses\n\n1 1.165e-26\n2 5.8866e-26\n\nAtoms # charge\n\n"
                                  "1 1 1.602176634e-19 0 0 0\n2 2 0 0 0 0\n3 1 0 0 0 0\n4 1 0 0 0 "
                                  "0\n",
                        "Li,Cl", "si", &run, &err),
              err);
    assert_close(run.mass_amu[0], 1.165e-26 / 1.66053906660e-27, 1e-12, 0.0);
    assert_close(run.charge_e[0], 1.0, 1e-12, 0.0);
    iw_run_info_fini(&run);
}

static void
every_atom_style_finds_its_type(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"Atoms\n\n", "%d %d 1.0 2.0 3.0\n"},
        {"Atoms  # atomic\n\n", "%d %d 1.0 2.0 3.0 0 0 0\n"},
        {"Atoms # molecular\n\n", "%d 5 %d 1.0 2.0 3.0\n"},
        {"Atoms # full\n\n", "%d 5 %d 0.5 1.0 2.0 3.0\n"},
        {"Atoms\n\n", "%d 5 %d 0.5 1.0 2.0 3.0 0 0 -1\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        int used = snprintf(text, sizeof text, "%s", DATA_HEAD MASSES);
        used += snprintf(text + used, sizeof text - (size_t)used, "%s", rows[i][0]);
        for (int id = 1; id <= 4; id++) {
            char row[80] = "";
            const char *at = strchr(rows[i][1], '%') + 2, *second = strchr(at, '%');
            (void)snprintf(row, sizeof row, "%d%.*s%d%s", id, (int)(second - at), at, 1 + id / 3,
                           second + 2);
            used += snprintf(text + used, sizeof text - (size_t)used, "%s", row);
        }
        assert_read(text, NULL, "Li:7.016 Li:7.016 Cl:35.45 Cl:35.45");
    }
}

static void
type_labels_name_and_are_found(void **state)
{
    (void)state;
    assert_read(DATA_HEAD "Atom Type Labels\n\n1 Li\n2 Cl\n\nMasses\n\n1 6.94\n2 35.45\n\n"
                          "Atoms # atomic\n\n1 Cl 0 0 0\n2 Li 0 0 0\n3 Li 0 0 0\n4 1 0 0 0\n",
                NULL, "Cl:35.45 Li:6.94 Li:6.94 Li:6.94");
}

static void
what_is_wrong_in_a_data_file_is_named(void **state)
{
    (void)state;
    const char *plain = "Masses\n\n1 7.016\n2 35.45\n\n";
    char text[1000];
    (void)snprintf(text, sizeof text, "%s%sAtoms # charge\n\n%s", DATA_HEAD, plain, ROWS_CHARGE);
    assert_refused(text, NULL, "(1: 7.016 amu, 2: 35.45 amu)");
    assert_refused(text, "Li", "1 names for 2 atom types");
    assert_refused(text, "Cl,Li", "are the names in the order of the types");
    assert_read(text, "Li,Cl", "Li:7.016 Cl:35.45 Li:7.016 Cl:35.45");
    assert_refused(DATA_HEAD MASSES "Atoms # ellipsoid\n\n" ROWS_CHARGE, NULL, "Atoms # charge");
    assert_refused(DATA_HEAD MASSES "Atoms\n\n" ROWS_CHARGE, NULL, "are not known");
    assert_refused(DATA_HEAD MASSES "Atoms # charge\n\n1 3 0 0 0 0\n", NULL, "'1 3 0 0 0 0'");
    assert_refused(DATA_HEAD MASSES "Atoms # charge\n\n1 1 0 0 0 0\n", NULL, "before its last");
    assert_refused(DATA_HEAD MASSES "Atoms # charge\n\n1 1 0 0 0 0\n1 1 0 0 0 0\n2 1 0 0 0 0\n"
                                    "3 1 0 0 0 0\n",
                   NULL, "atom id 1 is there twice");
    assert_refused("t\n\n4 atoms\n\nAtoms\n\n1 1 0 0 0\n", NULL, "before their number");
    assert_refused("t\n\n-4 atoms\n2 atom types\n\n", NULL, "-4 is not possible");
}

static void
poscar_pdb_and_gro_name_their_atoms(void **state)
{
    (void)state;
    assert_read("LiCl\n1.0\n4 0 0\n0 4 0\n0 0 4\n Li_sv Cl\n 2 1\nDirect\n0 0 0\n0 0 .5\n.5 0 0\n",
                NULL, "Li:6.94 Li:6.94 Cl:35.45");
    assert_read("LiCl\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi Cl\n1 1\nSelective dynamics\nCartesian\n"
                "0 0 0 T T T\n0 0 2 F F F\n",
                NULL, "Li:6.94 Cl:35.45");
    assert_refused("LiCl\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi Cl\n90000000 1\nDirect\n0 0 0\n", NULL,
                   "before its last atom");
    assert_read("REMARK\nCRYST1   10.000\n"
                "ATOM      1  LI  LIT A   1       0.000   0.000   0.000  1.00  0.00          LI\n"
                "HETATM    2 CL   CLT A   1       1.000   0.000   0.000  1.00  0.00\n"
                "ENDMDL\nATOM      1  LI  LIT A   1       0.000   0.000   0.000\n",
                NULL, "Li:6.94 Cl:35.45");
    assert_read("title\n    3\n    1LIT     LI    1   0.100   0.200   0.300\n"
                "    1LIT    CL1    2   0.100   0.200   0.300\n"
                "    2LIT    S12    3   0.100   0.200   0.300\n   1.0 1.0 1.0\n",
                NULL, "Li:6.94 Cl:35.45 S:32.06");
    assert_read("title\n    2\n    1LIT     XX    1   0.100   0.200   0.300\n"
                "    1LIT     YY    2   0.100   0.200   0.300\n   1.0 1.0 1.0\n",
                "Na,Br", "Na:22.99 Br:79.904");
    assert_refused("title\n    1\n    1LIT     XX    1   0.100   0.200   0.300\n", NULL,
                   "'XX', which is no element");
    assert_refused("title\n    2\n    1LIT     LI    1   0.100   0.200   0.300\n", NULL,
                   "before its last atom");
    assert_refused("LiCl\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi Cl\n 2\nDirect\n0 0 0\n", NULL,
                   "expected 2 numbers of atoms");
}

static void
a_trajectory_names_them_too_and_what_is_none_is_refused(void **state)
{
    (void)state;
    assert_read("2\nProperties=species:S:1:pos:R:3\nLi 0 0 0\nCl 1 1 1\n", NULL,
                "Li:6.94 Cl:35.45");
    assert_refused("nothing\nthat is known\n", NULL, "none of the known formats");
    assert_refused("", NULL, "empty");
    iw_run_info run;
    iw_error err = {0};
    iw_reader_options options;
    iw_reader_options_init(&options);
    iw_run_info_init(&run);
    assert_int_equal(iw_topology_read("/nowhere/at/all", &options, "imd", &run, &err),
                     IW_NOT_FOUND);
    iw_run_info_fini(&run);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lammps_atoms_are_sorted_by_id_with_mass_and_charge),
        cmocka_unit_test(every_atom_style_finds_its_type),
        cmocka_unit_test(type_labels_name_and_are_found),
        cmocka_unit_test(what_is_wrong_in_a_data_file_is_named),
        cmocka_unit_test(poscar_pdb_and_gro_name_their_atoms),
        cmocka_unit_test(a_trajectory_names_them_too_and_what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
