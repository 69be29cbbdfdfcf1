/* SPDX-License-Identifier: ISC */
/* What the front says in words of its own. */
#include <ctype.h>
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

/* "net" for ERR_NET. */
static void
add_code_name(struct str *out, int code)
{
	static const struct {
		int code;
		const char *name;
	} names[] = {
#define X(name, value, text) {value, #name},
	    ERR_LIST(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == code)
			for (const char *p = names[i].name + strlen("ERR_");
			     *p != '\0'; p++)
				str_addc(out, (char)tolower(*p));
}

void
front_failure(const struct front_words *words, enum call_form form,
    const struct err *e, struct str *out)
{
	struct str code = STR_INIT;
	struct jw w;

	if (form == FORM_TEXT) {
		str_addf(out, "%s: %s\n", words->program, e->msg);
		if (e->hint[0] != '\0')
			str_addf(out, "  %s\n", e->hint);
		return;
	}
	add_code_name(&code, e->code);
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "error", e->msg);
	if (e->hint[0] != '\0')
		jw_str(&w, "hint", e->hint);
	jw_str(&w, "code", code.p);
	jw_end(&w, '}');
	if (str_check(&code) != 0)
		out->failed = true;
	str_clear(&code);
}
