/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/program.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *text;
    size_t size;
} target;

static size_t
padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

/* Adds the build id if it is among the notes. */
static void
read_notes(const unsigned char *at, size_t size, const target *to)
{
    ElfW(Nhdr) note;
    while (size >= sizeof note) {
        memcpy(&note, at, sizeof note);
        size_t name = padded(note.n_namesz), id = padded(note.n_descsz);
        if (name + id > size - sizeof note)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof ELF_NOTE_GNU &&
            memcmp(at + sizeof note, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0) {
            size_t used = strlen(to->text);
            for (size_t i = 0; i < note.n_descsz && used + 4 < to->size; i++)
                used += (size_t)snprintf(to->text + used, to->size - used, "%s%02x", i ? "" : " ",
                                         at[sizeof note + name + i]);
            return;
        }
        at += sizeof note + name + id;
        size -= sizeof note + name + id;
    }
}

static int
read_object(struct dl_phdr_info *info, size_t size, void *to)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        /* The loader gives addresses as numbers. */
        if (part->p_type == PT_NOTE)
            read_notes((const unsigned char *)(info->dlpi_addr + part->p_vaddr), part->p_memsz, to);
    }
    return 1; /* the program comes first: no library is asked */
}

void
iw_program_name(char *text, size_t size)
{
    target to = {text, size};
    (void)snprintf(text, size, "%s", IONWATCH_VERSION);
    (void)dl_iterate_phdr(read_object, &to);
}
