/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an authorised-keys file: what is accepted can be found, has a role and a name. */
#include "fuzz_target.h"
#include "intake/keys.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iw_keys keys = {0};
    iw_error err = {0};
    if (iw_keys_parse(&keys, "fuzz", (const char *)data, size, &err) != IW_OK)
        return 0;
    for (size_t i = 0; i < keys.n; i++) {
        const iw_authorised *entry = iw_keys_find(&keys, keys.items[i].key);
        if (entry != &keys.items[i] || entry->roles == 0 || entry->roles > 7 || !entry->name[0] ||
            strnlen(entry->name, IW_KEY_NAME) == IW_KEY_NAME)
            abort();
    }
    iw_keys_fini(&keys);
    return 0;
}
