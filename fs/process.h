/* Other processes, as /proc tells of them. Nothing here waits for the process, but process_variable, which may for a moment. */
#ifndef PITR_FS_PROCESS_H
#define PITR_FS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_facts {
	char name[32];
	char state;
	uint64_t started;     /* with the number, one process for ever */
	uint64_t environment; /* changes with every program the process runs; 0: it is not ours to see */
};

/* False: there is no such process. */
bool process_look(pid_t pid, struct process_facts *ret_facts);
/* A file of /proc/PID, cut to the room there is, and ended by a NUL. False: no such process, or not ours to see. */
bool process_file(pid_t pid, const char *file, char *ret_text, size_t size);
/* A variable of the environment that its program was started with, cut to the room there is. False: it has none, or that is not ours to see. */
bool process_variable(pid_t pid, const char *name, char *ret_value, size_t size);

#endif
