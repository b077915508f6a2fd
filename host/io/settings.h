/* Settings, objects that say what images or sums were made with: whether a run may go on with those. */
#ifndef KAIROS_IO_SETTINGS_H
#define KAIROS_IO_SETTINGS_H

#include "io/settings_difference.h"

/* True if a run with the settings `now` may go on with what was made with `then`: they are the same.
 * If not, `text` says what differs, as settings_differ tells it.
 *
 * The device may be any of those that it was made on, with any_device also another: then `now` gets a
 * list "devices" of all of them, and as "device" the first. */
bool settings_continue(const json_t *then, json_t *now, bool any_device,
                       char text[SETTINGS_DIFFERENCE]);

#endif
