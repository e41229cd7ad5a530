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

/* Albite, Brown et al., Phys. Chem. Minerals 33, 256 (2006), as andreww/MSAT has it; GPa:
 * triclinic, no zero. */
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

/* Tensors and averages that other programs give: the test of pymatgen (materialsproject/pymatgen,
 * elasticity/tests/test_elastic.py), and a record of the Materials Project, of Al and Pt
 * (materialsproject/mapidoc, materials/elasticity). */
static void
tensors_with_averages_by_other_programs_have_the_same(void **state)
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
    cubic(c, 319.43208297658407, 178.12963573334946, 108.18423757000005);
    c[0] = 319.43298108763224;
    c[14] = 319.43176996326986;
    c[2] = c[12] = 178.129548438403;
    c[8] = c[13] = 178.129473057102;
    c[21] = 108.18424078333338;
    c[35] = 108.18429138000002;
    e = describe(c);
    assert_close(e.voigt.bulk_GPa, 225.23046094279943, 1e-12, 0);
    assert_close(e.voigt.shear_GPa, 93.17109906657547, 1e-12, 0);
    assert_close(e.reuss.bulk_GPa, 225.23046094201425, 1e-12, 0);
    assert_close(e.reuss.shear_GPa, 89.22439690238315, 1e-12, 0);
    assert_close(e.hill.shear_GPa, 91.1977479844793, 1e-12, 0);
    assert_close(e.hill.poisson, 0.32162138374300725, 1e-12, 0);
    assert_close(e.universal_anisotropy, 0.2211672088169152, 1e-11, 0);
}

/* Measured tensors and Hill's averages, to all digits given: J. D. Bass in T. J. Ahrens (ed.),
 * Mineral Physics and Crystallography (AGU 1995), 45, as anthonytorlucci/mpc copies it. */
static void
uniaxial_crystals_have_the_published_averages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double c11, c33, c12, c13, c44, c66, c14, bulk, shear;
    } of[] = {
        {"beryl, hexagonal", 304.2, 277.6, 123.8, 114.5, 65.3, 90.2, 0, 176.6, 78.8},
        {"zircon, tetragonal", 256, 372, 175, 214, 73.5, 116, 0, 223.9, 66.6},
        {"corundum, trigonal", 497, 501, 162, 116, 146.8, 167.5, -21.9, 253.5, 163.2},
        {"calcite", 144, 84, 53.9, 51.1, 33.5, 45.05, -20.5, 73.3, 32.0},
        {"alpha quartz", 86.6, 106.1, 6.7, 12.6, 57.8, 39.95, -17.8, 37.8, 44.3},
        {"tourmaline", 305, 176.4, 108, 51, 64.8, 98.5, -6, 127.2, 81.5},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double c[36];
        fill(c, of[i].c11, of[i].c33, of[i].c12, of[i].c13, of[i].c44, of[i].c66, of[i].c14);
        iw_elastic e = describe(c);
        assert_close(e.hill.bulk_GPa, of[i].bulk, 0, 0.05);
        assert_close(e.hill.shear_GPa, of[i].shear, 0, 0.05);
        /* Reuss' bulk modulus of uniaxial crystals in closed form. */
        double c2 = (of[i].c11 + of[i].c12) * of[i].c33 - 2 * of[i].c13 * of[i].c13;
        double m = of[i].c11 + of[i].c12 + 2 * of[i].c33 - 4 * of[i].c13;
        assert_close(e.reuss.bulk_GPa, c2 / m, 1e-12, 0);
        assert_null(iw_elastic_doubt(&e));
    }
}

/* From the same tables: 13 constants of a monoclinic albite, and dolomite, which has C15 too. */
static void
crystals_of_low_symmetry_have_the_published_averages(void **state)
{
    (void)state;
    static const double monoclinic[36] = {
        74, 36.4, 39.4, 0, -6.6, 0,    36.4,  131, 31, 0,    -12.8, 0, 39.4, 31, 128,  0, -20, 0, 0,
        0,  0,    17.3, 0, -2.5, -6.6, -12.8, -20, 0,  29.6, 0,     0, 0,    0,  -2.5, 0, 32};
    iw_elastic e = describe(monoclinic);
    assert_close(e.hill.bulk_GPa, 56.9, 0, 0.05);
    assert_close(e.hill.shear_GPa, 28.6, 0, 0.06); /* 28.546 */
    double c[36];
    fill(c, 205, 113, 71, 57.4, 39.8, 67, -19.5);
    c[4] = c[24] = 13.7;
    c[10] = c[25] = c[23] = c[33] = -13.7;
    e = describe(c);
    assert_close(e.hill.bulk_GPa, 94.9, 0, 0.05);
    assert_close(e.hill.shear_GPa, 45.7, 0, 0.05);
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
            assert_non_null(name);
            if (isfinite(a))
                assert_close(b, a, 1e-9, 1e-9);
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
    assert_close(e.cauchy_pressure_GPa, (iijj - ijij) / 6, 1e-13, 0);
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

/* Debye temperatures from heat capacities: Kittel's table for Si and diamond (tensors: CRC
 * Handbook, McSkimin and Andreatch 1972); 322 K of NaCl, with the tensor at 0 K
 * (ucl.ac.uk/~ucapahh). */
static void
sound_and_debye_temperatures_are_near_the_measured_ones(void **state)
{
    (void)state;
    static const struct {
        double c11, c12, c44, density, volume, debye;
    } of[] = {
        {165.78, 63.94, 79.62, 2.329, 20.02, 645},  /* Si */
        {57.33, 11.23, 13.31, 2.2561, 21.508, 322}, /* NaCl: a/2 = 2.781 A */
        {1079, 124, 578, 3.515, 5.674, 2230},       /* diamond */
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double c[36];
        iw_elastic e;
        iw_error err = {0};
        cubic(c, of[i].c11, of[i].c12, of[i].c44);
        assert_ok(iw_elastic_describe(c, IW_ELASTIC_VOIGT, of[i].density, of[i].volume, &e, &err),
                  err);
        assert_close(e.debye_K, of[i].debye, 0.01, 0);
        assert_close(e.longitudinal_km_s / e.transverse_km_s, e.velocity_ratio, 1e-12, 0);
        double bulk =
            of[i].density * (pow(e.longitudinal_km_s, 2) - 4.0 / 3 * pow(e.transverse_km_s, 2));
        assert_close(bulk, e.hill.bulk_GPa, 1e-12, 0);
        /* h/k_B (3 n/4 pi)^(1/3) v, by the exact constants of the SI. */
        double per_m3 = 1e30 / of[i].volume;
        assert_close(e.debye_K,
                     6.62607015e-34 / 1.380649e-23 * cbrt(0.75 / M_PI * per_m3) * 1e3 *
                         e.mean_velocity_km_s,
                     1e-12, 0);
    }
}

/* Both formulas worked out apart, for diamond (B 442, G 536 GPa, where Chen et al., Intermetallics
 * 19, 1275 (2011), give 95.7 GPa), NaCl, and a solid so soft that Chen's is negative. */
static void
hardness_is_that_of_the_two_models(void **state)
{
    (void)state;
    static const struct {
        double bulk, shear, chen, tian;
    } of[] = {{442, 536, 95.98, 98.0}, {24.5, 14.59, 2.23, 3.40}, {12, 4, -1.76, 0.705}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        double c[36], b = of[i].bulk, g = of[i].shear;
        cubic(c, b + 4 * g / 3, b - 2 * g / 3, g);
        iw_elastic e = describe(c);
        assert_close(e.hardness_chen_GPa, of[i].chen, 0.002, 0.006);
        assert_close(e.hardness_tian_GPa, of[i].tian, 0.002, 0.006);
    }
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
    cubic(c, 50, 50 - 1e-12, 30); /* nothing but rounding keeps it upright */
    refuse(c, "eigenvalue");
    memset(c, 0, sizeof c);
    refuse(c, "eigenvalue");
    cubic(c, 1e308, 10, 30);
    refuse(c, "element 1,1 of the elastic tensor is 1e+308 GPa, beyond any crystal");
    memcpy(c, albite, sizeof c);
    c[35] = (double)NAN;
    refuse(c, "element 6,6");
    c[35] = (double)INFINITY;
    refuse(c, "element 6,6");
}

/* Zircon, and its tensor in kbar, in the order of VASP, and in Voigt's order taken for VASP's. */
static void
what_looks_like_another_unit_or_order_is_doubted(void **state)
{
    (void)state;
    double c[36], turned[36];
    iw_error err = {0};
    fill(c, 256, 372, 175, 214, 73.5, 116, 0);
    iw_elastic e = describe(c);
    assert_null(iw_elastic_doubt(&e));
    fill(turned, 2560, 3720, 1750, 2140, 735, 1160, 0);
    e = describe(turned);
    assert_non_null(strstr(iw_elastic_doubt(&e), "kbar"));
    fill(turned, 256, 372, 175, 214, 73.5, 73.5, 0);
    turned[21] = 116;
    e = describe(turned);
    assert_non_null(strstr(iw_elastic_doubt(&e), "order"));
    assert_ok(iw_elastic_describe(c, IW_ELASTIC_VASP, (double)NAN, (double)NAN, &e, &err), err);
    assert_non_null(strstr(iw_elastic_doubt(&e), "order"));
    assert_ok(iw_elastic_describe(turned, IW_ELASTIC_VASP, (double)NAN, (double)NAN, &e, &err),
              err);
    assert_null(iw_elastic_doubt(&e));
    e = describe(albite);
    assert_null(iw_elastic_doubt(&e));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cubic_crystals_follow_the_closed_forms),
        cmocka_unit_test(tensors_with_averages_by_other_programs_have_the_same),
        cmocka_unit_test(uniaxial_crystals_have_the_published_averages),
        cmocka_unit_test(crystals_of_low_symmetry_have_the_published_averages),
        cmocka_unit_test(an_isotropic_tensor_gives_its_own_moduli),
        cmocka_unit_test(no_average_depends_on_the_axes),
        cmocka_unit_test(triclinic_albite_follows_the_contractions),
        cmocka_unit_test(the_bulk_modulus_of_reuss_is_that_under_pressure),
        cmocka_unit_test(sound_and_debye_temperatures_are_near_the_measured_ones),
        cmocka_unit_test(hardness_is_that_of_the_two_models),
        cmocka_unit_test(the_order_of_vasp_is_taken_when_it_is_named),
        cmocka_unit_test(what_is_not_known_is_nan_and_the_rest_is_there),
        cmocka_unit_test(tensors_that_are_none_are_refused_with_the_number),
        cmocka_unit_test(what_looks_like_another_unit_or_order_is_doubted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
