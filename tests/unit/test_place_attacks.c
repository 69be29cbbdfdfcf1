/* SPDX-License-Identifier: ISC */
/*
 * A hostile master that shows a host another place among a job's targets than the
 * host has (deliverycase.h): nothing of it is an order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/trust/fleet_place.h"
#include "tests/unit/deliverycase.h"
#include "tests/unit/mutate.h"

/* --- spoilers --- */

static void
giant_place(struct fleet_input *in, struct fleet_delivery *d)
{
	static uint8_t big[PLACE_MAX + 1];

	(void)in;
	d->place = slice_of(big, sizeof(big));
}

static void
no_place(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	d->place = slice_of(NULL, 0);
}

/* As hosts got it before there were places. */
static void
all_of_targets(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	d->place = slice_str(dc_targets);
}

static char edited[PLACE_MAX];

static void
edit(struct fleet_delivery *d, const char *from, const char *to)
{
	const char *p = (const char *)d->place.p, *at;

	at = memmem(p, d->place.n, from, strlen(from));
	assert_non_null(at);
	(void)snprintf(edited, sizeof(edited), "%.*s%s%.*s", (int)(at - p), p,
	    to, (int)(d->place.n - (size_t)(at - p) - strlen(from)),
	    at + strlen(from));
	d->place = slice_str(edited);
}

static void
wrong_index(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	edit(d, "2\n", "1\n");
}

static void
index_past_the_end(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	edit(d, "2\n", "3\n");
}

static void
giant_index(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	edit(d, "2\n", "18446744073709551615\n");
}

static void
index_in_two_ways(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	edit(d, "2\n", "02\n");
}

static void
earlier_batch(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	edit(d, "2 " HOST, "1 " HOST);
}

static void
another_name(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	edit(d, HOST, "web-2.example.com");
}

/* HOST is the third of three: its proof is one hash. */
static void
short_proof(struct fleet_input *in, struct fleet_delivery *d)
{
	(void)in;
	while (d->place.n > 0 && d->place.p[d->place.n - 2] != '\n')
		d->place.n--;
	d->place.n--;
}

static void
long_proof(struct fleet_input *in, struct fleet_delivery *d)
{
	const char *last = strstr((const char *)d->place.p, HOST "\n");

	(void)in;
	assert_non_null(last);
	last += sizeof(HOST "\n") - 1;
	(void)snprintf(edited, sizeof(edited), "%s%s", (const char *)d->place.p,
	    last);
	d->place = slice_str(edited);
}

static const struct dc_attack attacks[] = {
    {"giant place", {.spoil = giant_place}, ERR_LIMIT, "at most 1024"},
    {"no place", {.spoil = no_place}, ERR_PARSE, "a number in its first"},
    {"TARGETS in the place of one", {.spoil = all_of_targets}, ERR_PARSE,
	"a number in its first"},
    {"a place of another job's targets",
	{.sent = "1 web-9.example.com\n2 db-2.example.com\n"
		 "2 web-1.example.com\n"},
	ERR_PARSE, "not in the tree of 3 hosts"},
    {"a place in a tree of one", {.sent = "1 web-1.example.com\n"}, ERR_PARSE,
	"not in the tree of 3 hosts"},
    {"a tree of one where none is the host's",
	{.targets = "1 web-2.example.com\n", .sent = "1 web-1.example.com\n"},
	ERR_PARSE, "not in the tree of 1 hosts"},
    {"a place in a larger tree",
	{.sent = "1 web-9.example.com\n2 db-1.example.com\n"
		 "2 web-1.example.com\n2 web-2.example.com\n"},
	ERR_PARSE, "not in the tree of 3 hosts"},
    {"a job that says more hosts than there are", {.hosts = 4}, ERR_PARSE,
	"not in the tree of 4 hosts"},
    {"a job that says fewer", {.hosts = 2}, ERR_PARSE,
	"not in the tree of 2 hosts"},
    {"another index", {.spoil = wrong_index}, ERR_PARSE, "place 1 among"},
    {"an index past the end", {.spoil = index_past_the_end}, ERR_PARSE,
	"place 3 among"},
    {"a giant index", {.spoil = giant_index}, ERR_PARSE, "not in the tree"},
    {"an index with a zero before it", {.spoil = index_in_two_ways}, ERR_PARSE,
	"a number in its first"},
    {"an earlier batch", {.spoil = earlier_batch}, ERR_PARSE,
	"not in the tree"},
    {"another name in the line", {.spoil = another_name}, ERR_PARSE,
	"not in the tree"},
    {"a proof that is cut", {.spoil = short_proof}, ERR_PARSE,
	"not in the tree"},
    {"a proof that goes on", {.spoil = long_proof}, ERR_PARSE,
	"not in the tree"},
};

static void
nothing_else_passes_for_a_place(void **state)
{
	(void)state;
	dc_refuses(attacks, sizeof(attacks) / sizeof(attacks[0]));
}

static void
must_not_place(const uint8_t *p, size_t n, void *arg)
{
	const struct made *m = arg;
	struct fleet_job job;

	if (fleet_job_check(&dc_world.last, &dc_world.trust, m->d.job,
		slice_of(p, n), HOST, NOW, &job, NULL) >= 0)
		fail_msg("place taken: %s", mutate_what());
}

static void
must_not_target(const uint8_t *p, size_t n, void *arg)
{
	const struct made *m = arg;
	struct fleet_job job;

	if (fleet_job_check_all(&dc_world.last, &dc_world.trust, m->d.job,
		slice_of(p, n), NOW, &job, NULL) >= 0)
		fail_msg("targets taken: %s", mutate_what());
}

static void
no_flipped_bit_and_no_cut_is_taken(void **state)
{
	static const struct plan p = {0};
	struct made m;

	(void)state;
	dc_make(&p, &m);
	mutate_each(m.place.p, m.place.n, must_not_place, &m);
	mutate_each(dc_targets, strlen(dc_targets), must_not_target, &m);
	dc_unmake(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_else_passes_for_a_place),
	    cmocka_unit_test(no_flipped_bit_and_no_cut_is_taken),
	};

	return cmocka_run_group_tests(tests, dc_set_up, dc_tear_down);
}
