/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

iw_reader *
iw_input_open(const iw_settings *settings, bool follow, iw_error *err)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.format = settings->format;
    options.dt_fs = settings->dt_fs;
    options.temperature_K = settings->temperature_K;
    options.units = settings->units;
    options.species = settings->species;
    options.charges = settings->charges;
    options.masses = settings->masses;
    options.name = settings->run ? settings->run : settings->name;
    options.follow = follow;
    return iw_reader_open(settings->operands, settings->n_operands, &options, err);
}

/* The words of a list "Li,Na" in *text, which is cut up; NULL at its end. */
static char *
next_word(char **text)
{
    char *word = strsep(text, ",");
    while (word && !*word) /* "Li,,Na" */
        word = strsep(text, ",");
    return word;
}

iw_status
iw_input_amend(const iw_settings *settings, iw_run_info *run, iw_error *err)
{
    return settings->material ? iw_run_info_set_metadata(run, "material", settings->material, err)
                              : IW_OK;
}

iw_status
iw_input_run(const iw_settings *settings, const iw_reader *reader, iw_run_info *run, iw_error *err)
{
    iw_run_info_init(run);
    iw_status status = iw_run_info_copy(run, iw_reader_run(reader), err);
    return status == IW_OK ? iw_input_amend(settings, run, err) : status;
}

static iw_status
split_mobile(const char *text, iw_mobile_list *mobile, iw_error *err)
{
    mobile->text = strdup(text);
    mobile->names = calloc(strlen(text) + 1, sizeof *mobile->names);
    if (!mobile->text || !mobile->names)
        return iw_fail(err, IW_NO_MEMORY, "no memory for --mobile");
    char *rest = mobile->text, *word;
    while ((word = next_word(&rest)) != NULL)
        mobile->names[mobile->n++] = word;
    return mobile->n ? IW_OK : iw_fail(err, IW_INVALID, "--mobile %s names no species", text);
}

static iw_drift
drift_of(const char *name)
{
    return strcmp(name, "framework") == 0 ? IW_DRIFT_FRAMEWORK
           : strcmp(name, "none") == 0    ? IW_DRIFT_NONE
                                          : IW_DRIFT_COM;
}

static iw_taper
taper_of(const char *name)
{
    return strcmp(name, "hann") == 0   ? IW_TAPER_HANN
           : strcmp(name, "none") == 0 ? IW_TAPER_NONE
                                       : IW_TAPER_PARZEN;
}

static void
set_number(double *to, double value)
{
    if (!isnan(value))
        *to = value;
}

iw_status
iw_input_engine(const iw_settings *settings, iw_engine_options *options, iw_mobile_list *mobile,
                iw_error *err)
{
    iw_engine_options_init(options);
    if (settings->drift)
        options->drift = drift_of(settings->drift);
    if (settings->taper)
        options->taper = taper_of(settings->taper);
    if (settings->msd_stride)
        options->msd_stride = (size_t)settings->msd_stride;
    if (settings->memory_mib)
        options->memory_mib = (size_t)settings->memory_mib;
    set_number(&options->vacf_window_ps, settings->vacf_window_ps);
    set_number(&options->cutoff_meV, settings->cutoff_meV);
    set_number(&options->paper_spacing_fs, settings->paper_spacing_fs);
    set_number(&options->temperature_K, settings->temperature_K);
    set_number(&options->diffusion.hop_length_A, settings->hop_length_A);
    set_number(&options->convergence.target, settings->target);
    set_number(&options->convergence.min_D_cm2_s, settings->min_D_cm2_s);
    set_number(&options->convergence.budget_ps, settings->budget_ps);
    iw_status status = IW_OK;
    if (settings->skip)
        status = iw_skip_parse(settings->skip, &options->skip, err);
    if (status != IW_OK || !settings->mobile)
        return status;
    status = split_mobile(settings->mobile, mobile, err);
    options->n_mobile = mobile->n;
    options->mobile = mobile->names;
    return status;
}

void
iw_mobile_list_fini(iw_mobile_list *mobile)
{
    free(mobile->names);
    free(mobile->text);
    *mobile = (iw_mobile_list){0};
}
