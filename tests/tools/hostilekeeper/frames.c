/* SPDX-License-Identifier: ISC */
/* Attacks with other frames than SIGN: lists, policy, acts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/signer/signer_frames.h"
#include "lib/base/str.h"
#include "tests/tools/hostilekeeper/keeper.h"

#define KRL_DATED (8 + 4 + 8 + 8) /* magic, format, version, time */

/* The frame of the list before the last. */
static const struct frame *
list_before(const struct said *s)
{
	size_t i = s->n - 1;

	if (s->v[i].type != MSG_SIGN_KRL)
		hk_die("what was held is not a SIGN_KRL");
	while (i-- > 0)
		if (s->v[i].type == MSG_SIGN_KRL)
			return &s->v[i];
	hk_die("there was no list before");
}

static void
older_krl(struct chan *signer, const struct said *s)
{
	hk_say(signer, MSG_SIGN_KRL, list_before(s)->payload);
	if (hk_answer(signer))
		puts("signed");
}

static void
krl_of(const struct frame *f, struct slice *message, struct slice *list)
{
	struct view v = view_slice(f->payload);

	hk_must(view_get_string(&v, message));
	hk_must(view_get_string(&v, list));
	hk_must(view_end(&v));
}

/* What comes before `mark` and after the string behind it, with another there. */
static void
put_field(struct str *out, const char *text, const char *mark, const char *v)
{
	const char *at = strstr(text, mark), *end;

	if (at == NULL || (end = strchr(at + strlen(mark), '"')) == NULL)
		hk_die("there is no '%s' in it", mark);
	str_reset(out);
	str_addn(out, text, (size_t)(at - text) + strlen(mark));
	str_add(out, v);
	str_add(out, end);
	hk_must(str_check(out));
}

/* As new as can be, and what was revoked last is not in it. */
static void
forgetful_krl(struct chan *signer, const struct said *s)
{
	struct slice message, list, old_message, old_list;
	struct str text = STR_INIT, filed = STR_INIT, sized = STR_INIT;
	struct buf *out = hk_buffer(FRAME_MAX);
	char hex[HASH_HEX], size[24];
	struct hash h;
	uint8_t *p;

	krl_of(list_before(s), &old_message, &old_list);
	krl_of(&s->v[s->n - 1], &message, &list);
	if ((p = malloc(old_list.n)) == NULL || list.n < KRL_DATED)
		hk_die("no list");
	memcpy(p, old_list.p, old_list.n);
	memcpy(p, list.p, KRL_DATED);
	hash_sha256(p, old_list.n, &h);
	hash_hex(&h, hex);
	(void)snprintf(size, sizeof(size), "%zu", old_list.n);
	str_addn(&text, (const char *)message.p, message.n);
	put_field(&filed, text.p, "\"file\":\"", hex);
	put_field(&sized, filed.p, "\"size\":\"", size);
	hk_must(buf_put_string(out, sized.p, sized.n));
	hk_must(buf_put_string(out, p, old_list.n));
	hk_say(signer, MSG_SIGN_KRL, buf_slice(out));
	if (hk_answer(signer))
		puts("signed");
	free(p);
	str_clear(&text);
	str_clear(&filed);
	str_clear(&sized);
	buf_free(out);
}

static void
honest_krl(struct chan *signer, const struct said *s)
{
	hk_say(signer, s->v[s->n - 1].type, s->v[s->n - 1].payload);
	if (hk_answer(signer))
		puts("signed");
}

/* A policy whose files are others than those that were signed. */
static void
forged_policy(struct chan *signer, const struct said *s)
{
	size_t i = s->n;
	uint8_t *p;

	while (i-- > 0 && s->v[i].type != MSG_POLICY)
		;
	if (i == SIZE_MAX || (p = malloc(s->v[i].payload.n)) == NULL)
		hk_die("there was no policy");
	memcpy(p, s->v[i].payload.p, s->v[i].payload.n);
	hk_replace(p, s->v[i].payload.n, "approve: none", "approve: NONE");
	hk_say(signer, MSG_POLICY, slice_of(p, s->v[i].payload.n));
	if (hk_answer(signer))
		puts("in force");
	free(p);
}

/* Somebody is said to be revoked, or not, and nobody signed that. */
static void
forged_act(struct chan *signer, const struct said *s)
{
	size_t i = s->n;
	uint8_t *p;

	while (i-- > 0 && s->v[i].type != MSG_ACT)
		;
	if (i == SIZE_MAX || (p = malloc(s->v[i].payload.n)) == NULL)
		hk_die("there was no act");
	memcpy(p, s->v[i].payload.p, s->v[i].payload.n);
	hk_replace(p, s->v[i].payload.n, "\"reason\":\"", "\"reason\":\"");
	p[(size_t)((uint8_t *)memmem(p, s->v[i].payload.n, "\"reason\":\"",
		       10) -
	      p) +
	    10] ^= 1;
	hk_say(signer, MSG_ACT, slice_of(p, s->v[i].payload.n));
	hk_say(signer, MSG_DURABLE, slice_of("\1", 1));
	if (hk_answer(signer))
		puts("taken");
	free(p);
}

/* The policy of a session before, once a newer one is in force. */
static void
older_policy(struct chan *signer, const struct said *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].type == MSG_POLICY) {
			hk_say(signer, MSG_POLICY, s->v[i].payload);
			if (!hk_answer(signer))
				return;
		}
	puts("in force");
}

static const struct attack attacks[] = {
    {"honest-krl", true, honest_krl},
    {"older-krl", true, older_krl},
    {"forgetful-krl", true, forgetful_krl},
    {"forged-policy", false, forged_policy},
    {"older-policy", false, older_policy},
    {"forged-act", true, forged_act},
};

const struct attack *
hk_attack_of(const char *name)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (strcmp(attacks[i].name, name) == 0)
			return &attacks[i];
	return NULL;
}
