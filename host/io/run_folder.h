/* The names of a run's images in its folder, by which its files are told from others there: NNNNNN.png
 * of the seed, or NNN000/NNNNNN.png in folders of a thousand seeds, as NVlabs' tools make them. */
#ifndef KAIROS_IO_RUN_FOLDER_H
#define KAIROS_IO_RUN_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define RUN_MANIFEST "run.json"     /* in the folder: what the images were made with */
#define RUN_RESULTS "results.jsonl" /* in a sweep's folder */

enum { RUN_NAME = 64 }; /* bytes for a name */

/* "000007.png", with subdirs "000000/000007.png". */
void run_image_name(uint64_t seed, bool subdirs, char name[RUN_NAME]);

/* Whether `name`, relative to the folder, is an image's, in either layout. */
bool run_is_image(const char *name);
/* Whether it is the name of a folder of a thousand seeds: "012000". */
bool run_is_subdir(const char *name);

/* Finds an image of the layout in the folder; not in a subfolder with a manifest of its own, which is
 * another run's.  False: there is none, or no folder. */
bool run_find_image(const char *directory, bool subdirs, char name[RUN_NAME]);

#endif
