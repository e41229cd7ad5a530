/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IW_FIX_IONWATCH_H
#define IW_FIX_IONWATCH_H
/*
 * fix_ionwatch.h - LAMMPS fix that streams every N-th step of a group to ionwatch.
 *
 *     fix ID group ionwatch N species A B ... [keyword values ...]
 *
 * Rank 0 collects the atoms in the order of their tags and hands them to libionwatch, which copies
 * and returns.  On one rank and 324 atoms a frame costs a few microseconds.  Nothing that goes
 * wrong here ends the run, except a wrong fix command.
 */
#include "fix.h"

#include "adapters/lammps/units.h"
#include <ionwatch/ionwatch.h>

#include <cmath>
#include <string>
#include <vector>

namespace LAMMPS_NS
{

class FixIonwatch : public Fix
{
  public:
    FixIonwatch(LAMMPS *owner, int narg, char **arg);
    ~FixIonwatch() override;
    FixIonwatch(const FixIonwatch &) = delete;
    FixIonwatch &operator=(const FixIonwatch &) = delete;

    int setmask() override;
    void init() override;
    void setup(int vflag) override;
    void end_of_step() override;
    void post_run() override;
    void write_restart(FILE *file) override;
    double memory_usage() override;

  private:
    enum State { WAITING, STREAMING, STOPPED, SILENT };

    void parse(int narg, char **arg);
    void send_frame();
    void open_stream();
    ionwatch *open_handle();
    void gather();
    size_t slot_of(tagint tag) const;
    template <typename Real> bool fill(Real *to_pos, Real *to_vel);
    template <typename Real> bool fill_densely(Real *to_pos, Real *to_vel);
    template <typename Real> bool fill_alone(Real *to_pos, Real *to_vel);
    template <typename Real> bool fill_together(Real *to_pos, Real *to_vel);
    State give_up();
    State hand_over(double potential);
    double potential_energy();
    double kelvin(double kinetic) const;
    double target_K() const;
    void cell(double rows[9]) const;
    void warn_if_unheard(bool at_end);
    void warn_once(ionwatch_status status);

    /* What the fix command says. */
    std::vector<std::string> species; /* of type 1, 2, ... */
    std::vector<std::string> metadata;
    std::string endpoint, run_id, name, spool;
    double temperature_given = NAN;                                  /* the thermostat's */
    double lj_length_A = 0.0, lj_energy_eV = 0.0, lj_mass_amu = 0.0; /* not given: as units.h */
    ionwatch_policy policy = IONWATCH_BLOCK;
    bool single = false, unwrapped = false, want_energy = false, finish = true;

    /* The stream.  Handle, tags and frame arrays live on rank 0. */
    State state = WAITING;
    bool inside_run = false; /* setup() was called and post_run() was not: a crash leaves it set */
    const char *ending = nullptr;
    ionwatch *handle = nullptr;
    bigint last_step = -1;
    double opened_s = 0.0;
    bool unheard_told = false;
    unsigned statuses_told = 0; /* one bit for each ionwatch_status */
    iw_lammps_units units = {};
    class Compute *thermo_pe = nullptr,
                  *thermo_temp = nullptr; /* LAMMPS' own, looked up for each run */
    std::vector<double> mass;             /* by slot, in the unit style's masses */
    std::vector<tagint> tags;             /* sorted: the place of a tag is the atom's slot */
    bool dense = false;                   /* no gap between the tags */
    std::vector<double> packed, gathered;
    std::vector<int> counts, offsets;
    std::vector<double> pos, vel;
    std::vector<float> pos_single, vel_single;
    double twice_kinetic = 0.0; /* sum of m v^2, in the unit style's masses and velocities */
};

} // namespace LAMMPS_NS

#endif
