/* The command line of pitrfs, also as mount(8) and fstab give it. */
#ifndef PITR_FS_OPTIONS_H
#define PITR_FS_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

#include "bytes.h"
#include "error.h"
#include "item_json.h"

struct options {
	char *store, *mountpoint; /* absolute, symlinks resolved by options_check_paths */
	bool is_help, is_version; /* asked for: nothing else is set */
	bool is_foreground, is_debug;
	bool is_read_only, is_lock_free;
	bool is_shared; /* allow_other */
	bool has_xattr;
	bool is_power_saved; /* idle processors are left asleep */
	enum item_form form;
	char *zone; /* NULL: UTC */
	char *asof; /* the instant to show the store at; NULL: the present. It is read-only then */
	uid_t uid;
	gid_t gid;
	mode_t directory_mode, file_mode; /* of what can be changed */
	int ready_fd;                     /* -1: none */
	char *clock_file, *count_file;
	struct buffer kernel; /* mount options for libfuse, each with a comma in front */
};

/* 0, or -EINVAL (or -ENOMEM) with a message. Free with options_free in any case. */
int options_parse(int argc, char **argv, struct options *ret_options, struct error *error);
void options_free(struct options *options);

/* Makes both paths absolute and refuses what cannot be a mount point: one that is missing, no directory, the store, inside it, around
 * it, or carries a pitrfs already. */
int options_check_paths(struct options *options, struct error *error);

extern const char options_usage[];

#endif
