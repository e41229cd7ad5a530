/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a file that names atoms: what is read has a name and a mass for each. */
#include "adapters/imd/topology.h"
#include "fuzz_file.h"
#include "fuzz_target.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_file file;
    fuzz_file_open(&file, data, size);
    static const char *const species[] = {NULL, "Li,Cl", "Li"}, *const units[] = {"si", "real",
                                                                                  "imd"};
    iw_error err = {0};
    iw_run_info run;
    iw_reader_options options;
    iw_run_info_init(&run);
    iw_reader_options_init(&options);
    options.species = species[size % 3];
    if (iw_topology_read(file.path, &options, units[size % 3], &run, &err) == IW_OK)
        for (size_t a = 0; a < run.n_atoms; a++)
            if (run.kind[a] >= run.n_species || !(run.mass_amu[a] > 0.0))
                abort();
    iw_run_info_fini(&run);
    fuzz_file_close(&file);
    return 0;
}
