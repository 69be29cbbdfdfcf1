/* SPDX-License-Identifier: ISC */
/*
 * Lines of a log, each after a letter for who says it: whatever they are, what
 * they come to can be reported and be kept.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/logins/seen.h"
#include "lib/base/json.h"
#include "lib/statement/statement.h"

#define NOW INT64_C(1772445600)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_report(struct seen_events *events)
{
	struct str text = STR_INIT;
	struct statement s;
	struct err e;

	statement_init(&s, ST_REPORT);
	s.at = NOW;
	s.u.report.seq = 1;
	s.u.report.kind = REPORT_LOGINS;
	s.u.report.events = events->v;
	s.u.report.n_events = events->n;
	if ((s.by = str_dup("web-1")) == NULL ||
	    statement_encode(&s, &text, &e) != 0)
		abort();
	s.u.report.events = NULL;
	s.u.report.n_events = 0;
	statement_clear(&s);
	str_clear(&text);
	seen_events_clear(events);
}

static void
check_kept(const struct seen *s)
{
	struct str text = STR_INIT;
	struct seen again = {0};
	json_t *o = NULL;
	struct err e;
	struct jw w;

	jw_init(&w, &text, false);
	seen_write(s, &w);
	if (json_read(slice_of(text.p, text.n), SEEN_TEXT_MAX, &o, &e) != 0 ||
	    seen_read(o, &again, &e) != 0 || again.n_conns != s->n_conns)
		abort();
	json_decref(o);
	seen_clear(&again);
	str_clear(&text);
}

/* 's' sshd, 'u' sudo, 'l' logind; the process is the letter after it. */
static void
take(struct seen *s, struct slice text, int64_t at, struct seen_events *events)
{
	struct seen_line line = {.from = SEEN_SSHD, .at = at, .boot = "b"};

	if (text.n < 2)
		return;
	if (text.p[0] == 'u')
		line.from = SEEN_SUDO;
	else if (text.p[0] == 'l')
		line.from = SEEN_LOGIND;
	line.pid = line.leader = text.p[1];
	line.scope = text.p[1] % 2 == 0 ? "7" : NULL;
	line.text = slice_of(text.p + 2, text.n - 2);
	if (seen_take(s, &line, events, NULL) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen_events events = {0};
	struct seen s = {0};
	int64_t at = NOW;

	while (n > 0) {
		const uint8_t *lf = memchr(p, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - p) : n;

		take(&s, slice_of(p, len), at++, &events);
		if (events.n > 0)
			check_report(&events);
		len += lf != NULL;
		p += len;
		n -= len;
	}
	check_kept(&s);
	while (seen_settle(&s, at + SEEN_SUM_S, &events, NULL) == 0 &&
	    events.n > 0)
		check_report(&events);
	seen_clear(&s);
	return 0;
}
