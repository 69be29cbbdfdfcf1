/* SPDX-License-Identifier: ISC */
#include "ca/common/calls.h"

#include <string.h>

#define WAIT_SECS 43200 /* of an exec wait: until its caller goes */

static bool
words_wait(struct jw *w, const char *rest)
{
	if (!call_words_id(w, rest))
		return false;
	jw_int(w, "seconds", WAIT_SECS);
	return true;
}

/* The comment is the rest as it stands: its blanks are the person's. */
static bool
words_decision(struct jw *w, const char *rest)
{
	struct slice word;
	bool verdict = false;
	size_t n = 0, len;

	jw_begin(w, "ids", '[');
	for (; call_next_word(&rest, &word); n++) {
		verdict = slice_is(word, "approve") || slice_is(word, "deny");
		if (verdict)
			break;
		call_put_word(w, NULL, word);
	}
	jw_end(w, ']');
	if (!verdict || n == 0)
		return false;
	jw_bool(w, "approve", slice_is(word, "approve"));
	rest += strspn(rest, " ");
	for (len = strlen(rest); len > 0 && rest[len - 1] == ' '; len--)
		;
	if (len > 0)
		jw_strn(w, "comment", rest, len);
	return true;
}

/* A host has no '@'; an account might. */
static bool
words_place(struct jw *w, const char *rest)
{
	struct slice word, host;
	size_t at;

	if (!call_next_word(&rest, &word))
		return true;
	for (at = word.n; at > 0 && word.p[at - 1] != '@'; at--)
		;
	host = slice_of(word.p + at, word.n - at);
	if (at == 1 || host.n == 0)
		return false;
	if (at > 1)
		call_put_word(w, "account", slice_of(word.p, at - 1));
	call_put_word(w, "host", host);
	return !call_next_word(&rest, &word);
}

static bool
words_flags(struct jw *w, const char *rest)
{
	static const char *const names[] = {"all", "watch"};
	bool seen[] = {false, false};
	struct slice word;
	size_t i;

	while (call_next_word(&rest, &word)) {
		for (i = 0; i < 2 && !slice_is(word, names[i]); i++)
			;
		if (i == 2)
			return false;
		seen[i] = true;
	}
	for (i = 0; i < 2; i++)
		if (seen[i])
			jw_bool(w, names[i], true);
	return true;
}

static const struct call_row rows[] = {
    {CALL_HELLO, "hello", call_words_none, false, false, "",
	"who you are to this CA, and its policy"},
    {CALL_SUBMIT, "submit", call_words_none, true, false, "<STATEMENTS",
	"hand in signed statements"},
    {CALL_SHOW, "show", call_words_ids, false, false, "ID...",
	"requests in full"},
    {CALL_WAIT, "wait", words_wait, false, false, "ID",
	"news of a request until it is decided"},
    {CALL_FETCH, "fetch", call_words_id, false, false, "ID",
	"the certificate of a request"},
    {CALL_PENDING, "pending", words_flags, false, false, "[all] [watch]",
	"what waits for your decision"},
    {CALL_STATUS, "status", call_words_none, false, false, "",
	"your own requests"},
    {CALL_DECISION, "decision", words_decision, false, false,
	"ID... approve|deny [COMMENT...]", "the line to sign for a decision"},
    {CALL_POLICY, "policy", NULL, false, false, "", "the policy in force"},
    {CALL_OBJECT, "object", NULL, false, false, "", "a file of that policy"},
    {CALL_PUT, "put", NULL, false, false, "", "a file for a push"},
    {CALL_PUSH, "push", NULL, false, false, "", "put a policy in force"},
    {CALL_STANDING, "standing", NULL, false, false, "",
	"keys and revocations of the log"},
    {CALL_KRL, "krl", NULL, false, false, "", "the revocation list"},
    {CALL_WHY, "why", words_place, false, false, "[[ACCOUNT@]HOST]",
	"what you may have there, and what you lack"},
    {CALL_HELP, "help", call_words_none, false, false, "", "these lines"},
};
const struct call_table ca_calls = {rows, sizeof(rows) / sizeof(rows[0])};
