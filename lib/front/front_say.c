/* SPDX-License-Identifier: ISC */
/* What the front says in words of its own. */
#include <string.h>

#include "lib/base/json.h"
#include "lib/front/front_impl.h"

bool
front_is_cert(const struct net_key *k)
{
	return strstr(k->type, "-cert-v0") != NULL;
}

void
front_refusal(const struct front_words *words, bool ready,
    const struct net_key *keys, size_t n, struct str *out)
{
	const char *noun = words->noun;
	size_t plain = 0;

	if (!ready) {
		str_addf(out,
		    "This %s is starting and does not know its people yet. "
		    "Try again in a moment.\n",
		    noun);
		return;
	}
	for (size_t i = 0; i < n; i++)
		plain += !front_is_cert(&keys[i]);
	if (n == 0) {
		str_addf(out,
		    "This %s knows people by their SSH keys alone, and none "
		    "was offered.\n",
		    noun);
		return;
	}
	if (plain == 0) {
		str_addf(out,
		    "A certificate does not open this %s: offer the key that "
		    "you enrolled.\n",
		    noun);
		return;
	}
	str_addf(out, "%s enrolled with this %s:\n",
	    plain == 1 ? "This key is not" : "None of these keys is", noun);
	for (size_t i = 0; i < n; i++)
		if (!front_is_cert(&keys[i]))
			str_addf(out, "  %s %s\n", keys[i].fingerprint,
			    keys[i].type);
	str_addf(out, "%s\n", words->advice);
}

void
front_failure(const struct front_words *words, enum call_form form,
    const struct err *e, struct str *out)
{
	struct jw w;

	if (form == FORM_TEXT) {
		if (words != NULL)
			str_addf(out, "%s: ", words->program);
		str_addf(out, "%s\n", e->msg);
		if (e->hint[0] != '\0')
			str_addf(out, "  %s\n", e->hint);
		return;
	}
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_err(&w, e);
	jw_end(&w, '}');
}
