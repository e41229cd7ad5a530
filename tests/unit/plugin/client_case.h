/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLIENT_CASE_H
#define IW_CLIENT_CASE_H
/* client_case.h - what every test of the client begins with: a folder, a daemon that is told what
 * to do, short times, and a run of five atoms. */
#include "iw_test.h"

#include "client.h"
#include "fake_daemon.h"

enum { ATOMS = 5 };

static const char run_id[] = "7f3c1a52-90ab-4cde-8f01-23456789abcd";

extern char client_folder[64];
extern char client_endpoint[128];
extern fake_daemon daemon_;

int set_up(void **state);
int tear_down(void **state);
int count_spools(void); /* files in the folder */

/* Units that are easy to check: 2 A, 4 fs, 0.5 eV. */
void make_run(ionwatch_run *run);
ionwatch *open_handle(const ionwatch_run *run);
ionwatch_status send_step(ionwatch *w, int64_t step);
void send_steps(ionwatch *w, int64_t from, int64_t to);
/* The daemon has exactly the steps from..to, numbered without a hole from first_seq. */
void assert_steps(int64_t from, int64_t to, uint64_t first_seq);

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
