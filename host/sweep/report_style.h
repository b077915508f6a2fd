/* The style sheet of the report: one column on a phone, two where there is room; light or dark as the
 * reader's device is. */
#ifndef KAIROS_REPORT_STYLE_H
#define KAIROS_REPORT_STYLE_H

static const char report_style[] =
    ":root{color-scheme:light dark;--fg:#1c2024;--soft:#60666d;--bg:#fff;--card:#f5f6f8;--grid:#dfe2e6;"
    "--best:#d8f0dc;--c0:#60666d;--c1:#1f77b4;--c2:#e8710a;--c3:#1a8a3a;--c4:#d62b2b;--c5:#8e51c9;"
    "--c6:#8c564b;--c7:#d646a0;--c8:#0a9ba8;--c9:#9a8a00;--c10:#3b4cc0;--c11:#6a8f1f}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e6e8ea;--soft:#9aa1a9;--bg:#14171a;--card:#1d2125;"
    "--grid:#33393f;--best:#1f4428;--c0:#aab1b8;--c1:#5fb0ee;--c2:#ffa04d;--c3:#52c773;--c4:#ff7070;"
    "--c5:#bd93f0;--c6:#c79a8d;--c7:#f582c8;--c8:#4fd0dc;--c9:#d9c94a;--c10:#8e9cff;--c11:#b0d65e}}\n"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:1080px;padding:16px;background:var(--bg);"
    "color:var(--fg);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5em;line-height:1.2}h2{font-size:1.2em;margin:1.6em 0 "
    ".4em}h3{font-size:1em;margin:1em "
    "0 .3em}p,li{max-width:44em}.soft{color:var(--soft)}\n"
    ".cards{display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr))}"
    "\n"
    ".card{background:var(--card);border-radius:8px;padding:10px;min-width:0}\n"
    ".scroll{overflow-x:auto;grid-column:1/"
    "-1}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-"
    "nums}\n"
    "th,td{padding:3px 8px;text-align:right;border-top:1px solid var(--grid);white-space:nowrap}\n"
    "th:first-child{text-align:left}thead th{border-top:0;color:var(--soft)}tbody th{font-weight:400}\n"
    "td small{display:block;color:var(--soft);line-height:1.1}td.best{background:var(--best)}"
    "td.best b{font-weight:700}td b{font-weight:400}\n"
    "svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--soft)}"
    "svg .title{font-size:13px;fill:var(--fg)}\n"
    ".grid{stroke:var(--grid)}.line{fill:none;stroke:var(--c);stroke-width:1.8}.spread{stroke:var(--c);"
    "stroke-width:1.4;opacity:.7}.lead{fill:none;stroke:var(--c);stroke-width:.8;opacity:.6}\n"
    ".floor{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-dasharray:5 4}"
    "svg.mark{display:inline-block;width:.7em;height:.7em;fill:var(--c)}.keys{margin:.3em 0}\n"
    "svg g{fill:var(--c)}svg g text{fill:var(--c)}.key{color:var(--c)}\n"
    ".s0{--c:var(--c0)}.s1{--c:var(--c1)}.s2{--c:var(--c2)}.s3{--c:var(--c3)}.s4{--c:var(--c4)}"
    ".s5{--c:var(--c5)}.s6{--c:var(--c6)}.s7{--c:var(--c7)}.s8{--c:var(--c8)}.s9{--c:var(--c9)}"
    ".s10{--c:var(--c10)}.s11{--c:var(--c11)}\n"
    "details{margin:.5em 0}summary{cursor:pointer;padding:4px 0;font-weight:600}\n"
    "figure{margin:0 0 8px}figcaption{font-size:.85em}figure "
    "img{display:block;width:100%;image-rendering:pixelated}\n";

#endif
