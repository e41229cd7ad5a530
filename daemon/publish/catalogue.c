/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/json.h"

/* clang-format off */
const iw_descriptor_row iw_descriptor_catalogue[] = {
    {"D_cm2_s", "D", "cm2/s", "diffusive",
     "self-diffusion coefficient: generalised least squares of the MSD in a diffusive window"},
    {"D_einstein_cm2_s", "D_E", "cm2/s", "diffusive",
     "least-squares slope of the MSD over the lags ceil(M/2)..M, over 6"},
    {"D_green_kubo_cm2_s", "D_GK", "cm2/s", "diffusive",
     "a third of the integral of the velocity autocorrelation over its window"},
    {"D_green_kubo_plateau_cm2_s", "D_GKp", "cm2/s", "diffusive",
     "the running integral of the velocity autocorrelation, averaged from where it stays the same"},
    {"D_axes_cm2_s", "D_xyz", "cm2/s", "diffusive", "D along x, y and z"},
    {"alpha", "alpha", "1", "diffusive", "d ln MSD / d ln lag in the fit window; 1 is diffusion"},
    {"effective_hops", "N_eff", "1", "diffusive",
     "atoms times largest MSD over squared hop length (He, Zhu, Epstein, Mo 2018)"},
    {"he_relative_error", "err_N", "1", "diffusive",
     "relative error of D that so many hops imply: 3.43/sqrt(N_eff) + 0.04"},
    {"D_collective_cm2_s", "D_coll", "cm2/s", "diffusive",
     "collective diffusion coefficient: slope of |sum of displacements|^2 over 6 N"},
    {"conductivity_mS_cm", "sigma", "mS/cm", "transport",
     "ionic conductivity from the charge MSD, correlations between ions included"},
    {"conductivity_nernst_einstein_mS_cm", "sigma_NE", "mS/cm", "transport",
     "ionic conductivity that the carriers' D would give without correlations"},
    {"haven_ratio", "H_R", "1", "transport", "Nernst-Einstein over collective conductivity"},
    {"omega_mean_meV", "<w>", "meV", "vibrational", "mean vibrational energy"},
    {"omega30_mean_meV", "<w30>", "meV", "vibrational", "mean vibrational energy up to 30 meV"},
    {"e_vib_meV", "E_vib", "meV", "vibrational", "vibrational energy of a mode"},
    {"f_vib_meV", "F_vib", "meV", "vibrational", "vibrational free energy of a mode"},
    {"s_vib_meV_K", "S_vib", "meV/K", "vibrational", "vibrational entropy of a mode"},
    {"c_v_meV_K", "C_V", "meV/K", "vibrational", "vibrational heat capacity of a mode"},
    {"e_vib_meV_atom", "E_vib", "meV/atom", "vibrational", "vibrational energy of an atom, three modes"},
    {"f_vib_meV_atom", "F_vib", "meV/atom", "vibrational", "vibrational free energy of an atom, three modes"},
    {"s_vib_kB_atom", "S_vib", "kB/atom", "vibrational", "vibrational entropy of an atom, three modes"},
    {"c_v_kB_atom", "C_V", "kB/atom", "vibrational", "vibrational heat capacity of an atom, three modes"},
    {0},
};
/* clang-format on */
