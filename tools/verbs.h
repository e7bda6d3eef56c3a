/* The verbs, one in each file named after it or its family. */
#ifndef PITR_TOOLS_VERBS_H
#define PITR_TOOLS_VERBS_H

#include "tools/tool.h"

extern const struct verb verb_init, verb_mount, verb_umount, verb_status, verb_import, verb_incident;
extern const struct verb verb_put, verb_get, verb_rm;
extern const struct verb verb_restore, verb_undo, verb_drill, verb_backup, verb_hold, verb_settings, verb_gc, verb_du;
extern const struct verb verb_log, verb_history, verb_blame, verb_find;
extern const struct verb verb_diff;
extern const struct verb verb_timeline, verb_find_when;
extern const struct verb verb_seal, verb_export_evidence, verb_verify;
extern const struct verb verb_create_table, verb_describe_table, verb_list_tables, verb_delete_table;
extern const struct verb verb_update_table, verb_wait;
extern const struct verb verb_put_item, verb_get_item, verb_delete_item;
extern const struct verb verb_update_item, verb_batch_write_item, verb_scan;
extern const struct verb verb_update_continuous_backups, verb_describe_continuous_backups;
extern const struct verb verb_restore_table_to_point_in_time, verb_restore_table_from_backup;
extern const struct verb verb_create_backup, verb_describe_backup, verb_list_backups, verb_delete_backup;
extern const struct verb verb_update_time_to_live, verb_describe_time_to_live;
extern const struct verb verb_tag_resource, verb_untag_resource, verb_list_tags_of_resource;

#endif
