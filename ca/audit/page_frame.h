/* SPDX-License-Identifier: ISC */
/* What page.c puts around its tables: style, the filter's script. */
#ifndef CA_AUDIT_PAGE_FRAME_H
#define CA_AUDIT_PAGE_FRAME_H

/* Nothing is fetched, whatever the page says. */
#define PAGE_POLICY                                                           \
	"default-src 'none'; style-src 'unsafe-inline'; "                     \
	"script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

#define PAGE_STYLE                                                            \
	":root{color-scheme:light dark;--line:#8886;--soft:#8882}\n"          \
	"body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;"          \
	"max-width:95rem;padding:0 1rem}\n"                                   \
	"h1{margin-bottom:0}h2{margin-top:2.5rem}\n"                          \
	"table{border-collapse:collapse;width:100%;margin-top:.5rem}\n"       \
	"caption{text-align:left;padding:.3rem 0;font-style:italic}\n"        \
	"th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"       \
	"border-bottom:1px solid var(--line);overflow-wrap:break-word}\n"       \
	"td.p{overflow-wrap:anywhere;min-width:9rem}\n"                      \
	"th{font-weight:600}td.t{white-space:nowrap;"                         \
	"font-variant-numeric:tabular-nums}\n"                                \
	"dl.n{display:flex;flex-wrap:wrap;gap:.6rem 2rem}\n"                  \
	"dl.n div{min-width:7rem}dl.n dd{margin:0;font-size:1.7rem}\n"        \
	".bad{font-weight:700}.bad::before{content:'\\26A0\\FE0E  '}\n"       \
	"small{display:block;white-space:normal}\n"                           \
	".bar{fill:currentColor;opacity:.75}.ax{stroke:var(--line)}\n"        \
	"svg{width:100%;height:1.1rem;background:var(--soft);display:block}\n" \
	"#filter{font:inherit;padding:.3rem .5rem;min-width:20rem}\n"         \
	"@media print{body{max-width:none;margin:0;font-size:9pt}"            \
	".screen{display:none}tr{break-inside:avoid}thead{"                   \
	"display:table-header-group}tr[hidden]{display:table-row}}\n"

/* Rows of the tables it is asked to look through, by the words that are in them. */
#define PAGE_SCRIPT                                                           \
	"const box=document.getElementById('filter');\n"                      \
	"const rows=[...document.querySelectorAll('table.f tbody tr')];\n"    \
	"const said=document.getElementById('said');\n"                       \
	"const text=rows.map(r=>r.textContent.toLowerCase());\n"              \
	"function look(){\n"                                                  \
	" const words=box.value.toLowerCase().split(/\\s+/)"                  \
	".filter(w=>w);\n"                                                    \
	" let n=0;\n"                                                         \
	" rows.forEach((r,i)=>{const is=words.every(w=>text[i].includes(w));" \
	"r.hidden=!is;n+=is});\n"                                             \
	" said.textContent=words.length?n+' of '+rows.length+' rows':'';\n"   \
	"}\n"                                                                 \
	"box.addEventListener('input',look);\n"                               \
	"document.querySelector('.screen').hidden=false;\n"

#endif
