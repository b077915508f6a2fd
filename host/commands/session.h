/* What every command that runs a network opens first: the device and the models. */
#ifndef KAIROS_SESSION_H
#define KAIROS_SESSION_H

#include <jansson.h>

#include "io/options.h"
#include "nets/model.h"

typedef struct {
    /* options, with their defaults */
    const char *net, *gnet; /* gnet NULL = none */
    int precision, engine;  /* indices of session_precisions, session_engines */
    int device;
    bool any_device; /* go on with what was made on another (io/settings.h) */
    /* opened by session_open */
    Context *ctx;
    Model model, gmodel;
} Session;

extern const char *const session_precisions[]; /* in the order of DType */
extern const char *const session_engines[];    /* in the order of Engine */

/* The defaults. */
Session session_defaults(void);

/* Entries of a command's option table. */
#define SESSION_OPTION_NET(s)                                                                        \
    {                                                                                                \
        .name = "net", .kind = OPTION_TEXT, .value = &(s).net, .argument = "FILE", .required = true, \
        .help = "model (.safetensors), or random:NAME for a preset of configs/ with made-up weights" \
    }
#define SESSION_OPTION_GNET(s)                                                        \
    {                                                                                 \
        .name = "gnet", .kind = OPTION_TEXT, .value = &(s).gnet, .argument = "FILE",  \
        .help = "reference model of guidance; without it the model's own zero label", \
        .default_text = ""                                                            \
    }
#define SESSION_OPTION_PRECISION(s)                                              \
    {                                                                            \
        .name = "precision", .kind = OPTION_CHOICE, .value = &(s).precision,     \
        .choices = session_precisions, .help = "type of weights and activations" \
    }
#define SESSION_OPTION_ENGINE(s)                                                                   \
    {                                                                                              \
        .name = "engine", .kind = OPTION_CHOICE, .value = &(s).engine, .choices = session_engines, \
        .help =                                                                                    \
            "convolutions and products by kairos' own kernels, or by cuDNN/cuBLAS "                \
            "(oneDNN on the CPU)"                                                                  \
    }
#define SESSION_OPTION_DEVICE(s)                                                               \
    {                                                                                          \
        .name = "device", .kind = OPTION_INT, .value = &(s).device, .argument = "N", .low = 0, \
        .high = 1023, .help = "number of the GPU"                                              \
    }

#define SESSION_OPTION_ANY_DEVICE(s)                                                                  \
    {                                                                                                 \
        .name = "any-device", .kind = OPTION_FLAG, .value = &(s).any_device,                          \
        .help = "go on with what was begun on another model of GPU or CPU (the last bits may differ)" \
    }

/* Guidance that would do nothing: wrong usage, known before anything is opened, and a model that has
 * nothing to be guided by, known after. */
bool session_check_guidance_usage(const Session *session, double guidance, Error *error);
bool session_check_guidance(const Session *session, double guidance, Error *error);

/* Opens the device and loads the models. */
bool session_open(Session *session, Error *error);
void session_close(Session *session);

/* Fails unless the model's samples are images that a PNG file can hold.  `instead`: what to do with
 * others, as ": use --save-tensors", or "". */
bool session_check_images(const Session *session, const char *instead, Error *error);

/* For manifests: the words of a command line, "generate" (or two, as "evaluate ref") and its arguments,
 * as an array; a hash as text.  NULL when out of memory. */
json_t *session_command_json(const char *command, int count, char **arguments);
json_t *session_hash_json(uint64_t hash);

/* Prints "kairos COMMAND: message" to standard error and returns the exit status of a failed run. */
int session_fail(const char *command, const Error *error);

#endif
