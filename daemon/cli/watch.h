/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_WATCH_H
#define IW_CLI_WATCH_H
/*
 * watch.h - the parts of the terminal view: a list of runs, one run, and what is between them and
 * the daemon.
 *
 * The parts draw JSON on a screen and take keys; they know neither terminal nor daemon.
 */
#include "ask.h"
#include "chart.h"
#include "cli.h"

/* ---- all runs ---- */

enum { IW_WATCH_WORDS = 64 };

typedef struct {
    const json_t *run; /* borrowed from the listing */
    size_t place;      /* at the daemon */
    double number;     /* what it is sorted by */
    const char *text;
} iw_watch_row;

typedef struct {
    char filter[IW_WATCH_WORDS];
    bool typing; /* keys go to the filter */
    int order;   /* column by which rows are sorted, -1: as the daemon has them */
    bool reversed;
    char selected[IW_WATCH_WORDS]; /* id of the run under the cursor */
    size_t top;                    /* first row on the screen */
    int page;                      /* rows that fit, of the last drawing */
    iw_watch_row *rows;            /* [n_rows] chosen and sorted */
    size_t n_rows, capacity;
} iw_watch_list;

void iw_watch_list_init(iw_watch_list *self);
void iw_watch_list_fini(iw_watch_list *self);
/* Takes a listing, which must live until the next one.  NO_MEMORY. */
iw_status iw_watch_list_take(iw_watch_list *self, const json_t *runs, iw_error *err);
/* NULL: there is none. */
const json_t *iw_watch_list_selected(const iw_watch_list *self);
/* True where the key meant something here; the listing is then to be taken again. */
bool iw_watch_list_key(iw_watch_list *self, int key);
/* What rows are sorted by, "" as the daemon has them. */
const char *iw_watch_list_order(const iw_watch_list *self);
void iw_watch_list_draw(iw_watch_list *self, iw_screen *screen, iw_rect place);

/* ---- one run ---- */

typedef enum {
    IW_PANEL_MSD,
    IW_PANEL_D,
    IW_PANEL_VDOS,
    IW_PANEL_VACF,
    IW_PANEL_HEALTH,
    IW_PANEL_NUMBERS,
    IW_PANEL_EVENTS,
    IW_PANEL_COUNT
} iw_watch_panel;

typedef struct {
    iw_watch_panel panel;
    bool single;                /* one panel even where more have room */
    bool linear;                /* axes of the MSD */
    char group[IW_WATCH_WORDS]; /* whose curves; "": mobile, else all */
    int scroll, scroll_most;    /* lines of numbers and events above the screen */
    int page;
} iw_watch_run;

/* record: of show --series; row: of the listing, NULL where it is not known. */
bool iw_watch_run_key(iw_watch_run *self, int key, const json_t *record);
iw_status iw_watch_run_draw(iw_watch_run *self, iw_screen *screen, iw_rect place,
                            const json_t *record, const json_t *row, iw_error *err);
/* The group whose curves are shown. */
const char *iw_watch_run_group(const iw_watch_run *self, const json_t *record);

/* One plot of a record. */
iw_status iw_watch_chart(const iw_watch_run *view, iw_watch_panel panel, iw_screen *screen,
                         iw_rect place, const json_t *record, iw_error *err);

/* How bad a health state is. */
iw_style iw_watch_health_style(const char *state);

/* ---- both, on a terminal ---- */

/* Runs until the user leaves.  first: the daemon's first answer, the record of the run where one
 * was named, else a listing; consumed.  UNSUPPORTED, with nothing done and first kept: the terminal
 * cannot show it. */
iw_status iw_watch_view(const iw_settings *settings, iw_asker *asker, json_t **first,
                        iw_error *err);

#endif
