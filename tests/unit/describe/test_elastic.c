/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elastic tensors against published averages, closed forms and sums over the tensor itself
 * (docs/physics.md, "Elastic tensor"). */
#include "iw_test.h"

#include "describe/elastic.h"

/* Hexagonal, and with C14 trigonal; cubic where c33 = c11 and c13 = c12. */
static void
fill(double c[36], double c11, double c33, double c12, double c13, double c44, double c66,
     double c14)
{
    const double rows[36] = {c11, c12,  c13, c14,  0,   0,   /* */
                             c12, c11,  c13, -c14, 0,   0,   /* */
                             c13, c13,  c33, 0,    0,   0,   /* */
                             c14, -c14, 0,   c44,  0,   0,   /* */
                             0,   0,    0,   0,    c44, c14, /* */
                             0,   0,    0,   0,    c14, c66};
    memcpy(c, rows, sizeof rows);
}

static void
cubic(double c[36], double c11, double c12, double c44)
{
    fill(c, c11, c11, c12, c12, c44, c44, 0);
}

/* Albite, Brown et al., Phys. Chem. Minerals 33, 256 (2006), GPa: triclinic, no zero. */
static const double albite[36] = {69.9, 34.0, 30.8, 5.1,  -2.4, -0.9,  34.0, 183.5, 5.5,
                                  -3.9, -7.7, -5.8, 30.8, 5.5,  179.5, -8.7, 7.1,   -9.8,
                                  5.1,  -3.9, -8.7, 24.9, -2.4, -7.2,  -2.4, -7.7,  7.1,
                                  -2.4, 26.8, 0.5,  -0.9, -5.8, -9.8,  -7.2, 0.5,   33.5};

static iw_elastic
describe(const double c[36])
{
    iw_elastic out;
    iw_error err = {0};
    assert_ok(iw_elastic_describe(c, IW_ELASTIC_VOIGT, (double)NAN, (double)NAN, &out, &err), err);
    return out;
}

static void
cubic_crystals_follow_the_closed_forms(void **state)
{
    (void)state;
    /* GPa: Si, NaCl, CaF2, and one with C12 < 0. */
    static const double of[][3] = {
        {165.7, 63.9, 79.6}, {48.7, 12.4, 12.6}, {164.2, 44.0, 33.7}, {60, -10, 25}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double c[36], c11 = of[i][0], c12 = of[i][1], c44 = of[i][2];
        cubic(c, c11, c12, c44);
        iw_elastic e = describe(c);
        double voigt = (c11 - c12 + 3 * c44) / 5;
        double reuss = 5 * (c11 - c12) * c44 / (4 * c44 + 3 * (c11 - c12));
        assert_close(e.voigt.bulk_GPa, (c11 + 2 * c12) / 3, 1e-13, 0);
        assert_close(e.reuss.bulk_GPa, (c11 + 2 * c12) / 3, 1e-12, 0);
        assert_close(e.voigt.shear_GPa, voigt, 1e-13, 0);
        assert_close(e.reuss.shear_GPa, reuss, 1e-12, 0);
        assert_close(e.hill.shear_GPa, (voigt + reuss) / 2, 1e-12, 0);
        assert_close(e.cauchy_pressure_GPa, c12 - c44, 1e-12, 1e-12);
        assert_close(e.universal_anisotropy, 5 * voigt / reuss - 5, 1e-10, 1e-12);
        /* Eigenvalues: C11 + 2 C12 once, C11 - C12 twice, 2 C44 three times. */
        double product = 1, expected = (c11 + 2 * c12) * pow(c11 - c12, 2) * pow(2 * c44, 3);
        for (size_t k = 0; k < 6; k++)
            product *= e.eigenvalues_GPa[k];
        assert_close(product, expected, 1e-11, 0);
    }
}

/* Tensor and averages as the tests of pymatgen have them (materialsproject/pymatgen,
 * elasticity/tests/test_elastic.py). */
static void
a_tensor_with_averages_by_another_program_has_the_same(void **state)
{
    (void)state;
    double c[36];
    cubic(c, 59.32, 28.08, 26.35);
    c[0] = 59.33;
    c[7] = 59.31;
    c[8] = c[13] = 28.07;
    iw_elastic e = describe(c);
    assert_close(e.voigt.bulk_GPa, 38.49111111111, 1e-11, 0);
    assert_close(e.voigt.shear_GPa, 22.05866666666, 1e-11, 0);
    assert_close(e.reuss.bulk_GPa, 38.49110945133, 1e-11, 0);
    assert_close(e.reuss.shear_GPa, 20.67146635306, 1e-11, 0);
    assert_close(e.hill.bulk_GPa, 38.49111028122, 1e-11, 0);
    assert_close(e.hill.shear_GPa, 21.36506650986, 1e-11, 0);
    assert_close(e.universal_anisotropy, 0.33553509658699, 1e-11, 0);
    assert_close(e.hill.poisson, 0.26579965576472, 1e-11, 0);
}

/* Measured tensors and the aggregates that handbooks give for them. */
static void
hexagonal_and_trigonal_crystals_have_the_published_averages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double c11, c33, c12, c13, c44, c14, bulk, shear, off;
    } of[] = {
        /* Mg, Slutsky and Garland 1957: 35.4 and 17.3 GPa */
        {"Mg", 59.5, 61.6, 26.1, 21.8, 16.4, 0, 35.4, 17.3, 0.015},
        /* corundum, Goto et al. 1989: 253.5 and 163.2 GPa */
        {"Al2O3", 497.3, 500.9, 162.8, 116.0, 146.8, -21.9, 253.5, 163.2, 0.01},
        /* alpha quartz, Ohno et al. 2006: 37.5 and 44.3 GPa; C14 in the IEEE sense */
        {"SiO2", 86.76, 105.46, 6.868, 11.85, 58.14, -18.02, 37.6, 44.3, 0.015},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double c[36];
        fill(c, of[i].c11, of[i].c33, of[i].c12, of[i].c13, of[i].c44, (of[i].c11 - of[i].c12) / 2,
             of[i].c14);
        iw_elastic e = describe(c);
        assert_close(e.hill.bulk_GPa, of[i].bulk, of[i].off, 0);
        assert_close(e.hill.shear_GPa, of[i].shear, of[i].off, 0);
        /* Reuss' bulk modulus of uniaxial crystals in closed form. */
        double c2 = (of[i].c11 + of[i].c12) * of[i].c33 - 2 * of[i].c13 * of[i].c13;
        double m = of[i].c11 + of[i].c12 + 2 * of[i].c33 - 4 * of[i].c13;
        assert_close(e.reuss.bulk_GPa, c2 / m, 1e-12, 0);
    }
}

static void
an_isotropic_tensor_gives_its_own_moduli(void **state)
{
    (void)state;
    double c[36], b = 120, g = 45;
    cubic(c, b + 4 * g / 3, b - 2 * g / 3, g);
    iw_elastic e = describe(c);
    const iw_moduli *of[] = {&e.voigt, &e.reuss, &e.hill};
    for (size_t i = 0; i < 3; i++) {
        assert_close(of[i]->bulk_GPa, b, 1e-12, 0);
        assert_close(of[i]->shear_GPa, g, 1e-12, 0);
        assert_close(of[i]->young_GPa, 120, 1e-12, 0); /* 9 B G/(3 B + G) */
        assert_close(of[i]->poisson, 1.0 / 3, 1e-12, 0);
    }
    assert_close(e.universal_anisotropy, 0, 0, 1e-12);
    assert_close(e.pugh_ratio, 0.375, 1e-12, 0);
    assert_close(e.velocity_ratio, 2, 1e-12, 0); /* of nu = 1/3 */
}

/* ---- rotations: the tensor by its four indices ---- */

static const size_t voigt_index[3][3] = {{0, 5, 4}, {5, 1, 3}, {4, 3, 2}};

static void
rotate(const double c[36], const double r[3][3], double out[36])
{
    static const size_t pair[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};
    for (size_t m = 0; m < 36; m++) {
        const size_t *p = pair[m / 6], *q = pair[m % 6];
        out[m] = 0;
        for (size_t n = 0; n < 81; n++) {
            size_t i = n / 27, j = n / 9 % 3, k = n / 3 % 3, l = n % 3;
            out[m] += r[p[0]][i] * r[p[1]][j] * r[q[0]][k] * r[q[1]][l] *
                      c[6 * voigt_index[i][j] + voigt_index[k][l]];
        }
    }
}

static void
rotation_of_a(double angle, double r[3][3])
{
    double c = cos(angle), s = sin(angle), d = cos(2 * angle), t = sin(2 * angle);
    const double rows[3][3] = {{c, -s, 0}, {s * d, c * d, -t}, {s * t, c * t, d}};
    memcpy(r, rows, sizeof rows);
}

static void
no_average_depends_on_the_axes(void **state)
{
    (void)state;
    iw_elastic e = describe(albite);
    for (int i = 1; i < 12; i++) {
        double r[3][3], c[36];
        rotation_of_a(0.37 * i, r);
        rotate(albite, r, c);
        iw_elastic turned = describe(c);
        double a, b;
        for (size_t k = 0; iw_elastic_number(&e, k, &a); k++) {
            const char *name = iw_elastic_number(&turned, k, &b);
            if (strcmp(name, "cauchy_pressure_GPa") != 0 && isfinite(a))
                assert_close(b, a, 1e-9, 0);
        }
        for (size_t k = 0; k < 6; k++)
            assert_close(turned.eigenvalues_GPa[k], e.eigenvalues_GPa[k], 1e-10, 0);
    }
}

/* Voigt's are full contractions of C; Hill lies in between; traces: C_iijj and C_ijij. */
static void
triclinic_albite_follows_the_contractions(void **state)
{
    (void)state;
    iw_elastic e = describe(albite);
    double iijj = 0, ijij = 0;
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            iijj += albite[6 * voigt_index[i][i] + voigt_index[j][j]];
            ijij += albite[7 * voigt_index[i][j]];
        }
    assert_close(e.voigt.bulk_GPa, iijj / 9, 1e-13, 0);
    assert_close(e.voigt.shear_GPa, (3 * ijij - iijj) / 30, 1e-13, 0);
    assert_true(e.reuss.bulk_GPa < e.hill.bulk_GPa && e.hill.bulk_GPa < e.voigt.bulk_GPa);
    assert_true(e.reuss.shear_GPa < e.hill.shear_GPa && e.hill.shear_GPa < e.voigt.shear_GPa);
    assert_true(e.universal_anisotropy > 0);
    /* By hand: (69.9 + 183.5 + 179.5 + 2 (34.0 + 30.8 + 5.5))/9. */
    assert_close(e.voigt.bulk_GPa, 573.5 / 9, 1e-12, 0);
}

/* Under hydrostatic pressure all strains together are the volume's: K_R by solving C x = 1. */
static void
the_bulk_modulus_of_reuss_is_that_under_pressure(void **state)
{
    (void)state;
    double a[6][7];
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++)
            a[i][j] = albite[6 * i + j];
        a[i][6] = i < 3;
    }
    for (size_t p = 0; p < 6; p++) /* positive definite: no pivots */
        for (size_t i = 0; i < 6; i++) {
            double factor = i == p ? 0 : a[i][p] / a[p][p];
            for (size_t j = 0; j < 7; j++)
                a[i][j] -= factor * a[p][j];
        }
    double volume = a[0][6] / a[0][0] + a[1][6] / a[1][1] + a[2][6] / a[2][2];
    assert_close(describe(albite).reuss.bulk_GPa, 1 / volume, 1e-11, 0);
}

static void
sound_and_debye_temperatures_are_near_the_measured_ones(void **state)
{
    (void)state;
    static const struct {
        double c11, c12, c44, density, volume, debye;
    } of[] = {
        {165.7, 63.9, 79.6, 2.329, 20.02, 645}, /* Si */
        {48.7, 12.4, 12.6, 2.165, 22.42, 306},  /* NaCl at 295 K */
        {164.2, 44.0, 33.7, 3.181, 13.59, 510}, /* CaF2 */
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double c[36];
        iw_elastic e;
        iw_error err = {0};
        cubic(c, of[i].c11, of[i].c12, of[i].c44);
        assert_ok(iw_elastic_describe(c, IW_ELASTIC_VOIGT, of[i].density, of[i].volume, &e, &err),
                  err);
        assert_close(e.debye_K, of[i].debye, 0.02, 0);
        assert_close(e.longitudinal_km_s / e.transverse_km_s, e.velocity_ratio, 1e-12, 0);
        double bulk =
            of[i].density * (pow(e.longitudinal_km_s, 2) - 4.0 / 3 * pow(e.transverse_km_s, 2));
        assert_close(bulk, e.hill.bulk_GPa, 1e-12, 0);
    }
}

/* Chen et al., Intermetallics 19, 1275 (2011), give 95.7 GPa for diamond, B 442 and G 536 GPa; the
 * formula of Tian et al., Int. J. Refract. Met. Hard Mater. 33, 93 (2012), worked out by hand for
 * the same moduli is 98.0 GPa. */
static void
hardness_of_diamond_is_that_of_the_models(void **state)
{
    (void)state;
    double c[36], b = 442, g = 536;
    cubic(c, b + 4 * g / 3, b - 2 * g / 3, g);
    iw_elastic e = describe(c);
    assert_close(e.hardness_chen_GPa, 95.7, 0.01, 0);
    assert_close(e.hardness_tian_GPa, 98.0, 0.002, 0);
}

static void
the_order_of_vasp_is_taken_when_it_is_named(void **state)
{
    (void)state;
    static const size_t vasp[6] = {0, 1, 2, 5, 3, 4}; /* xx yy zz xy yz zx in Voigt's count */
    double c[36];
    iw_elastic e;
    iw_error err = {0};
    for (size_t i = 0; i < 36; i++)
        c[i] = albite[6 * vasp[i / 6] + vasp[i % 6]];
    assert_ok(iw_elastic_describe(c, IW_ELASTIC_VASP, (double)NAN, (double)NAN, &e, &err), err);
    for (size_t i = 0; i < 36; i++)
        assert_close(e.c_GPa[i / 6][i % 6], albite[i], 0, 0);
}

static void
what_is_not_known_is_nan_and_the_rest_is_there(void **state)
{
    (void)state;
    iw_elastic e = describe(albite);
    double value;
    size_t known = 0, n = 0;
    for (; iw_elastic_number(&e, n, &value); n++)
        known += isfinite(value) != 0;
    assert_int_equal(n - known, 4); /* three velocities and the Debye temperature */
    assert_true(isnan(e.debye_K));
}

static void
refuse(const double c[36], const char *word)
{
    iw_elastic e;
    iw_error err = {0};
    assert_int_equal(iw_elastic_describe(c, IW_ELASTIC_VOIGT, 1, 1, &e, &err), IW_INVALID);
    if (!strstr(err.text, word))
        fail_msg("\"%s\" says nothing of \"%s\"", err.text, word);
}

static void
tensors_that_are_none_are_refused_with_the_number(void **state)
{
    (void)state;
    double c[36];
    memcpy(c, albite, sizeof c);
    c[1] += 2; /* 1.1 % of the largest */
    refuse(c, "not symmetric: xx,yy is 36 GPa and yy,xx is 34 GPa");
    memcpy(c, albite, sizeof c);
    c[1] += 1.7;
    assert_close(describe(c).c_GPa[0][1], 34.85, 1e-14, 0);
    cubic(c, 50, 60, 30); /* C11 < C12 */
    refuse(c, "least eigenvalue of the elastic tensor is -10 GPa");
    cubic(c, 50, 50, 30);
    refuse(c, "eigenvalue");
    memset(c, 0, sizeof c);
    refuse(c, "eigenvalue");
    memcpy(c, albite, sizeof c);
    c[35] = (double)NAN;
    refuse(c, "element 6,6");
    c[35] = (double)INFINITY;
    refuse(c, "element 6,6");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cubic_crystals_follow_the_closed_forms),
        cmocka_unit_test(a_tensor_with_averages_by_another_program_has_the_same),
        cmocka_unit_test(hexagonal_and_trigonal_crystals_have_the_published_averages),
        cmocka_unit_test(an_isotropic_tensor_gives_its_own_moduli),
        cmocka_unit_test(no_average_depends_on_the_axes),
        cmocka_unit_test(triclinic_albite_follows_the_contractions),
        cmocka_unit_test(the_bulk_modulus_of_reuss_is_that_under_pressure),
        cmocka_unit_test(sound_and_debye_temperatures_are_near_the_measured_ones),
        cmocka_unit_test(hardness_of_diamond_is_that_of_the_models),
        cmocka_unit_test(the_order_of_vasp_is_taken_when_it_is_named),
        cmocka_unit_test(what_is_not_known_is_nan_and_the_rest_is_there),
        cmocka_unit_test(tensors_that_are_none_are_refused_with_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
