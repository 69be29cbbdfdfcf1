/* SPDX-License-Identifier: ISC */
/*
 * What the files of the kind fstab share.
 */
#ifndef AGENT_STATES_FSTAB_IMPL_H
#define AGENT_STATES_FSTAB_IMPL_H

#include "agent/states/fstab_table.h"
#include "agent/states/state.h"

#define FSTAB_PATH	 "/etc/fstab"
#define MOUNTINFO_PATH	 "/proc/self/mountinfo"
#define FSTAB_MOUNTS_MAX 256

struct mount_want {
	char	   *path;
	struct strs options;
	char	   *tmpfs;	/* "512m": make one where nothing is mounted;
				   NULL: then it is not applicable */
	bool	    absent;	/* take the options away, and a tmpfs line of
				   ours; what is mounted stays until the boot */
	struct conf_pos pos;
};

struct fstab_params {
	struct mount_want *v;
	size_t		   n, cap;
};

/* What mounts it at boot in spite of fstab. */
struct fstab_boot {
	char *options;	/* that it says; NULL: nothing does */
	char *by;	/* the file; NULL: a unit that is masked */
};

struct fstab_observed {
	char *table;		/* of FSTAB_PATH; NULL: not there */
	char *mounts;		/* of MOUNTINFO_PATH */
	size_t n_table, n_mounts;
	struct host_stat st;	/* of FSTAB_PATH */
	struct fstab_boot *boot; /* of each mount point, or none */
	size_t n_boot;
};

/* fstab_parse.c */
void fstab_parse(struct conf_in *in, const struct yaml_node *n, void *params);
void fstab_params_clear(void *params);

/* fstab_plan.c */
int  fstab_plan(const struct state_env *env, const void *params,
     const void *observed, struct plan *out, struct err *e) MUST_CHECK;

/* fstab_unit.c: where systemd runs.  The name of the unit of a mount point is
 * appended to out. */
int  fstab_unit_name(const char *path, struct str *out) MUST_CHECK;
int  fstab_boot_look(struct host *h, const char *path, struct fstab_boot *out,
     struct err *e) MUST_CHECK;
void fstab_boot_clear(struct fstab_boot *b);
/* The signs of what fstab_boot_look() would read; of a file in a directory of
 * drop-ins that it came or went. */
int  fstab_boot_sign(struct host *h, const char *path, struct str *out,
     struct err *e) MUST_CHECK;

/* fstab_live.c: what is mounted, and its undoing. */
int  fstab_apply(struct host *h, const struct state_env *env,
     const void *params, const struct change *c, struct err *e) MUST_CHECK;
int  fstab_snapshot(struct host *h, const void *params, struct str *out,
     struct err *e) MUST_CHECK;
int  fstab_restore(struct host *h, struct slice snapshot, struct err *e)
     MUST_CHECK;

#endif
