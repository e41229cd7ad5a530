/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_field.h"

#include "copy.h"
#include "cursor.h"

#include <math.h>
#include <msgpack/pack.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "arrays travel as they lie in memory, which is little-endian on the wire"
#endif

void
iw_message_init(iw_message *message, iw_msg_type type)
{
    memset(message, 0, sizeof *message);
    message->type = type;
    message->version = IW_PROTOCOL_VERSION;
    message->frame.potential_energy_eV = (double)NAN;
    message->frame.kinetic_energy_eV = (double)NAN;
    message->frame.temperature_K = (double)NAN;
}

/* What the packer writes to; the first failure stays. */
typedef struct {
    iw_buffer *out;
    iw_error *err;
    iw_status status;
    msgpack_packer packer;
} writer;

static int
put_raw(void *data, const char *bytes, size_t size)
{
    writer *w = data;
    if (w->status == IW_OK)
        w->status = iw_buffer_append(w->out, bytes, size, w->err);
    return w->status == IW_OK ? 0 : -1;
}

/* Bytes that are not UTF-8 (a name in another encoding, a text cut inside a character) travel as
 * question marks: the other side refuses such text. */
static void
put_text(writer *w, const char *text)
{
    size_t size = strlen(text);
    msgpack_pack_str(&w->packer, size);
    if (iw_utf8_valid(text, size)) {
        msgpack_pack_str_body(&w->packer, text, size);
        return;
    }
    size_t at = 0;
    while (at < size) {
        size_t step = iw_utf8_sequence(text + at, size - at);
        if (step > 0)
            put_raw(w, text + at, step);
        else
            put_raw(w, "?", 1);
        at += step > 0 ? step : 1;
    }
}

/* One of our own keys: known to be short and ASCII. */
static void
put_key(writer *w, const char *key)
{
    size_t size = strlen(key);
    msgpack_pack_str(&w->packer, size);
    msgpack_pack_str_body(&w->packer, key, size);
}

static void
put_bytes(writer *w, const char *key, const void *data, size_t size)
{
    put_key(w, key);
    msgpack_pack_bin(&w->packer, size);
    msgpack_pack_bin_body(&w->packer, data, size);
}

static void
put_number(writer *w, const char *key, double value)
{
    put_key(w, key);
    msgpack_pack_double(&w->packer, value);
}

static void
put_integer(writer *w, const char *key, int64_t value)
{
    put_key(w, key);
    msgpack_pack_int64(&w->packer, value);
}

static void
put_head(writer *w, size_t pairs, iw_msg_type type)
{
    msgpack_pack_map(&w->packer, pairs);
    put_integer(w, "type", (int64_t)type);
}

static bool
field_is_set(const iw_message *m, const iw_field *field)
{
    const char *at = (const char *)m + field->offset;
    uint64_t seq;
    switch (field->kind) {
    case IW_FIELD_ID:
    case IW_FIELD_TEXT:
    case IW_FIELD_WORD:
        return *at != '\0';
    case IW_FIELD_INTEGER:
        memcpy(&seq, at, sizeof seq);
        return seq != 0;
    case IW_FIELD_BOOLEAN:
        return *at != 0;
    case IW_FIELD_JSON:
        return m->json != NULL;
    case IW_FIELD_VERSION:
    case IW_FIELD_SEQ:
    case IW_FIELD_STATUS:
        break;
    }
    return true;
}

static void
put_field(writer *w, const iw_message *m, const iw_field *field)
{
    const char *at = (const char *)m + field->offset;
    put_text(w, field->key);
    switch (field->kind) {
    case IW_FIELD_VERSION:
        msgpack_pack_int(&w->packer, m->version);
        break;
    case IW_FIELD_ID:
    case IW_FIELD_TEXT:
    case IW_FIELD_WORD:
        put_text(w, at);
        break;
    case IW_FIELD_SEQ:
        msgpack_pack_uint64(&w->packer, m->seq);
        break;
    case IW_FIELD_INTEGER:
        msgpack_pack_int64(&w->packer, m->stride);
        break;
    case IW_FIELD_BOOLEAN:
        if (*at)
            msgpack_pack_true(&w->packer);
        else
            msgpack_pack_false(&w->packer);
        break;
    case IW_FIELD_STATUS:
        msgpack_pack_int(&w->packer, (int)m->status);
        break;
    case IW_FIELD_JSON:
        msgpack_pack_str(&w->packer, m->json_size);
        msgpack_pack_str_body(&w->packer, m->json, m->json_size);
        break;
    }
}

/* The fields that the table holds; *count is their number, nothing is written when w is NULL. */
static iw_status
put_fields(writer *w, const iw_message *m, size_t *count, iw_error *err)
{
    *count = 0;
    for (size_t i = 0; i < iw_wire_n_fields; i++) {
        const iw_field *field = &iw_wire_fields[i];
        if (field->type != m->type)
            continue;
        if (!field_is_set(m, field)) {
            if (field->required)
                return iw_fail(err, IW_INVALID, "%s lacks '%s'", iw_msg_type_name(m->type),
                               field->key);
            continue;
        }
        if (field->kind == IW_FIELD_ID && !iw_uuid_valid((const char *)m + field->offset))
            return iw_fail(err, IW_INVALID, "%s: '%s' is not a UUID", iw_msg_type_name(m->type),
                           field->key);
        ++*count;
        if (w)
            put_field(w, m, field);
    }
    return IW_OK;
}

static void
put_optional_text(writer *w, const char *key, const char *text)
{
    put_text(w, key);
    put_text(w, text ? text : "");
}

static iw_status
put_run(writer *w, const iw_message *m, size_t fields, iw_error *err)
{
    const iw_run_info *run = m->run;
    if (!run || run->n_atoms == 0 || !run->species || !run->kind || !run->mass_amu)
        return iw_fail(err, IW_INVALID, "HELLO lacks the run, its atoms, species or masses");
    bool has_timestep = isfinite(run->timestep_fs);
    bool has_temperature = isfinite(run->temperature_K);
    size_t n = run->n_atoms;
    size_t pairs = 1 + fields + 10 + (run->charge_e ? 1 : 0) + (has_timestep ? 1 : 0) +
                   (has_temperature ? 1 : 0);
    put_head(w, pairs, m->type);
    iw_status status = put_fields(w, m, &fields, err);
    put_optional_text(w, "name", run->name);
    put_optional_text(w, "code", run->code);
    put_optional_text(w, "code_version", run->code_version);
    put_integer(w, "atoms", (int64_t)n);
    put_text(w, "species");
    msgpack_pack_array(&w->packer, run->n_species);
    for (size_t i = 0; i < run->n_species; i++)
        put_text(w, run->species[i]);
    put_bytes(w, "kind", run->kind, n * sizeof *run->kind);
    put_bytes(w, "mass_amu", run->mass_amu, n * sizeof *run->mass_amu);
    if (run->charge_e)
        put_bytes(w, "charge_e", run->charge_e, n * sizeof *run->charge_e);
    if (has_timestep)
        put_number(w, "timestep_fs", run->timestep_fs);
    if (has_temperature)
        put_number(w, "temperature_K", run->temperature_K);
    put_integer(w, "stride", run->stride);
    put_text(w, "wrapped");
    if (run->wrapped)
        msgpack_pack_true(&w->packer);
    else
        msgpack_pack_false(&w->packer);
    put_text(w, "metadata");
    msgpack_pack_map(&w->packer, run->n_metadata);
    for (size_t i = 0; i < 2 * run->n_metadata; i++)
        put_text(w, run->metadata[i]);
    return status;
}

/* "seq" stands second, in the longest form, so that iw_wire_set_seq() finds it at one place. */
enum { SEQ_AT = 12 };

/* An array of n values, each multiplied by the factor as it is copied; *finite turns false when one
 * of them does not come out finite. */
static void
put_array(writer *w, const char *key, const void *from, bool is_f32, size_t n, double factor,
          bool *finite)
{
    size_t size = n * (is_f32 ? sizeof(float) : sizeof(double));
    put_key(w, key);
    msgpack_pack_bin(&w->packer, size);
    if (w->status == IW_OK)
        w->status = iw_buffer_reserve(w->out, w->out->size + size, w->err);
    if (w->status != IW_OK)
        return;
    unsigned char *to = w->out->data + w->out->size;
    bool good =
        is_f32 ? iw_copy_scaled_f32(to, from, n, factor) : iw_copy_scaled_f64(to, from, n, factor);
    *finite = *finite && good;
    w->out->size += size;
}

static iw_status
put_frame(writer *w, const iw_frame_view *f, double pos_factor, double vel_factor, bool *finite,
          iw_error *err)
{
    if (f->n_atoms == 0 || !f->pos || (f->has_velocities && !f->vel))
        return iw_fail(err, IW_INVALID, "FRAME %llu lacks atoms, positions or velocities",
                       (unsigned long long)f->seq);
    size_t n = 3 * f->n_atoms;
    size_t size = n * (f->pos_is_f32 ? sizeof(float) : sizeof(double));
    if (f->has_velocities)
        size += n * (f->vel_is_f32 ? sizeof(float) : sizeof(double));
    iw_status status = iw_buffer_reserve(w->out, w->out->size + size + 512, err);
    if (status != IW_OK)
        return status;

    bool has_potential = isfinite(f->potential_energy_eV);
    bool has_kinetic = isfinite(f->kinetic_energy_eV);
    bool has_temperature = isfinite(f->temperature_K);
    put_head(w,
             6 + (size_t)f->has_cell + (size_t)f->has_velocities + (size_t)has_potential +
                 (size_t)has_kinetic + (size_t)has_temperature,
             IW_MSG_FRAME);
    put_key(w, "seq");
    msgpack_pack_fix_uint64(&w->packer, f->seq);
    put_integer(w, "step", f->step);
    put_number(w, "time_fs", f->time_fs);
    put_integer(w, "atoms", (int64_t)f->n_atoms);
    if (f->has_cell)
        put_bytes(w, "cell_A", f->cell_A, sizeof f->cell_A);
    put_array(w, f->pos_is_f32 ? "pos_A_f32" : "pos_A_f64", f->pos, f->pos_is_f32, n, pos_factor,
              finite);
    if (f->has_velocities)
        put_array(w, f->vel_is_f32 ? "vel_A_fs_f32" : "vel_A_fs_f64", f->vel, f->vel_is_f32, n,
                  vel_factor, finite);
    if (has_potential)
        put_number(w, "potential_energy_eV", f->potential_energy_eV);
    if (has_kinetic)
        put_number(w, "kinetic_energy_eV", f->kinetic_energy_eV);
    if (has_temperature)
        put_number(w, "temperature_K", f->temperature_K);
    return IW_OK;
}

iw_status
iw_wire_encode_frame(const iw_frame_view *frame, double pos_factor, double vel_factor,
                     iw_buffer *out, bool *finite, iw_error *err)
{
    size_t start = out->size;
    writer w = {.out = out, .err = err, .status = IW_OK};
    msgpack_packer_init(&w.packer, &w, put_raw);
    *finite = true;
    iw_status status = put_frame(&w, frame, pos_factor, vel_factor, finite, err);
    if (status == IW_OK)
        status = w.status;
    if (status != IW_OK)
        out->size = start;
    return status;
}

iw_status
iw_wire_encode(const iw_message *message, iw_buffer *out, iw_error *err)
{
    size_t start = out->size;
    size_t fields = 0;
    writer w = {.out = out, .err = err, .status = IW_OK};
    msgpack_packer_init(&w.packer, &w, put_raw);

    if (!iw_msg_type_name(message->type))
        return iw_fail(err, IW_INVALID, "%d is not a message type", (int)message->type);
    if (message->type == IW_MSG_FRAME) {
        bool any; /* the other side refuses what is not finite */
        return iw_wire_encode_frame(&message->frame, 1.0, 1.0, out, &any, err);
    }
    iw_status status = put_fields(NULL, message, &fields, err);
    if (status == IW_OK && message->type == IW_MSG_HELLO) {
        status = put_run(&w, message, fields, err);
    } else if (status == IW_OK) {
        put_head(&w, 1 + fields, message->type);
        status = put_fields(&w, message, &fields, err);
    }
    if (status == IW_OK)
        status = w.status;
    if (status != IW_OK)
        out->size = start;
    return status;
}

iw_status
iw_wire_set_seq(void *frame, size_t size, uint64_t seq, iw_error *err)
{
    static const unsigned char expected[] = {0xa4, 't', 'y', 'p', 'e', IW_MSG_FRAME,
                                             0xa3, 's', 'e', 'q', 0xcf};
    unsigned char *bytes = frame;
    if (size < SEQ_AT + 8 || memcmp(bytes + 1, expected, sizeof expected) != 0)
        return iw_fail(err, IW_PROTOCOL, "%zu bytes are not a FRAME with its number in front",
                       size);
    for (int i = 0; i < 8; i++)
        bytes[SEQ_AT + i] = (unsigned char)(seq >> (56 - 8 * i));
    return IW_OK;
}
