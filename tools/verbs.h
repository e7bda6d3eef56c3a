/* The verbs, one in each file named after it or its family. */
#ifndef PITR_TOOLS_VERBS_H
#define PITR_TOOLS_VERBS_H

#include "tools/tool.h"

extern const struct verb verb_init, verb_mount, verb_umount, verb_status, verb_import, verb_incident;
extern const struct verb verb_put, verb_get, verb_rm;
extern const struct verb verb_create_table, verb_describe_table, verb_list_tables, verb_delete_table;
extern const struct verb verb_put_item, verb_get_item, verb_delete_item;

#endif
