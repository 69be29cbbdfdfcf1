#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the page of `writ audit report` is read in a browser: it
# fetches nothing, its filter leaves what was asked for, it fits a telephone, it
# is whole on paper, and what a screen reader goes by is there.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$here/../interop/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$here/../interop/ca.sh"
# shellcheck source=tests/interop/fleet.sh
. "$here/../interop/fleet.sh"

if ! command -v chromium >/dev/null; then
	t_fail 'chromium is installed'
	t_done
fi
cd "$T" || exit 1

# --- a page --------------------------------------------------------------------
mkdir bin state
cp "$TOP/tests/tools/fakemaster" bin/ssh
export FAKE_DIR=$T/corp FAKE_STATE=$T/state
make_corp() {
	fleet_corp
	ca_key ed25519 one
	"$writ" request -C corp -i alice --key one.pub -o one.req --grant work \
		-m 'deploy <b>4711</b> & "so on"' deploy &&
		"$writ" sign -C corp one.req -o one-cert.pub
}
t 'a deployment, and a certificate' make_corp

# Of 60 logins on six hosts each tenth is by the certificate, the rest by keys
# that nobody issued.
fingerprint() { ssh-keygen -lf "$1" | cut -d' ' -f2; }
jq -n --arg ca "$(fingerprint corp/policy/authorities/user_ca.pub)" \
	--arg serial "$(ca_serial one-cert.pub)" \
	--arg key "$(fingerprint ivan.pub)" '
    [range(60) | . as $n |
	{host: "web-\($n % 6).example.com", seq: "\($n)", number: 0, index: "9",
	 came: (now | floor | todate), source: "journal", report: ("07" * 32),
	 at: (now - 60 * (60 - $n) | floor | todate), session: "b.\($n)",
	 account: "deploy", what: "login", from: "2001:db8::\($n)", port: 50112,
	 method: "publickey"} +
	(if $n % 10 == 0 then {ca: $ca, serial: $serial, key_id: "x"} else
	 {key: $key} end)]' >state/logins.json
printf '[]\n' >state/status.json
t 'the page is written' env PATH="$T/bin:$PATH" "$writ" audit report -C corp \
	-i petra --since 1d --html page.html

# --- a browser -----------------------------------------------------------------
browse() { # OPTION...: what is in page $page, judged by it
	timeout 60 chromium --headless=new --no-sandbox --disable-gpu \
		--no-first-run --disable-dev-shm-usage --hide-scrollbars \
		--user-data-dir="$T/profile" --enable-logging=stderr \
		--virtual-time-budget=2000 "$@" "file://$T/$page" 2>err.txt
}
# asked BODY [OPTION...]: what that function returns in the page, as JSON.
asked() {
	local body=$1

	shift
	page=asked.html
	{
		cat page.html
		printf '<script>document.body.append(Object.assign('
		printf 'document.createElement("pre"),{id:"answer",textContent:'
		printf '"<<"+JSON.stringify((()=>{%s})())+">>"}))</script>' \
			"$body"
	} >"$page"
	browse --dump-dom "$@" | grep -o '&lt;&lt;.*&gt;&gt;' |
		sed 's/^&lt;&lt;//; s/&gt;&gt;.*//; s/&lt;/</g; s/&gt;/>/g;
		    s/&amp;/\&/g'
}

page=page.html
browse --dump-dom >dom.html
t 'it is shown' grep -q '<dt>Logins</dt><dd>60</dd>' dom.html
t_not 'and the browser complains about nothing' grep -i 'CONSOLE\|refused to' \
	err.txt

# Each start of a browser takes seconds: one for all questions.  The last thing
# that is typed stays.
asked '
const all = s => [...document.querySelectorAll(s)];
const rows = all("table.f tbody tr");
const box = document.getElementById("filter");
const typed = words => {
	box.value = words;
	box.dispatchEvent(new Event("input"));
	return [rows.filter(r => !r.hidden && r.offsetParent).length,
	    document.getElementById("said").textContent];
};
const start = e => e.outerHTML.slice(0, 80);
return {
	fetched: performance.getEntriesByType("resource").map(e => e.name),
	reason: document.body.innerText.match(/deploy <b>.*so on"/)[0],
	markup: all("td b").length,
	rows: rows.length,
	one: typed("4711"),
	three: typed("DEPLOY  4711 2001:db8::30"),
	none: typed(" "),
	language: document.documentElement.lang,
	headings: all("h1").length,
	tables: all("table").filter(t => !t.caption || !t.tHead ||
	    [...t.tHead.querySelectorAll("th")].some(h => h.scope != "col"))
	    .map(start),
	pictures: all("svg").filter(s => s.getAttribute("aria-hidden") != "true" &&
	    !(s.getAttribute("role") == "img" && (s.getAttribute("aria-label") ||
	    s.querySelector("title")))).map(start),
	field: box.labels.length,
	vain: typed("banana")
};' >answers.json
answer() { jq -c ".$1" answers.json; }
t_eq 'nothing is fetched' '[]' "$(answer fetched)"
t_eq 'a reason is text' '"deploy <b>4711</b> & \"so on\""' "$(answer reason)"
t_eq 'and no markup' 0 "$(answer markup)"

# --- the filter ----------------------------------------------------------------
all=$(answer rows)
t 'it has a row a login at least' [ "$all" -ge 60 ]
t_eq 'what is typed is looked for: its logins and itself' \
	"[7,\"7 of $all rows\"]" "$(answer one)"
t_eq 'in capitals too, all words' "[1,\"1 of $all rows\"]" "$(answer three)"
t_eq 'in vain' "[0,\"0 of $all rows\"]" "$(answer vain)"
t_eq 'and what is empty leaves all' "[$all,\"\"]" "$(answer none)"

# --- who sees it otherwise -----------------------------------------------------
t_eq 'a screen reader knows the language' '"en"' "$(answer language)"
t_eq 'one heading' 1 "$(answer headings)"
t_eq 'what each table is, and each column' '[]' "$(answer tables)"
t_eq 'what each picture is' '[]' "$(answer pictures)"
t_eq 'and what the field is for' 1 "$(answer field)"
browse --print-to-pdf="$T/page.pdf" --no-pdf-header-footer
t 'it is printed, of what is typed that nothing has' [ -s page.pdf ]
pdftotext -layout page.pdf paper.txt
t_eq 'each login is on paper all the same' 60 \
	"$(grep -o '2001:db8::[0-9]*' paper.txt | sort -u | wc -l)"
t_not 'and no field to type into' grep -qi 'show rows' paper.txt
t_eq 'a telephone need not scroll sideways but in tables' '[]' \
	"$(asked 'return [...document.querySelectorAll("body *")].filter(e =>
	    !e.closest("table, svg") &&
	    e.getBoundingClientRect().right > innerWidth + 1)
	    .map(e => e.tagName)' --window-size=500,900)"

page=page.html
browse --screenshot="$T/page.png" --window-size=1280,1600
t 'a picture is taken, and not blank' [ "$(stat -c %s page.png)" -gt 20000 ]
[ -z "${KEEP_PICTURE:-}" ] || cp page.png page.pdf page.html "$KEEP_PICTURE"
t_done
