/* SPDX-License-Identifier: ISC */
/*
 * One host's pillar, and ${...} put into trees of YAML.
 *
 * New nodes belong to mem; what has no ${...} in it is shared with the tree it
 * came from.  Faults go to diags, and the value is left as it was; what cannot
 * go on (memory, limits) is in failed.  Pure.
 */
#ifndef AGENT_FLEET_PILLAR_H
#define AGENT_FLEET_PILLAR_H

#include "agent/fleet/highstate.h"

struct pillar_step {
	const struct yaml_node *node;
	const char *name;	/* "pillar.ssh.port" */
	size_t	    len;
};

struct pillar {			/* pillar_clear */
	const struct fleet_host *host;
	const struct yaml_node	*root;	  /* all its files, merged; or NULL */
	const char		*missing; /* a file that is not here, or NULL */
	struct yaml_doc		*mem;
	struct conf_diags	*diags;
	size_t			 nodes;	  /* read so far */
	int			 failed;  /* ERR_NOMEM, ERR_LIMIT */
	struct pillar_step path[PILLAR_DEPTH_MAX]; /* being resolved */
	size_t		   depth;
};

/*
 * The files that top.yaml gives the host, merged in their order: mappings key by
 * key, anything else by the later one.  All borrowed; new nodes go to mem.
 * ERR_NOMEM, ERR_LIMIT (said in diags).
 */
int pillar_init(struct pillar *p, const struct fleet *f,
    const struct fleet_host *host, struct yaml_doc *mem,
    struct conf_diags *diags) MUST_CHECK;

/* A tree with every ${...} put in.  Never NULL: in, when p->failed. */
const struct yaml_node *pillar_put_in(struct pillar *p,
    const struct yaml_node *in);

/* A node of that kind at pos, in mem; NULL: p->failed is set. */
struct yaml_node *pillar_new_node(struct pillar *p, enum yaml_kind kind,
    struct conf_pos pos);
/* Make room for n children; false: p->failed is set. */
bool pillar_alloc_children(struct pillar *p, struct yaml_node *node, size_t n);
/* Add a pair to a map that has room; sort when all are there. */
bool pillar_add_pair(struct pillar *p, struct yaml_node *map,
    const struct yaml_pair *like, const struct yaml_node *value);
void pillar_sort_map(struct yaml_node *map);

#endif
