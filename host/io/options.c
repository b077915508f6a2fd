#include "io/options.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "io/nearest.h"
#include "io/numbers.h"

enum { HELP_COLUMN = 28, HELP_WIDTH = 100 };

/* ---- reading ------------------------------------------------------------------------------------ */

/* Whether `text`, up to its end or a '=', is the option's name. */
static bool names_option(const char *text, const char *name) {
    for (; *text != '\0' && *text != '='; text++, name++) {
        char a = *text == '-' ? '_' : *text, b = *name == '-' ? '_' : *name;
        if (a != b) return false;
    }
    return *name == '\0';
}

static Option *find_option(Option *options, int count, const char *text, Error *error) {
    for (int i = 0; i < count; i++)
        if (!options[i].positional && names_option(text, options[i].name)) return &options[i];
    char wanted[64], question[128];
    snprintf(wanted, sizeof wanted, "%.*s", (int)strcspn(text, "="), text);
    Nearest best = {0};
    for (int i = 0; i < count; i++)
        if (!options[i].positional) nearest_offer(&best, wanted, options[i].name);
    nearest_offer(&best, wanted, "help");
    fail(error, "unknown option --%s%s", wanted, nearest_question(&best, "--", question));
    return NULL;
}

static bool read_flag(const char *what, const char *text, bool *value, Error *error) {
    static const char *const words[2][4] = {{"false", "0", "no", "off"}, {"true", "1", "yes", "on"}};
    for (int meaning = 0; meaning < 2; meaning++)
        for (int i = 0; i < 4; i++)
            if (strcmp(text, words[meaning][i]) == 0) {
                *value = meaning == 1;
                return true;
            }
    return fail(error, "%s: '%.80s' is neither true nor false", what, text);
}

static bool read_choice(const Option *option, const char *what, const char *text, Error *error) {
    char known[256] = "", question[128];
    size_t length = 0;
    Nearest best = {0};
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            *(int *)option->value = i;
            return true;
        }
        nearest_offer(&best, text, option->choices[i]);
        if (length < sizeof known)
            length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i > 0 ? ", " : "",
                                       option->choices[i]);
    }
    return fail(error, "%s: '%.80s' is none of %s%s", what, text, known,
                nearest_question(&best, "", question));
}

/* A bound of type double within the range of an integer type; 2^63 itself is not an int64_t. */
static int64_t integer_bound(double bound, int64_t low, int64_t high) {
    if (bound <= (double)low) return low;
    if (bound >= (double)high) return high;
    return (int64_t)bound;
}

static bool read_value(const Option *option, const char *text, Error *error) {
    char what[80];
    snprintf(what, sizeof what, "--%.70s", option->name);
    bool any = option->low == 0 && option->high == 0;
    double low = any ? -INFINITY : option->low, high = any ? INFINITY : option->high;
    int64_t integer;
    switch (option->kind) {
        case OPTION_FLAG:
            return read_flag(what, text, option->value, error);
        case OPTION_INT:
            if (!parse_integer(text, what, integer_bound(low, INT_MIN, INT_MAX),
                               integer_bound(high, INT_MIN, INT_MAX), &integer, error))
                return false;
            *(int *)option->value = (int)integer;
            return true;
        case OPTION_INT64:
            return parse_integer(text, what, integer_bound(low, INT64_MIN, INT64_MAX),
                                 integer_bound(high, INT64_MIN, INT64_MAX), option->value, error);
        case OPTION_DOUBLE:
            return parse_double(text, what, low, high, option->value, error);
        case OPTION_CHOICE:
            return read_choice(option, what, text, error);
        case OPTION_DOUBLES: {
            OptionDoubles *list = option->value;
            return parse_doubles(text, what, low, high, list->values, OPTION_LIST_CAPACITY,
                                 &list->count, error);
        }
        default:
            *(const char **)option->value = text;
            return true;
    }
}

static bool read_positional(Option *options, int count, const char *text, Error *error) {
    int i = 0;
    while (i < count && (!options[i].positional || options[i].given)) i++;
    if (i == count || text[0] == '-')
        return fail(error, "unexpected argument '%.80s': options begin with --", text);
    options[i].given = true;
    *(const char **)options[i].value = text;
    return true;
}

/* Reads the option at arguments[*at] and moves *at to the last argument that it took. */
static bool read_option(Option *options, int option_count, int count, char **arguments, int *at,
                        Error *error) {
    const char *text = arguments[*at];
    if (strncmp(text, "--", 2) != 0 || text[2] == '\0')
        return read_positional(options, option_count, text, error);
    Option *option = find_option(options, option_count, text + 2, error);
    if (option == NULL) return false;
    option->given = true;
    const char *equals = strchr(text, '=');
    if (equals != NULL) return read_value(option, equals + 1, error);
    if (option->kind == OPTION_FLAG) {
        *(bool *)option->value = true;
        return true;
    }
    /* A value may begin with one dash (-1), never with two: that is the next option. */
    if (*at + 1 >= count || strncmp(arguments[*at + 1], "--", 2) == 0)
        return fail(error, "--%s needs a value: --%s %s", option->name, option->name,
                    option->argument != NULL ? option->argument : "VALUE");
    return read_value(option, arguments[++*at], error);
}

OptionsResult options_read(Option *options, int option_count, int count, char **arguments,
                           Error *error) {
    for (int i = 0; i < option_count; i++) options[i].given = false;
    for (int at = 0; at < count; at++) {
        if (strcmp(arguments[at], "--help") == 0 || strcmp(arguments[at], "-h") == 0)
            return OPTIONS_HELP;
        if (!read_option(options, option_count, count, arguments, &at, error)) return OPTIONS_WRONG;
    }
    for (int i = 0; i < option_count; i++)
        if (options[i].required && !options[i].given && options[i].positional) {
            fail(error, "%s is missing", options[i].name);
            return OPTIONS_WRONG;
        } else if (options[i].required && !options[i].given) {
            fail(error, "--%s is missing: --%s %s", options[i].name, options[i].name,
                 options[i].argument != NULL ? options[i].argument : "VALUE");
            return OPTIONS_WRONG;
        }
    return OPTIONS_RUN;
}

/* ---- help --------------------------------------------------------------------------------------- */

/* Prints words from `column` on, in lines of HELP_WIDTH that begin at `indent`. */
static void print_wrapped(FILE *stream, const char *text, int column, int indent) {
    bool first = true;
    while (*text != '\0') {
        int length = (int)strcspn(text, " \n");
        if (length > 0) {
            if (!first && column + 1 + length > HELP_WIDTH) {
                fprintf(stream, "\n%*s", indent, "");
                column = indent;
                first = true;
            }
            fprintf(stream, "%s%.*s", first ? "" : " ", length, text);
            column += length + !first;
            first = false;
        }
        text += length;
        if (*text != '\0') text++;
    }
    fprintf(stream, "\n");
}

/* "--name ARGUMENT", or "NAME" of a positional one */
static int format_option(const Option *option, char *text, size_t size) {
    if (option->positional) return snprintf(text, size, "%s", option->name);
    if (option->kind == OPTION_FLAG) return snprintf(text, size, "--%s", option->name);
    int length =
        snprintf(text, size, "--%s %s", option->name, option->argument != NULL ? option->argument : "");
    if (option->kind != OPTION_CHOICE || option->argument != NULL) return length;
    for (int i = 0; option->choices[i] != NULL && length < (int)size; i++)
        length += snprintf(text + length, size - (size_t)length, "%s%s", i > 0 ? "|" : "",
                           option->choices[i]);
    return length;
}

/* " (default 32)", " (required)" or "". */
static const char *format_default(const Option *option, char *text, size_t size) {
    *text = '\0';
    if (option->required) {
        snprintf(text, size, " (required)");
    } else if (option->default_text != NULL) {
        if (*option->default_text != '\0') snprintf(text, size, " (default %s)", option->default_text);
    } else if (option->kind == OPTION_INT) {
        snprintf(text, size, " (default %d)", *(int *)option->value);
    } else if (option->kind == OPTION_INT64) {
        snprintf(text, size, " (default %lld)", (long long)*(int64_t *)option->value);
    } else if (option->kind == OPTION_DOUBLE) {
        snprintf(text, size, " (default %g)", *(double *)option->value);
    } else if (option->kind == OPTION_CHOICE) {
        snprintf(text, size, " (default %s)", option->choices[*(int *)option->value]);
    } else if (option->kind == OPTION_TEXT && *(const char **)option->value != NULL) {
        snprintf(text, size, " (default %s)", *(const char **)option->value);
    }
    return text;
}

static void print_option(FILE *stream, const Option *option) {
    char left[256], right[256], text[1024];
    int length = format_option(option, left, sizeof left);
    snprintf(text, sizeof text, "%s%s", option->help, format_default(option, right, sizeof right));
    if (length + 4 > HELP_COLUMN)
        fprintf(stream, "  %s\n%*s", left, HELP_COLUMN, "");
    else
        fprintf(stream, "  %-*s", HELP_COLUMN - 2, left);
    print_wrapped(stream, text, HELP_COLUMN, HELP_COLUMN);
}

void options_print_help(FILE *stream, const OptionsUsage *usage, const Option *options,
                        int option_count) {
    fprintf(stream, "Usage: %s", usage->command);
    for (int i = 0; i < option_count; i++) {
        char text[256];
        if (!options[i].required && !options[i].positional) continue;
        format_option(&options[i], text, sizeof text);
        fprintf(stream, options[i].required ? " %s" : " [%s]", text);
    }
    fprintf(stream, " [options]\n\n");
    print_wrapped(stream, usage->summary, 0, 0);
    fprintf(stream, "\nOptions:\n");
    for (int i = 0; i < option_count; i++) print_option(stream, &options[i]);
    fprintf(stream, "  %-*s%s\n", HELP_COLUMN - 2, "--help", "print this and exit");
    if (usage->examples != NULL) fprintf(stream, "\nExamples:\n%s", usage->examples);
}

int options_parse(const OptionsUsage *usage, Option *options, int option_count, int count,
                  char **arguments) {
    Error error = {0};
    switch (options_read(options, option_count, count, arguments, &error)) {
        case OPTIONS_RUN:
            return -1;
        case OPTIONS_HELP:
            options_print_help(stdout, usage, options, option_count);
            return 0;
        default:
            fprintf(stderr, "%s: %s\nSee %s --help\n", usage->command, error.text, usage->command);
            return 2;
    }
}
