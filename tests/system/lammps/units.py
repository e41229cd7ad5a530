# SPDX-License-Identifier: GPL-3.0-or-later
"""Free flight in every unit style: the same atoms, told to LAMMPS in each style's own numbers.

Eight atoms fly straight at 0.01 A/fs, half of them one way and half the other, so that
MSD(t) = v^2 t^2, the VACF is v^2, and the kinetic temperature is known.  Nothing here uses the
project's own table of units: the factors below are written down from the SI.
"""

import math

import lmprun
from lmprun import analyze, close, lmp, main, workfolder

AMU, E, NA = 1.66053906660e-27, 1.602176634e-19, 6.02214076e23
KB_EV, BOHR = 8.617333262145e-5, 0.529177210903
SPEED, MASS = 0.01, 6.94  # A/fs, amu
STEPS, EVERY = 64, 2      # of 1 fs

# one length unit in A, one time unit in fs, one mass unit in amu, one charge unit in e
STYLES = {
    "metal": (1.0, 1e3, 1.0, 1.0),
    "real": (1.0, 1.0, 1.0, 1.0),
    "si": (1e10, 1e15, 1 / AMU, 1 / E),
    "cgs": (1e8, 1e15, 1e-3 / AMU, 1 / (2997924580.0 * E)),
    "electron": (BOHR, 1.0, 1.0, 1.0),
    "micro": (1e4, 1e9, 1e-15 / AMU, 1e-12 / E),
    "nano": (10.0, 1e6, 1e-21 / AMU, 1.0),
}


def kinetic_temperature():
    """K, with LAMMPS' 3 N - 3 degrees of freedom."""
    joule = AMU * MASS * (SPEED * 1e5) ** 2
    return 8 * joule / (21 * KB_EV * E)


def script(style, length, time, mass, charge, temperature, more=""):
    a, v, dt = 6.0 / length, SPEED / math.sqrt(3) * time / length, 1.0 / time
    return f"""
units {style}
atom_style charge
region b block 0 {2 * a!r} 0 {2 * a!r} 0 {2 * a!r} units box
create_box 1 b
lattice {'sc 1.0' if style == 'lj' else f'sc {a!r}'}
{' '.join(f'create_atoms 1 single {x * a!r} {y * a!r} {z * a!r} units box{chr(10)}'
          for x in (0.2, 1.2) for y in (0.2, 1.2) for z in (0.2, 1.2))}
mass 1 {MASS / mass!r}
set type 1 charge {1.0 / charge!r}
pair_style zero {0.3 * a!r}
pair_coeff * *
neighbor {0.1 * a!r} bin
timestep {dt!r}
group one id 1:4
group other id 5:8
velocity one set {v!r} {v!r} {v!r} units box
velocity other set {-v!r} {-v!r} {-v!r} units box
fix nve all nve
include {lmprun.INCLUDE}
fix iw all ionwatch {EVERY} species Li endpoint file://run.iw temperature {temperature!r} {more}
thermo 64
run {STEPS}
"""


def check(text):
    with workfolder() as folder:
        done = lmp(text, folder)
        assert done.returncode == 0, done.stdout
        result = analyze(folder / "run.iw")
    run, group = result["run"], result["groups"]["Li"]
    close(run["dt_fs"], EVERY, 1e-12, "dt_fs")
    close(run["temperature_K"], kinetic_temperature(), 1e-9, "temperature_K")
    assert run["frames"] == STEPS // EVERY + 1, run
    msd = group["msd"]
    for lag, value in zip(msd["lag_ps"], msd["msd_A2"]):
        close(value, (SPEED * lag * 1e3) ** 2, 1e-9, f"MSD at {lag} ps", atol=1e-12)
    vacf = group["vacf"]
    for lag, value in zip(vacf["lag_fs"], vacf["c"]):
        close(value, SPEED ** 2, 1e-9, f"VACF at {lag} fs")
    # The checks at the door compare units with each other; they must have found nothing.
    for event in result["events"]:
        text = str(event).lower()
        assert "temperature" not in text and "velocit" not in text, event


def case(style):
    def run():
        check(script(style, *STYLES[style], kinetic_temperature()))
    run.__name__ = f"free_flight_in_units_{style}"
    return run


def free_flight_in_units_lj_with_given_sigma_epsilon_and_mass():
    sigma, epsilon, mass = 3.0, 0.01, 20.0
    tau = sigma * 1e-10 * math.sqrt(mass * AMU / (epsilon * E)) * 1e15
    kelvin = epsilon / KB_EV
    check(script("lj", sigma, tau, mass, 1.0, kinetic_temperature() / kelvin,
                 f"lj {sigma} {epsilon} {mass}"))


def free_flight_in_units_lj_without_is_in_angstrom_electronvolt_and_amu():
    tau = 1e-10 * math.sqrt(AMU / E) * 1e15
    check(script("lj", 1.0, tau, 1.0, 1.0, kinetic_temperature() * KB_EV))


lmprun.require(lmprun.INCLUDE, lmprun.CLI)
main([case(style) for style in STYLES] + [
    free_flight_in_units_lj_with_given_sigma_epsilon_and_mass,
    free_flight_in_units_lj_without_is_in_angstrom_electronvolt_and_amu,
])
