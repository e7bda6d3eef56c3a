/* The callbacks of libfuse. Each fetches what it is about, calls one worker that returns 0 or a negative errno, and
 * replies once. */
#ifndef PITR_FS_OPS_H
#define PITR_FS_OPS_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 314
#endif
#include <fuse_lowlevel.h>

#include "mount.h"
#include "who.h"

static inline struct mount *ops_mount(fuse_req_t req, enum count_kind kind)
{
	struct mount *mount = fuse_req_userdata(req);

	counts_add(&mount->counts, kind);
	return mount;
}

static inline struct who ops_who(fuse_req_t req)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);

	return who_of(context->uid, context->gid, context->pid);
}

/* Replies with an entry that was found and counted (attr_count) as a reference of the kernel; one that does not get there
 * is counted back. An entry without a node number is a name that is known not to exist. */
void ops_reply_entry(fuse_req_t req, struct mount *mount, int result, const struct fuse_entry_param *entry);
/* Replies with bytes, and frees them. */
void ops_reply_bytes(fuse_req_t req, int result, struct buffer *bytes);

/* A file handle is 0; or for files read as stored a number with its lowest bit set, for items with the change that made the
 * version opened above FH_SEQ_SHIFT; or a struct handle. */
#define FH_STORED UINT64_C(1)
#define FH_DIRECT UINT64_C(2) /* the kernel caches nothing of it */
#define FH_SEQ_SHIFT 2
static inline struct handle *ops_handle(const struct fuse_file_info *file)
{
	return file == NULL || (file->fh & FH_STORED) != 0 ? NULL : (struct handle *)(uintptr_t)file->fh;
}

void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void ops_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *file);
void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void ops_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_symlink(fuse_req_t req, const char *to, fuse_ino_t parent, const char *name);
void ops_readlink(fuse_req_t req, fuse_ino_t ino);
void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
	unsigned int flags);
void ops_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file);
void ops_write(
	fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file);
void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void ops_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *file);
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file);
void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file);
void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void ops_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *file);
void ops_statfs(fuse_req_t req, fuse_ino_t ino);
void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void ops_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void ops_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file);
void ops_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset, struct fuse_file_info *from_file,
	fuse_ino_t to, off_t to_offset, struct fuse_file_info *to_file, size_t size, int flags);

#endif
