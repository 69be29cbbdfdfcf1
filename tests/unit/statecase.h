/* SPDX-License-Identifier: ISC */
/*
 * A kind of state against a host that is not real: from YAML to the list of
 * changes as text, and the files of a plan written as the driver would.
 */
#ifndef TESTS_UNIT_STATECASE_H
#define TESTS_UNIT_STATECASE_H

#include "agent/states/state.h"
#include "tests/unit/fakehost.h"

/* The first fault in the parameters ("1:9: ..."), "" when there is none; the
 * caller frees. */
char *statecase_faults(const struct state_ops *ops, const char *yaml);

/*
 * Observe and plan.  0 and *out: "VERDICT [note]" and then a line each change,
 * "file PATH MODE what", "absent PATH what" or "live VERB ARG what"; proofs as
 * "proof TEXT".  On failure *out is the message.  The caller frees *out.  env
 * may be NULL.
 */
int statecase_plan(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, char **out);

/*
 * As the driver does: plan, write files, apply what is live, activate.  Ends
 * the test on failure.
 */
void statecase_apply(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml);

/* statecase_plan() must be 0 and say exactly that. */
void statecase_is(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, const char *want);

/* Does any change of the plan, which must have one, touch a way in? */
bool statecase_way_in(struct fakehost *f, const struct state_ops *ops,
    const char *yaml);

/* Every call on the host fails once: observe and plan then answer with an
 * error, or go on (a lost proof), but never with PLAN_OK and no change where
 * there is one to make.  yaml must have a change to make. */
void statecase_faulty_host(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml);

/* validate() and proof(): the answer, and *out the message; the caller frees
 * *out. */
int statecase_proof(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, char **out);
int statecase_validate(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, char **out);

/* Snapshot, apply as statecase_apply(), call between (NULL: nothing), restore. */
void statecase_undo(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml,
    void (*between)(struct fakehost *f));

/* Observe and plan with each allocation failing once: ERR_NOMEM each time. */
void statecase_alloc(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml);

#endif
