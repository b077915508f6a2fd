/* The subcommands.  Each gets the arguments after its name and returns the exit status: 0, 1 for a run
 * that failed, 2 for wrong usage. */
#ifndef KAIROS_COMMANDS_H
#define KAIROS_COMMANDS_H

int command_generate(int count, char **arguments);
int command_denoise(int count, char **arguments);
int command_measure(int count, char **arguments);
int command_schedule(int count, char **arguments);
int command_evaluate(int count, char **arguments);
int command_sweep(int count, char **arguments);
int command_toy(int count, char **arguments);
int command_info(int count, char **arguments);
int command_bench(int count, char **arguments);

#endif
