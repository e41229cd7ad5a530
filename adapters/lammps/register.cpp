/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * register.cpp - two doors through which a running LAMMPS learns the style "ionwatch".
 *
 * ionwatch.lmp calls ionwatch_lammps_register() through LAMMPS' embedded Python; a LAMMPS with the
 * PLUGIN package calls lammpsplugin_init() on `plugin load`.
 */
#include "fix_ionwatch.h"

#include "lammps.h"
#include "library.h"
#include "modify.h"

#include <cstdio>

#if __has_include("lammpsplugin.h")
#include "lammpsplugin.h"
#endif

using namespace LAMMPS_NS;

#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace
{

Fix *
create(LAMMPS *lmp, int narg, char **arg)
{
    return new FixIonwatch(lmp, narg, arg);
}

} // namespace

/* NULL, or why the fix does not fit this LAMMPS: the layout of its classes changes with releases.
 */
EXPORTED const char *
ionwatch_lammps_register(void *handle)
{
    static char text[160];
    const int running = lammps_version(handle);
    if (running != IONWATCH_LAMMPS_VERSION) {
        (void)snprintf(text, sizeof text,
                       "the ionwatch fix was built for LAMMPS %d and this is LAMMPS %d: build it "
                       "again with the headers of this one",
                       IONWATCH_LAMMPS_VERSION, running);
        return text;
    }
    (*static_cast<LAMMPS *>(handle)->modify->fix_map)["ionwatch"] = &create;
    return nullptr;
}

#if __has_include("lammpsplugin.h")
EXPORTED void
lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
    lammpsplugin_t plugin = {};
    plugin.version = static_cast<LAMMPS *>(lmp)->version;
    plugin.style = "fix";
    plugin.name = "ionwatch";
    plugin.info = "streams every N-th step to ionwatch";
    plugin.author = "ionwatch";
    plugin.creator.v2 = reinterpret_cast<lammpsplugin_factory2 *>(&create);
    plugin.handle = handle;
    reinterpret_cast<lammpsplugin_regfunc>(regfunc)(&plugin, lmp);
}
#endif
