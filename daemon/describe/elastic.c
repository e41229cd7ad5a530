/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "describe/elastic.h"

#include "constants.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_sort_vector.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const double ASYMMETRY = 0.01;    /* of the largest element */
static const double STIFFEST_GPa = 1e5;  /* beyond any crystal under any pressure */
static const double ROUNDING = 1e-12;    /* of the largest eigenvalue */
static const double DIAMOND_GPa = 443.0; /* bulk modulus; osmium's is 5 % higher, no other's is */

static const char *const axis_name[6] = {"xx", "yy", "zz", "yz", "xz", "xy"};

static iw_status
take(const double c[36], iw_elastic_order order, double to[6][6], iw_error *err)
{
    static const size_t place[2][6] = {{0, 1, 2, 3, 4, 5}, {0, 1, 2, 4, 5, 3}};
    double largest = 0;
    for (size_t i = 0; i < 36; i++) {
        if (!isfinite(c[i]))
            return iw_fail(err, IW_INVALID, "element %zu,%zu of the elastic tensor is no number",
                           i / 6 + 1, i % 6 + 1);
        if (fabs(c[i]) > STIFFEST_GPa)
            return iw_fail(err, IW_INVALID,
                           "element %zu,%zu of the elastic tensor is %g GPa, beyond any crystal",
                           i / 6 + 1, i % 6 + 1, c[i]);
        largest = fmax(largest, fabs(c[i]));
    }
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            double a = c[6 * place[order][i] + place[order][j]];
            double b = c[6 * place[order][j] + place[order][i]];
            if (fabs(a - b) > ASYMMETRY * largest)
                return iw_fail(err, IW_INVALID,
                               "the elastic tensor is not symmetric: %s,%s is %g GPa and %s,%s is "
                               "%g GPa, which differ by more than 1 %% of the largest element, %g",
                               axis_name[i], axis_name[j], a, axis_name[j], axis_name[i], b,
                               largest);
            to[i][j] = 0.5 * (a + b);
        }
    return IW_OK;
}

/* Kelvin's notation: shears carry sqrt(2), and the eigenvalues are those of the tensor. */
static iw_status
find_eigenvalues(iw_elastic *out, iw_error *err)
{
    double kelvin[36];
    gsl_matrix_view matrix = gsl_matrix_view_array(kelvin, 6, 6);
    gsl_vector_view values = gsl_vector_view_array(out->eigenvalues_GPa, 6);
    gsl_eigen_symm_workspace *room = gsl_eigen_symm_alloc(6);
    if (!room)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the eigenvalues of an elastic tensor");
    for (size_t i = 0; i < 36; i++)
        kelvin[i] =
            out->c_GPa[i / 6][i % 6] * (i / 6 > 2 ? M_SQRT2 : 1) * (i % 6 > 2 ? M_SQRT2 : 1);
    int failed = gsl_eigen_symm(&matrix.matrix, &values.vector, room);
    gsl_eigen_symm_free(room);
    if (failed)
        return iw_fail(err, IW_INVALID, "the eigenvalues of the elastic tensor do not converge");
    gsl_sort_vector(&values.vector);
    if (!(out->eigenvalues_GPa[0] > ROUNDING * out->eigenvalues_GPa[5]))
        return iw_fail(err, IW_INVALID,
                       "the crystal would be unstable: the least eigenvalue of the elastic tensor "
                       "is %g GPa, and all must be positive (Born's criteria); are rows and "
                       "columns in the order xx yy zz yz xz xy?",
                       out->eigenvalues_GPa[0]);
    return IW_OK;
}

static iw_status
invert(const double c[6][6], double s[6][6], iw_error *err)
{
    double factor[36];
    memcpy(factor, c, sizeof factor);
    gsl_matrix_view matrix = gsl_matrix_view_array(factor, 6, 6);
    int failed = gsl_linalg_cholesky_decomp1(&matrix.matrix);
    if (!failed)
        failed = gsl_linalg_cholesky_invert(&matrix.matrix);
    memcpy(s, factor, sizeof factor);
    return failed ? iw_fail(err, IW_INVALID, "the elastic tensor cannot be inverted") : IW_OK;
}

static void
complete(iw_moduli *moduli)
{
    double b = moduli->bulk_GPa, g = moduli->shear_GPa;
    moduli->young_GPa = 9 * b * g / (3 * b + g);
    moduli->poisson = (3 * b - 2 * g) / (2 * (3 * b + g));
}

static void
average(const double c[6][6], const double s[6][6], iw_elastic *out)
{
    double c_axes = c[0][0] + c[1][1] + c[2][2], c_pairs = c[0][1] + c[0][2] + c[1][2];
    double c_shears = c[3][3] + c[4][4] + c[5][5];
    double s_axes = s[0][0] + s[1][1] + s[2][2], s_pairs = s[0][1] + s[0][2] + s[1][2];
    double s_shears = s[3][3] + s[4][4] + s[5][5];
    out->voigt.bulk_GPa = (c_axes + 2 * c_pairs) / 9;
    out->voigt.shear_GPa = (c_axes - c_pairs + 3 * c_shears) / 15;
    out->reuss.bulk_GPa = 1 / (s_axes + 2 * s_pairs);
    out->reuss.shear_GPa = 15 / (4 * s_axes - 4 * s_pairs + 3 * s_shears);
    out->hill.bulk_GPa = 0.5 * (out->voigt.bulk_GPa + out->reuss.bulk_GPa);
    out->hill.shear_GPa = 0.5 * (out->voigt.shear_GPa + out->reuss.shear_GPa);
    complete(&out->voigt);
    complete(&out->reuss);
    complete(&out->hill);
}

static void
derive(iw_elastic *out)
{
    double b = out->hill.bulk_GPa, g = out->hill.shear_GPa, k = g / b;
    double(*c)[6] = out->c_GPa;
    out->pugh_ratio = k;
    out->cauchy_pressure_GPa = (c[1][2] - c[3][3] + c[0][2] - c[4][4] + c[0][1] - c[5][5]) / 3;
    out->universal_anisotropy = 5 * out->voigt.shear_GPa / out->reuss.shear_GPa +
                                out->voigt.bulk_GPa / out->reuss.bulk_GPa - 6;
    out->hardness_chen_GPa = 2 * pow(k * k * g, 0.585) - 3;
    out->hardness_tian_GPa = 0.92 * pow(k, 1.137) * pow(g, 0.708);
    out->velocity_ratio = sqrt((b + 4 * g / 3) / g);
}

/* sqrt(GPa/(g/cm3)) is km/s. */
static void
find_velocities(double density_g_cm3, double volume_per_atom_A3, iw_elastic *out)
{
    double b = out->hill.bulk_GPa, g = out->hill.shear_GPa;
    double l = sqrt((b + 4 * g / 3) / density_g_cm3), t = sqrt(g / density_g_cm3);
    double mean = 1 / cbrt((2 / (t * t * t) + 1 / (l * l * l)) / 3);
    out->longitudinal_km_s = l;
    out->transverse_km_s = t;
    out->mean_velocity_km_s = mean;
    /* h over 2 pi k_B in K ps; km/s over A is 10/ps. */
    out->debye_K = IW_PLANCK_MEV_PS / (2 * M_PI * IW_BOLTZMANN_MEV_K) * 10 * mean *
                   cbrt(6 * M_PI * M_PI / volume_per_atom_A3);
}

iw_status
iw_elastic_describe(const double c_GPa[36], iw_elastic_order order, double density_g_cm3,
                    double volume_per_atom_A3, iw_elastic *out, iw_error *err)
{
    double s[6][6];
    memset(out, 0, sizeof *out);
    iw_status status = take(c_GPa, order, out->c_GPa, err);
    if (status == IW_OK)
        status = find_eigenvalues(out, err);
    if (status == IW_OK)
        status = invert(out->c_GPa, s, err);
    if (status)
        return status;
    average(out->c_GPa, s, out);
    derive(out);
    find_velocities(density_g_cm3, volume_per_atom_A3, out);
    return IW_OK;
}

static bool
near(double a, double b, double largest)
{
    return fabs(a - b) <= ASYMMETRY * largest;
}

const char *
iw_elastic_doubt(const iw_elastic *self)
{
    const double(*c)[6] = self->c_GPa;
    double largest = 0;
    for (size_t i = 0; i < 6; i++)
        largest = fmax(largest, c[i][i]);
    if (self->hill.bulk_GPa > 1.1 * DIAMOND_GPa)
        return "its bulk modulus is above diamond's, 443 GPa: is it in kbar?";
    if (near(c[0][0], c[1][1], largest) && near(c[0][2], c[1][2], largest) &&
        !near(c[3][3], c[4][4], largest) &&
        (near(c[4][4], c[5][5], largest) || near(c[3][3], c[5][5], largest)))
        return "of a crystal with C11 = C22 and C13 = C23, C44 = C55 is expected, and here C66 is "
               "the same as one of them: is it in another order of rows and columns?";
    return NULL;
}

#define ROW(name, field)                                                                           \
    {                                                                                              \
        name, offsetof(iw_elastic, field)                                                          \
    }

const char *
iw_elastic_number(const iw_elastic *self, size_t index, double *value)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        ROW("bulk_modulus_GPa", hill.bulk_GPa),
        ROW("bulk_modulus_voigt_GPa", voigt.bulk_GPa),
        ROW("bulk_modulus_reuss_GPa", reuss.bulk_GPa),
        ROW("shear_modulus_GPa", hill.shear_GPa),
        ROW("shear_modulus_voigt_GPa", voigt.shear_GPa),
        ROW("shear_modulus_reuss_GPa", reuss.shear_GPa),
        ROW("youngs_modulus_GPa", hill.young_GPa),
        ROW("youngs_modulus_voigt_GPa", voigt.young_GPa),
        ROW("youngs_modulus_reuss_GPa", reuss.young_GPa),
        ROW("poisson_ratio", hill.poisson),
        ROW("pugh_ratio", pugh_ratio),
        ROW("cauchy_pressure_GPa", cauchy_pressure_GPa),
        ROW("vickers_hardness_chen_GPa", hardness_chen_GPa),
        ROW("vickers_hardness_tian_GPa", hardness_tian_GPa),
        ROW("universal_anisotropy", universal_anisotropy),
        ROW("longitudinal_velocity_km_s", longitudinal_km_s),
        ROW("transverse_velocity_km_s", transverse_km_s),
        ROW("mean_velocity_km_s", mean_velocity_km_s),
        ROW("velocity_ratio", velocity_ratio),
        ROW("debye_temperature_K", debye_K),
    };
    if (index >= sizeof rows / sizeof *rows)
        return NULL;
    *value = *(const double *)(const void *)((const char *)self + rows[index].offset);
    return rows[index].name;
}
