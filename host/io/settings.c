#include "io/settings.h"

#include <stdio.h>
#include <string.h>

static const char device_key[] = "device", devices_key[] = "devices";

static json_t *without_devices(const json_t *settings) {
    json_t *rest = json_copy((json_t *)settings);
    json_object_del(rest, device_key);
    json_object_del(rest, devices_key);
    return rest;
}

/* All devices that `then` was made on; a new list. */
static json_t *devices_of(const json_t *then) {
    const json_t *list = json_object_get(then, devices_key);
    return json_is_array(list) ? json_copy((json_t *)list)
                               : json_pack("[O]", json_object_get(then, device_key));
}

static bool contains(const json_t *list, const json_t *value) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value)) return true;
    return false;
}

static bool merge_devices(const json_t *then, json_t *now, bool any, char *text) {
    json_t *first = json_object_get(then, device_key), *own = json_object_get(now, device_key);
    if (!json_is_string(first) || !json_is_string(own)) return !settings_differ(first, own, text);
    json_t *devices = devices_of(then);
    const bool known = contains(devices, own), ok = known || any;
    if (ok) {
        if (!known) json_array_append(devices, own);
        json_object_set(now, device_key, first);
        if (json_array_size(devices) > 1) json_object_set(now, devices_key, devices);
    } else {
        snprintf(text, SETTINGS_DIFFERENCE, "device: %.80s then, %.80s now; --any-device goes on",
                 json_string_value(first), json_string_value(own));
    }
    json_decref(devices);
    return ok;
}

bool settings_continue(const json_t *then, json_t *now, bool any_device,
                       char text[SETTINGS_DIFFERENCE]) {
    json_t *was = without_devices(then), *is = without_devices(now);
    const bool same = !settings_differ(was, is, text);
    json_decref(was);
    json_decref(is);
    return same && merge_devices(then, now, any_device, text);
}
