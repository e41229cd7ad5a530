/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest adapter: two atoms, one frame, to the endpoint that is given. */
#include <ionwatch/ionwatch.h>

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[2], ionwatch_version()) != 0) {
        (void)fprintf(stderr, "the package says version %s and the library %s\n",
                      argc == 3 ? argv[2] : "nothing", ionwatch_version());
        return 1;
    }
    static const char *const species[] = {"Na", "Cl"};
    static const double mass_amu[] = {22.990, 35.45};
    static const double cell[] = {5.6, 0.0, 0.0, 0.0, 5.6, 0.0, 0.0, 0.0, 5.6};
    static const double positions[] = {0.0, 0.0, 0.0, 2.8, 2.8, 2.8};

    ionwatch_run run;
    ionwatch_run_init(&run);
    run.code = "consumer";
    run.n_atoms = 2;
    run.species = species;
    run.mass_amu = mass_amu;
    run.timestep = 1.0;
    run.wrapped = 1;
    ionwatch *watch = ionwatch_open(argv[1], &run);

    ionwatch_frame frame;
    ionwatch_frame_init(&frame);
    frame.step = 0;
    frame.time = 0.0;
    frame.cell = cell;
    frame.pos_f64 = positions;
    if (ionwatch_send(watch, &frame) != IONWATCH_OK) {
        (void)fprintf(stderr, "%s\n", ionwatch_error(watch));
        ionwatch_close(&watch, 0);
        return 1;
    }
    (void)ionwatch_finish(watch, "completed");
    ionwatch_close(&watch, 1000);
    return 0;
}
