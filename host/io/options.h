/* Command-line options: every subcommand describes its own by a table. */
#ifndef KAIROS_IO_OPTIONS_H
#define KAIROS_IO_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

typedef enum {
    OPTION_FLAG,   /* bool: --name, or --name=true|false */
    OPTION_INT,    /* int */
    OPTION_INT64,  /* int64_t */
    OPTION_DOUBLE, /* double, finite */
    OPTION_TEXT,   /* const char *, which points into argv */
    OPTION_CHOICE, /* int: index of one of `choices` */
    OPTION_DOUBLES /* OptionDoubles: "80,40,20" */
} OptionKind;

enum { OPTION_LIST_CAPACITY = 1024 };

typedef struct {
    int count;
    double values[OPTION_LIST_CAPACITY];
} OptionDoubles;

typedef struct {
    const char *name; /* as shown in the help; - and _ are the same on the command line */
    OptionKind kind;
    void *value;          /* holds the default before, the value after */
    const char *argument; /* "FILE", for the help; NULL for a flag; a choice shows its choices */
    const char *help;
    double low, high;           /* numbers: the accepted range, inclusive; both 0 = any */
    const char *const *choices; /* ends with NULL */
    const char *default_text;   /* NULL: the help shows the value; "": it shows no default */
    bool required;
    bool positional; /* of OPTION_TEXT: given without --name, anywhere among the options */
    bool given;      /* result: it was on the command line */
} Option;

typedef struct {
    const char *command;  /* "kairos generate" */
    const char *summary;  /* what it does, in a sentence or two */
    const char *examples; /* lines, each ending with \n; NULL = none */
} OptionsUsage;

typedef enum { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_WRONG } OptionsResult;

/* Reads --name value and --name=value from arguments[0..count), which are those after the subcommand's
 * name; what does not begin with -- is the first positional option that has no value yet.
 * Given twice, the last one counts.  HELP: --help or -h was met.  WRONG: `error` is filled. */
OptionsResult options_read(Option *options, int option_count, int count, char **arguments,
                           Error *error);

void options_print_help(FILE *stream, const OptionsUsage *usage, const Option *options,
                        int option_count);

/* Both, as a command wants it: returns -1 to go on, else the exit status after printing the help (0, to
 * standard output) or what is wrong (2, to standard error). */
int options_parse(const OptionsUsage *usage, Option *options, int option_count, int count,
                  char **arguments);

#endif
