"""How the report's page looks, on a screen and on A4."""

STYLE = """
:root { --ink: #1b1f24; --faint: #5d6772; --line: #d9dee4; --band: #f4f6f8; --warn: #8a4b00; }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; color: var(--ink);
  background: #fff; max-width: 1120px; margin: 0 auto; padding: 24px; }
h1 { font-size: 26px; font-weight: 600; margin: 0 0 4px; }
h2 { font-size: 18px; font-weight: 600; margin: 32px 0 8px; break-after: avoid; }
h3 { font-size: 14px; font-weight: 600; margin: 0 0 4px; }
p { margin: 4px 0; }
.faint { color: var(--faint); }
.warning { border-left: 4px solid #d98200; background: #fff7ea; color: var(--warn); padding: 8px 12px; margin: 14px 0; }
.top { display: flex; gap: 28px; align-items: flex-start; }
.top > div { flex: 1; min-width: 0; }
.top figure { flex: 0 0 44%; margin: 0; text-align: center; }
.top img { max-width: 100%; max-height: 460px; }
figcaption { font-size: 12px; color: var(--faint); }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
th { text-align: left; font-weight: 600; vertical-align: bottom; border-bottom: 2px solid var(--ink);
  padding: 4px 8px 4px 0; }
td:first-child:not(.n) { min-width: 7.5em; }
td { vertical-align: top; border-bottom: 1px solid var(--line); padding: 4px 8px 4px 0; }
tr { break-inside: avoid; }
.n { text-align: right; white-space: nowrap; }
th .faint { font-weight: 400; display: block; }
.dot { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 7px; vertical-align: -1px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.remark { color: var(--warn); }
.card { break-inside: avoid; margin: 0 0 18px; }
.card img { display: block; max-width: 100%; margin-top: 4px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.views { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 12px; }
.views figure { margin: 0; break-inside: avoid; width: 180px; }
.views img { width: 100%; display: block; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 16px; margin: 8px 0; }
dt { color: var(--faint); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
@page { size: A4; margin: 14mm 12mm; }
@media print {
  body { font-size: 9.5pt; max-width: none; padding: 0; }
  table { font-size: 8pt; }
  h1 { font-size: 17pt; }
  h2 { font-size: 12.5pt; margin-top: 18pt; }
  .top img { max-height: 95mm; }
  .card img { max-width: 100%; max-height: 72mm; width: auto; }
}
"""
