/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CONSTANTS_H
#define IW_CONSTANTS_H
/* constants.h - CODATA 2018, and what follows from it, in internal units. */

#define IW_BOLTZMANN_MEV_K 8.617333262145179e-2 /* k_B, meV/K (exact SI) */
#define IW_PLANCK_MEV_PS   4.135667696923859    /* h, meV ps = meV per THz (exact SI) */
#define IW_PLANCK_MEV_FS   4135.667696923859    /* h, meV fs */
#define IW_AMU_KG          1.66053906660e-27
#define IW_BOLTZMANN_J_K   1.380649e-23
#define IW_CHARGE_C        1.602176634e-19 /* e (exact SI) */
/* amu (A/fs)^2 as a temperature: (1e5 m/s)^2 amu / k_B, K */
#define IW_AMU_A2_FS2_K (IW_AMU_KG * 1.0e10 / IW_BOLTZMANN_J_K)
#define IW_A2_FS_CM2_S  0.1 /* 1 A^2/fs = 0.1 cm^2/s */

#endif
