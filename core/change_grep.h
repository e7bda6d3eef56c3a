/* Do changes add or take away a line that matches a pattern? Looks at the lines of an item's file, before and after. */
#ifndef PITR_CHANGE_GREP_H
#define PITR_CHANGE_GREP_H

#include <regex.h>

#include "bytes.h"
#include "key.h"

struct change_grep;
/* The pattern and the schema are borrowed until the end. */
int change_grep_new(const regex_t *pattern, const struct key_schema *schema, struct change_grep **ret_grep);
void change_grep_free(struct change_grep *grep); /* NULL is fine */

/* Does one of the two have a line that matches, which the other has not, or not as often? Items may be empty: not there. Lines count
 * without a comma at their end. 1, 0, -EIO, -ENOMEM. */
int change_grep_matches(struct change_grep *grep, struct slice before, struct slice after);

#endif
