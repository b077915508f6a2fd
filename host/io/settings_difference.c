#include "io/settings_difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a key with those of the objects around it, and of a value. */
enum { PATH = 100, VALUE = 90 };

static bool values_differ(const json_t *then, const json_t *now, const char *path, char *text);

/* A number with so few digits that people read it; with all of them where fewer do not tell. */
static void show_numbers(const json_t *then, const json_t *now, char was[VALUE], char is[VALUE]) {
    const double a = json_number_value(then), b = json_number_value(now);
    snprintf(was, VALUE, "%g", a);
    snprintf(is, VALUE, "%g", b);
    if (strcmp(was, is) != 0) return;
    snprintf(was, VALUE, "%.17g", a);
    snprintf(is, VALUE, "%.17g", b);
}

static void show(const json_t *value, char text[VALUE]) {
    char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const bool fits = json == NULL || strlen(json) < VALUE;
    if (value == NULL)
        snprintf(text, VALUE, "nothing");
    else
        snprintf(text, VALUE, "%.*s%s", fits ? VALUE - 1 : VALUE - 4, json != NULL ? json : "?",
                 fits ? "" : "...");
    free(json);
}

static bool tell(const char *path, const char *was, const char *is, char *text) {
    snprintf(text, SETTINGS_DIFFERENCE, "%s%s%s then, %s now", path, *path != '\0' ? ": " : "", was,
             is);
    return true;
}

static bool lists_differ(const json_t *then, const json_t *now, const char *path, char *text) {
    const size_t was = json_array_size(then), is = json_array_size(now);
    if (was != is) {
        char values[VALUE], count[VALUE];
        snprintf(values, sizeof values, "%zu values", was);
        snprintf(count, sizeof count, "%zu", is);
        return tell(path, values, count, text);
    }
    for (size_t i = 0; i < was; i++) {
        char entry[PATH];
        snprintf(entry, sizeof entry, "%.70s[%zu]", path, i);
        if (values_differ(json_array_get(then, i), json_array_get(now, i), entry, text)) return true;
    }
    return false;
}

static bool objects_differ(const json_t *then, const json_t *now, const char *path, char *text) {
    const char *key;
    json_t *value;
    char inner[PATH];
    json_object_foreach((json_t *)now, key, value) {
        snprintf(inner, sizeof inner, "%.45s%s%.45s", path, *path != '\0' ? "." : "", key);
        if (values_differ(json_object_get(then, key), value, inner, text)) return true;
    }
    json_object_foreach((json_t *)then, key, value) {
        if (json_object_get(now, key) != NULL) continue;
        snprintf(inner, sizeof inner, "%.45s%s%.45s", path, *path != '\0' ? "." : "", key);
        return values_differ(value, NULL, inner, text);
    }
    return false;
}

static bool values_differ(const json_t *then, const json_t *now, const char *path, char *text) {
    char was[VALUE], is[VALUE];
    if (json_is_object(then) && json_is_object(now)) return objects_differ(then, now, path, text);
    if (json_is_array(then) && json_is_array(now)) return lists_differ(then, now, path, text);
    if (json_is_number(then) && json_is_number(now)) {
        if (json_number_value(then) == json_number_value(now)) return false;
        show_numbers(then, now, was, is);
    } else {
        if (then == now || json_equal(then, now)) return false;
        show(then, was);
        show(now, is);
    }
    return tell(path, was, is, text);
}

bool settings_differ(const json_t *then, const json_t *now, char text[SETTINGS_DIFFERENCE]) {
    *text = '\0';
    return values_differ(then, now, "", text);
}
