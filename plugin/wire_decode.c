/* SPDX-License-Identifier: BSD-3-Clause */
#include "cursor.h"
#include "wire_field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* HELLO's parts that are not in the table: borrowed, checked once all keys are read. */
typedef struct {
    iw_span name, code, code_version;
    uint64_t atoms;
    iw_cursor species, metadata; /* standing before the values; size 0 if absent */
    iw_span kind, mass, charge;
    double timestep_fs, temperature_K;
    int64_t stride;
    bool wrapped;
} hello_parts;

static bool
is_key(iw_span key, const char *name)
{
    return key.data && key.size == strlen(name) && memcmp(key.data, name, key.size) == 0;
}

/* nil stands for "not given" everywhere. */
static bool
skip_nil(iw_cursor *c)
{
    if (c->error.code != IW_OK || c->at >= c->size || c->data[c->at] != 0xc0)
        return false;
    c->at++;
    return true;
}

static void
read_words(iw_cursor *c, char *to, size_t room, bool cut, const char *key)
{
    size_t at = c->at;
    iw_span text = iw_cursor_text(c);
    size_t size = text.size;
    if (size >= room) {
        if (!cut) {
            c->at = at;
            iw_cursor_fail(c, "'%s' has %zu bytes, at most %zu are allowed", key, size, room - 1);
            return;
        }
        size = room - 1;
        while (size > 0 && !iw_utf8_valid(text.data, size))
            size--;
    }
    if (text.data)
        memcpy(to, text.data, size);
    to[size] = '\0';
}

static uint64_t
read_seq(iw_cursor *c)
{
    size_t at = c->at;
    uint64_t seq = iw_cursor_unsigned(c);
    if (seq <= IW_SEQ_MAX)
        return seq;
    c->at = at;
    iw_cursor_fail(c, "'seq' is %llu, beyond any run", (unsigned long long)seq);
    return 0;
}

static void
read_field(iw_cursor *c, iw_message *out, const iw_field *field)
{
    char *to = (char *)out + field->offset;
    size_t at = c->at;
    switch (field->kind) {
    case IW_FIELD_VERSION: /* read in the first pass */
        iw_cursor_skip(c);
        break;
    case IW_FIELD_ID:
        read_words(c, to, field->room, false, field->key);
        if (c->error.code == IW_OK && !iw_uuid_valid(to)) {
            c->at = at;
            iw_cursor_fail(c, "'%s' is not a UUID in lower case", field->key);
        }
        break;
    case IW_FIELD_TEXT:
        read_words(c, to, field->room, true, field->key);
        break;
    case IW_FIELD_WORD:
        read_words(c, to, field->room, false, field->key);
        break;
    case IW_FIELD_SEQ:
        out->seq = read_seq(c);
        break;
    case IW_FIELD_INTEGER:
        out->stride = iw_cursor_integer(c);
        if (out->stride < 0) {
            c->at = at;
            iw_cursor_fail(c, "'%s' is negative", field->key);
        }
        break;
    case IW_FIELD_BOOLEAN: {
        bool value = iw_cursor_boolean(c);
        memcpy(to, &value, sizeof value);
        break;
    }
    case IW_FIELD_STATUS: {
        uint64_t value = iw_cursor_unsigned(c);
        /* A status that a later version invented is a refusal like any other. */
        out->status = value <= IONWATCH_TIMEOUT ? (iw_status)value : IW_REFUSED;
        break;
    }
    case IW_FIELD_JSON: {
        iw_span json = iw_cursor_raw_text(c);
        out->json = json.data;
        out->json_size = json.size;
        break;
    }
    }
}

/* Marks the field as seen in *seen (one bit per row); false when the table has no such key. */
static bool
read_table_field(iw_cursor *c, iw_message *out, iw_span key, uint32_t *seen)
{
    for (size_t i = 0; i < iw_wire_n_fields; i++) {
        const iw_field *field = &iw_wire_fields[i];
        if (field->type == out->type && is_key(key, field->key)) {
            *seen |= (uint32_t)1 << i;
            read_field(c, out, field);
            return true;
        }
    }
    return false;
}

static double
read_positive(iw_cursor *c, const char *key)
{
    size_t at = c->at;
    double value = iw_cursor_number(c);
    if (c->error.code == IW_OK && value < 0.0) {
        c->at = at;
        iw_cursor_fail(c, "'%s' is %g, below zero", key, value);
    }
    return value;
}

static iw_cursor
remember(iw_cursor *c)
{
    iw_cursor here = *c;
    iw_cursor_skip(c);
    return here;
}

static bool
read_hello_field(iw_cursor *c, hello_parts *p, iw_span key)
{
    if (is_key(key, "name"))
        p->name = iw_cursor_text(c);
    else if (is_key(key, "code"))
        p->code = iw_cursor_text(c);
    else if (is_key(key, "code_version"))
        p->code_version = iw_cursor_text(c);
    else if (is_key(key, "atoms"))
        p->atoms = iw_cursor_unsigned(c);
    else if (is_key(key, "species"))
        p->species = remember(c);
    else if (is_key(key, "kind"))
        p->kind = iw_cursor_bytes(c);
    else if (is_key(key, "mass_amu"))
        p->mass = iw_cursor_bytes(c);
    else if (is_key(key, "charge_e"))
        p->charge = iw_cursor_bytes(c);
    else if (is_key(key, "timestep_fs"))
        p->timestep_fs = read_positive(c, "timestep_fs");
    else if (is_key(key, "temperature_K"))
        p->temperature_K = read_positive(c, "temperature_K");
    else if (is_key(key, "stride"))
        p->stride = iw_cursor_integer(c);
    else if (is_key(key, "wrapped"))
        p->wrapped = iw_cursor_boolean(c);
    else if (is_key(key, "metadata"))
        p->metadata = remember(c);
    else
        return false;
    return true;
}

static void
read_cell(iw_cursor *c, iw_frame_view *f)
{
    size_t at = c->at;
    iw_span cell = iw_cursor_bytes(c);
    if (!cell.data)
        return;
    if (cell.size != sizeof f->cell_A) {
        c->at = at;
        iw_cursor_fail(c, "'cell_A' has %zu bytes, not 72", cell.size);
        return;
    }
    memcpy(f->cell_A, cell.data, sizeof f->cell_A);
    f->has_cell = true;
}

static int64_t
read_step(iw_cursor *c)
{
    size_t at = c->at;
    int64_t step = iw_cursor_integer(c);
    if (step >= -IW_STEP_MAX && step <= IW_STEP_MAX)
        return step;
    c->at = at;
    iw_cursor_fail(c, "'step' is %lld, beyond any run", (long long)step);
    return 0;
}

/* The frame's arrays, in the order pos f32, pos f64, vel f32, vel f64. */
static const char *const array_keys[] = {"pos_A_f32", "pos_A_f64", "vel_A_fs_f32", "vel_A_fs_f64"};

static bool
read_frame_field(iw_cursor *c, iw_frame_view *f, iw_span *arrays, iw_span key)
{
    for (size_t i = 0; i < 4; i++) {
        if (is_key(key, array_keys[i])) {
            arrays[i] = iw_cursor_bytes(c);
            return true;
        }
    }
    if (is_key(key, "seq"))
        f->seq = read_seq(c);
    else if (is_key(key, "step"))
        f->step = read_step(c);
    else if (is_key(key, "time_fs"))
        f->time_fs = iw_cursor_number(c);
    else if (is_key(key, "atoms"))
        f->n_atoms = (size_t)iw_cursor_unsigned(c);
    else if (is_key(key, "cell_A"))
        read_cell(c, f);
    else if (is_key(key, "potential_energy_eV"))
        f->potential_energy_eV = iw_cursor_number(c);
    else if (is_key(key, "kinetic_energy_eV"))
        f->kinetic_energy_eV = iw_cursor_number(c);
    else if (is_key(key, "temperature_K"))
        f->temperature_K = iw_cursor_number(c);
    else
        return false;
    return true;
}

static iw_status
take_array(const iw_frame_view *f, const iw_span *arrays, size_t first, const void **data,
           bool *is_f32, iw_error *err)
{
    for (size_t i = first; i < first + 2; i++) {
        if (!arrays[i].data)
            continue;
        size_t width = i == first ? sizeof(float) : sizeof(double);
        if (arrays[i].size / (3 * width) != f->n_atoms || arrays[i].size % (3 * width) != 0)
            return iw_fail(err, IW_PROTOCOL,
                           "FRAME %llu: '%s' has %zu bytes, which is not 3 x %zu x %zu atoms",
                           (unsigned long long)f->seq, array_keys[i], arrays[i].size, width,
                           f->n_atoms);
        if (*data)
            return iw_fail(err, IW_PROTOCOL, "FRAME %llu holds both '%s' and '%s'",
                           (unsigned long long)f->seq, array_keys[first], array_keys[first + 1]);
        *data = arrays[i].data;
        *is_f32 = i == first;
    }
    return IW_OK;
}

static iw_status
finish_frame(iw_frame_view *f, const iw_span *arrays, iw_error *err)
{
    if (f->seq == 0)
        return iw_fail(err, IW_PROTOCOL, "FRAME has no 'seq', or 0");
    if (f->n_atoms == 0)
        return iw_fail(err, IW_PROTOCOL, "FRAME %llu has no 'atoms', or 0",
                       (unsigned long long)f->seq);
    iw_status status = take_array(f, arrays, 0, &f->pos, &f->pos_is_f32, err);
    if (status == IW_OK)
        status = take_array(f, arrays, 2, &f->vel, &f->vel_is_f32, err);
    if (status == IW_OK && !f->pos)
        return iw_fail(err, IW_PROTOCOL, "FRAME %llu has no positions", (unsigned long long)f->seq);
    f->has_velocities = f->vel != NULL;
    return status;
}

static iw_status
copy_span(char **to, iw_span from, iw_error *err)
{
    *to = malloc(from.size + 1);
    if (!*to)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu bytes of text", from.size);
    if (from.data)
        memcpy(*to, from.data, from.size);
    (*to)[from.size] = '\0';
    return IW_OK;
}

static iw_status
take_species(iw_run_info *run, iw_cursor *c, iw_error *err)
{
    size_t n = iw_cursor_array(c);
    if (c->error.code == IW_OK && (n == 0 || n > IW_MAX_SPECIES))
        return iw_fail(err, IW_PROTOCOL, "HELLO names %zu species, 1 to %d are possible", n,
                       IW_MAX_SPECIES);
    run->species = calloc(IW_MAX_SPECIES, sizeof *run->species);
    if (!run->species)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", n);
    for (size_t i = 0; i < n && c->error.code == IW_OK; i++) {
        read_words(c, run->species[i], sizeof *run->species, false, "species");
        if (c->error.code == IW_OK && run->species[i][0] == '\0')
            iw_cursor_fail(c, "species %zu has no name", i);
        if (c->error.code == IW_OK && !iw_utf8_printable(run->species[i]))
            iw_cursor_fail(c, "the name of species %zu has control characters", i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(run->species[i], run->species[k]) == 0)
                iw_cursor_fail(c, "species '%s' is there twice", run->species[i]);
    }
    run->n_species = n;
    if (c->error.code != IW_OK && err)
        *err = c->error;
    return c->error.code;
}

static iw_status
take_numbers(double **to, iw_span from, size_t n, const char *key, double above, iw_error *err)
{
    if (from.size / sizeof(double) != n || from.size % sizeof(double) != 0)
        return iw_fail(err, IW_PROTOCOL, "HELLO: '%s' has %zu bytes, not 8 x %zu atoms", key,
                       from.size, n);
    *to = malloc(from.size);
    if (!*to)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", n);
    memcpy(*to, from.data, from.size);
    for (size_t i = 0; i < n; i++)
        if (!isfinite((*to)[i]) || (*to)[i] <= above)
            return iw_fail(err, IW_PROTOCOL, "HELLO: '%s' of atom %zu is %g", key, i, (*to)[i]);
    return IW_OK;
}

static iw_status
take_kinds(iw_run_info *run, iw_span kind, iw_error *err)
{
    size_t n = run->n_atoms;
    if (kind.size / sizeof *run->kind != n || kind.size % sizeof *run->kind != 0)
        return iw_fail(err, IW_PROTOCOL, "HELLO: 'kind' has %zu bytes, not 2 x %zu atoms",
                       kind.size, n);
    run->kind = malloc(kind.size);
    if (!run->kind)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", n);
    memcpy(run->kind, kind.data, kind.size);
    for (size_t i = 0; i < n; i++)
        if (run->kind[i] >= run->n_species)
            return iw_fail(err, IW_PROTOCOL, "HELLO: atom %zu is of kind %u, of %zu species", i,
                           run->kind[i], run->n_species);
    return IW_OK;
}

static iw_status
take_metadata(iw_run_info *run, iw_cursor *c, iw_error *err)
{
    iw_status status = IW_OK;
    size_t n = c->size ? iw_cursor_map(c) : 0;
    if (n > IW_MAX_METADATA)
        return iw_fail(err, IW_PROTOCOL, "HELLO has %zu pairs of metadata, at most %d are possible",
                       n, IW_MAX_METADATA);
    for (size_t i = 0; i < n && status == IW_OK && c->error.code == IW_OK; i++) {
        char *key = NULL;
        char *value = NULL;
        iw_span name = iw_cursor_text(c);
        iw_span text = iw_cursor_text(c);
        status = copy_span(&key, name, err);
        if (status == IW_OK)
            status = copy_span(&value, text, err);
        if (status == IW_OK && c->error.code == IW_OK)
            status = iw_run_info_set_metadata(run, key, value, err);
        free(key);
        free(value);
    }
    if (status == IW_OK && c->error.code != IW_OK) {
        if (err)
            *err = c->error;
        status = c->error.code;
    }
    return status;
}

static iw_status
fill_run(iw_run_info *run, hello_parts *p, const char *id, iw_error *err)
{
    iw_run_info_fini(run);
    iw_run_info_init(run);
    memcpy(run->id, id, sizeof run->id);
    run->n_atoms = (size_t)p->atoms;
    run->timestep_fs = p->timestep_fs;
    run->temperature_K = p->temperature_K;
    run->stride = p->stride;
    run->wrapped = p->wrapped;
    iw_status status = take_species(run, &p->species, err);
    if (status == IW_OK)
        status = take_kinds(run, p->kind, err);
    if (status == IW_OK)
        status = take_numbers(&run->mass_amu, p->mass, run->n_atoms, "mass_amu", 0.0, err);
    if (status == IW_OK && p->charge.data)
        status = take_numbers(&run->charge_e, p->charge, run->n_atoms, "charge_e",
                              -(double)INFINITY, err);
    if (status == IW_OK)
        status = copy_span(&run->name, p->name, err);
    if (status == IW_OK)
        status = copy_span(&run->code, p->code, err);
    if (status == IW_OK)
        status = copy_span(&run->code_version, p->code_version, err);
    if (status == IW_OK)
        status = take_metadata(run, &p->metadata, err);
    if (status != IW_OK)
        iw_run_info_fini(run);
    return status;
}

static iw_status
finish_hello(iw_message *out, hello_parts *p, iw_error *err)
{
    if (p->atoms == 0)
        return iw_fail(err, IW_PROTOCOL, "HELLO has no 'atoms', or 0");
    if (!p->species.size || !p->kind.data || !p->mass.data)
        return iw_fail(err, IW_PROTOCOL, "HELLO lacks 'species', 'kind' or 'mass_amu'");
    if (p->stride < 1)
        return iw_fail(err, IW_PROTOCOL, "HELLO: 'stride' is %lld, below 1", (long long)p->stride);
    if (!out->run)
        return IW_OK;
    return fill_run(out->run, p, out->run_id, err);
}

/* First pass: only "type" and "version", wherever they stand and whatever the rest looks like. */
static void
read_head(iw_cursor *c, uint64_t *type, int64_t *version)
{
    size_t pairs = iw_cursor_map(c);
    for (size_t i = 0; i < pairs && c->error.code == IW_OK; i++) {
        iw_span key = iw_cursor_text(c);
        if (is_key(key, "type"))
            *type = iw_cursor_unsigned(c);
        else if (is_key(key, "version"))
            *version = iw_cursor_integer(c);
        else
            iw_cursor_skip(c);
    }
    if (c->error.code == IW_OK && c->at != c->size)
        iw_cursor_fail(c, "%zu bytes follow the message", c->size - c->at);
}

static iw_status
check_required(const iw_message *out, uint32_t seen, iw_error *err)
{
    for (size_t i = 0; i < iw_wire_n_fields; i++) {
        const iw_field *field = &iw_wire_fields[i];
        if (field->type == out->type && field->required && !(seen & (uint32_t)1 << i))
            return iw_fail(err, IW_PROTOCOL, "%s has no '%s'", iw_msg_type_name(out->type),
                           field->key);
    }
    return IW_OK;
}

static iw_status
decode_body(iw_cursor *c, iw_message *out, iw_error *err)
{
    hello_parts hello = {.timestep_fs = (double)NAN, .temperature_K = (double)NAN, .stride = 1};
    iw_span arrays[4] = {{NULL, 0}};
    uint32_t seen = 0;
    size_t pairs = iw_cursor_map(c);
    for (size_t i = 0; i < pairs && c->error.code == IW_OK; i++) {
        iw_span key = iw_cursor_text(c);
        if (skip_nil(c) || read_table_field(c, out, key, &seen))
            continue;
        if (out->type == IW_MSG_HELLO && read_hello_field(c, &hello, key))
            continue;
        if (out->type == IW_MSG_FRAME && read_frame_field(c, &out->frame, arrays, key))
            continue;
        iw_cursor_skip(c);
    }
    if (c->error.code != IW_OK) {
        if (err)
            *err = c->error;
        (void)iw_prefix(err, "%s", iw_msg_type_name(out->type));
        return IW_PROTOCOL;
    }
    iw_status status = check_required(out, seen, err);
    if (status == IW_OK && out->type == IW_MSG_HELLO)
        status = finish_hello(out, &hello, err);
    if (status == IW_OK && out->type == IW_MSG_FRAME)
        status = finish_frame(&out->frame, arrays, err);
    return status;
}

iw_status
iw_wire_decode(const void *data, size_t size, iw_message *out, iw_error *err)
{
    iw_run_info *run = out->run;
    uint64_t type = 0;
    int64_t version = 0;
    iw_cursor c;
    iw_message_init(out, IW_MSG_HELLO);
    out->run = run;

    iw_cursor_init(&c, data, size);
    read_head(&c, &type, &version);
    if (c.error.code != IW_OK) {
        if (err)
            *err = c.error;
        return IW_PROTOCOL;
    }
    if (!iw_msg_type_name(type))
        return iw_fail(err, IW_PROTOCOL, "%llu is not a message type", (unsigned long long)type);
    out->type = (iw_msg_type)type;
    out->version = version >= 0 && version <= INT32_MAX ? (int)version : 0;
    bool versioned = type == IW_MSG_HELLO || type == IW_MSG_WELCOME || type == IW_MSG_ASK;
    if (versioned && version != IW_PROTOCOL_VERSION)
        return iw_fail(err, IW_UNSUPPORTED, "%s speaks protocol version %lld, this is version %d",
                       iw_msg_type_name(type), (long long)version, IW_PROTOCOL_VERSION);
    iw_cursor_init(&c, data, size);
    return decode_body(&c, out, err);
}
