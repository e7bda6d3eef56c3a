/* Choosing changes by their author: the patterns of every --by.
 *
 *   field=pattern   one field of the author (author.h: by user uid gid group pid process command source service reason)
 *   pattern         user, process, command, source or reason
 * Patterns are fnmatch(3) globs on the whole field; without a wildcard, the whole field or, for command, source and reason, any part of it. Case
 * matters. */
#ifndef PITR_AUTHOR_MATCH_H
#define PITR_AUTHOR_MATCH_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"

/* Is this a pattern? -EINVAL with the fields there are. */
int author_pattern_check(const char *pattern, struct error *error);
/* Does the author text (JSON) match? 1, 0, negative errno. */
int author_matches(struct slice author_text, const char *pattern);

#endif
