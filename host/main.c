/* kairos: the table of commands. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "io/interrupt.h"
#include "io/nearest.h"
#include "version.h"

static const struct {
    const char *name;
    int (*run)(int count, char **arguments);
    const char *summary;
} commands[] = {
    {"generate", command_generate, "sample images from a model"},
    {"denoise", command_denoise, "apply a model once: D(x; sigma) and its uncertainty"},
    {"measure", command_measure, "a model's entropy curve: its squared error at each noise level"},
    {"schedule", command_schedule, "noise levels: equal steps in a measured or given time"},
    {"evaluate", command_evaluate, "score images: the Frechet distance to a data set"},
    {"sweep", command_sweep, "score schedules, solvers and NFE against each other, with a report"},
    {"toy", command_toy, "one-dimensional experiments with schedules, without a network"},
    {"info", command_info, "what a model is and needs: parameters, GMAC, memory by batch size"},
    {"bench", command_bench, "time a model's network evaluations"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_usage(FILE *stream) {
    fprintf(stream, "kairos %s: samples EDM2 diffusion models\n\nusage: kairos COMMAND [options]\n\n",
            KAIROS_VERSION);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(stream,
            "\n'kairos COMMAND --help' lists a command's options, with examples.\n"
            "Example: kairos generate --net weights/fashion-mnist-edm2.safetensors --seeds 0-63 "
            "--steps 16 --outdir out\n");
}

static int unknown_command(const char *name) {
    Nearest best = {0};
    char question[128];
    for (int i = 0; i < COMMANDS; i++) nearest_offer(&best, name, commands[i].name);
    fprintf(stderr, "kairos: no command '%.80s'%s\nSee kairos --help\n", name,
            nearest_question(&best, "", question));
    return 2;
}

/* "help COMMAND" and "COMMAND help" are both "COMMAND --help", also of a command of two words. */
static void ask_for_help(int count, char **arguments) {
    static char help[] = "--help";
    int words = 1;
    while (words < count && arguments[words][0] != '-') words++;
    if (count < 3 || words < count) return;
    if (strcmp(arguments[1], "help") == 0) {
        memmove(arguments + 1, arguments + 2, (size_t)(count - 2) * sizeof *arguments);
        arguments[count - 1] = help;
    } else if (strcmp(arguments[count - 1], "help") == 0) {
        arguments[count - 1] = help;
    }
}

static int run(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(count > 1 ? stdout : stderr);
        return count > 1 ? 0 : 2;
    }
    if (strcmp(name, "--version") == 0) {
        printf("kairos %s\n", KAIROS_VERSION);
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].run(count - 2, arguments + 2);
    return unknown_command(name);
}

/* The number of a stream that the caller has closed would be given to the next file, which would get
 * what is printed.  A stream that can only be read still fails to be written. */
static bool open_standard_streams(void) {
    for (;;) {
        const int descriptor = open("/dev/null", O_RDONLY);
        if (descriptor < 0) return false;
        if (descriptor > STDERR_FILENO) return close(descriptor) == 0;
    }
}

int main(int count, char **arguments) {
    ask_for_help(count, arguments);
    if (!open_standard_streams()) return 1;
    const int status = run(count, arguments);
    interrupt_end();
    /* A result that only standard output was to get may be lost on a full disk. */
    if (status != 0 || (fflush(stdout) == 0 && !ferror(stdout))) return status;
    fprintf(stderr, "kairos: cannot write to the standard output\n");
    return 1;
}
