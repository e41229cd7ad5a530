/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.cpp ENDPOINT - the run that languages_test.c expects, from C++. */
#include <ionwatch/ionwatch.h>

#include <cstdio>
#include <memory>
#include <vector>

namespace
{

struct Closer {
    void
    operator()(ionwatch *handle) const
    {
        ionwatch_close(&handle, 10000);
    }
};

using Handle = std::unique_ptr<ionwatch, Closer>;

int
complain(const Handle &handle, const char *what)
{
    (void)std::fprintf(stderr, "%s: %s\n", what, ionwatch_error(handle.get()));
    return 1;
}

} // namespace

int
main(int argc, char **argv)
{
    constexpr int atoms = 3;
    const std::vector<const char *> species = {"Li", "S", "Li"};
    const std::vector<double> mass_amu = {6.94, 32.06, 6.94};

    ionwatch_run run;
    ionwatch_run_init(&run);
    run.code = "stream";
    run.name = "languages";
    run.n_atoms = atoms;
    run.species = species.data();
    run.mass_amu = mass_amu.data();
    run.length_A = 0.529177210903;
    run.time_fs = 0.02418884326586;
    run.energy_eV = 27.211386245988;
    run.timestep = 40.0;
    run.stride = 10;
    run.temperature_K = 600.0;
    const Handle handle(ionwatch_open(argc > 1 ? argv[1] : nullptr, &run));
    if (*ionwatch_error(handle.get()))
        return complain(handle, "open");

    const double cell[9] = {20.0, 0.0, 0.0, 1.0, 21.0, 0.0, 0.0, 2.0, 22.0};
    std::vector<double> x(3 * atoms);
    std::vector<double> v(3 * atoms);
    for (int step = 0; step < 1000; step += 10) {
        for (int atom = 0; atom < atoms; atom++)
            for (int axis = 0; axis < 3; axis++) {
                const auto at = static_cast<std::size_t>(3 * atom + axis);
                x[at] = atom + 1 + 0.01 * step * (axis + 1);
                v[at] = 0.001 * (atom + 1) * (axis + 1);
            }
        ionwatch_frame frame;
        ionwatch_frame_init(&frame);
        frame.step = step;
        frame.time = 40.0 * step;
        frame.cell = cell;
        frame.pos_f64 = x.data();
        frame.vel_f64 = v.data();
        frame.potential_energy = -0.5;
        if (ionwatch_send(handle.get(), &frame) != IONWATCH_OK)
            return complain(handle, "send");
        if (ionwatch_should_stop(handle.get(), nullptr))
            return complain(handle, "stop");
    }
    if (ionwatch_flush(handle.get(), 10000) != IONWATCH_OK)
        return complain(handle, "flush");
    if (ionwatch_finish(handle.get(), "completed") != IONWATCH_OK)
        return complain(handle, "finish");
    return 0;
}
