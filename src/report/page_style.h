// How the report's page looks, and the few lines that sort its table.
#pragma once

namespace slipway {

inline constexpr const char* kPageStyle = R"css(:root {
  color-scheme: light dark;
  --back: #fbfbfa; --card: #fff; --ink: #1d1f22; --soft: #666b73; --line: #e2e3e6; --accent: #3f7fc1; --bad: #c02b3d;
}
@media (prefers-color-scheme: dark) {
  :root { --back: #15171a; --card: #1d2024; --ink: #e7e8ea; --soft: #9aa0a8; --line: #33373d; --bad: #ff7a88; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 1240px; background: var(--back); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { margin: 0 0 12px; font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { margin: 0 0 8px; font-size: 1.15rem; }
h3 { margin: 0 0 8px; font-size: .95rem; color: var(--soft); font-weight: 600; }
code { font: .85em ui-monospace, Menlo, Consolas, monospace; }
.by { margin: 0; color: var(--soft); font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; }
.note { margin: 0 0 10px; color: var(--soft); font-size: .87rem; max-width: 76ch; }
section, .machine { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px;
  margin: 0 0 16px; }
.machine { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 10px 20px; }
.machine dt { color: var(--soft); font-size: .8rem; }
.machine dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 14px; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .84rem; }
.wrong { border-color: var(--bad); }
.wrong h2, .bad { color: var(--bad); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 20px 36px; }
.bar { display: grid; grid-template-columns: minmax(0, 13rem) minmax(60px, 1fr) 4rem; gap: 10px; align-items: center;
  margin: 3px 0; font-size: .88rem; }
.bar .what { overflow-wrap: anywhere; }
.bar i { color: var(--soft); font-style: normal; }
.track { height: 12px; border-radius: 3px; background: var(--line); overflow: hidden; }
.track span { display: block; height: 100%; border-radius: 3px; }
.figure, .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scroll { overflow-x: auto; }
.roofline { display: block; width: 100%; height: auto; min-width: 640px; }
.roofline .frame { fill: var(--soft); }
.roofline .grid { stroke: var(--line); }
.roofline .roof { stroke: var(--soft); }
.roofline .dots { fill: var(--ink); }
.roofline .leader { stroke: var(--ink); }
.roofline .number { stroke: var(--card); pointer-events: none; }
.roofline circle:hover { fill-opacity: .95; }
.kinds { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 8px 0; font-size: .87rem; }
.kinds i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 50%; }
.slowest { margin: 8px 0 0; padding: 0; list-style: none; counter-reset: step; font-size: .87rem;
  columns: 2 340px; column-gap: 36px; }
.slowest li { display: grid; grid-template-columns: 1.5rem minmax(0, 1fr); gap: 0 6px; break-inside: avoid;
  padding: 3px 0; counter-increment: step; }
.slowest li::before { content: counter(step); font-weight: 700; grid-row: span 2; }
.slowest li span:last-child { color: var(--soft); }
.long { overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: .85rem; }
.steps { width: 100%; min-width: 980px; }
.steps td, .steps th { padding: 5px 8px; vertical-align: top; border-top: 1px solid var(--line); text-align: left; }
.steps td.n { text-align: right; }
.steps thead th { border-top: 0; }
.steps th button { all: unset; cursor: pointer; color: var(--soft); font-weight: 600; white-space: nowrap; }
.steps th button:focus-visible { outline: 2px solid var(--accent); }
.steps th[aria-sort] button { color: var(--ink); }
.steps th[aria-sort=ascending] button::after { content: " \25B2"; }
.steps th[aria-sort=descending] button::after { content: " \25BC"; }
.steps tbody tr:hover { background: color-mix(in srgb, var(--accent) 8%, transparent); }
.made { color: var(--soft); font-size: .92em; }
.meter { display: inline-block; width: 60px; height: 8px; margin-right: 8px; border-radius: 2px; background: var(--line);
  overflow: hidden; }
.meter span { display: block; height: 100%; background: var(--accent); }
summary { cursor: pointer; white-space: nowrap; }
details ul { margin: 0; padding-left: 18px; max-width: 46ch; }
details p { margin: 6px 0 2px; color: var(--soft); }
.steps .inner td, .steps .inner th { padding: 2px 10px 2px 0; border: 0; font-weight: 400; white-space: nowrap; }
.steps .inner th { color: var(--soft); }
.steps .inner .chosen td { font-weight: 700; }
@media (max-width: 560px) {
  body { padding: 8px; }
  section, .machine { padding: 12px; }
  .bar { grid-template-columns: minmax(0, 1fr) 4rem; gap: 0 10px; margin: 6px 0; }
  .bar .what { grid-column: 1 / -1; }
}
@media print { body { max-width: none; } section { break-inside: avoid; } }
)css";

// Sorts by a column's numbers where it has them, else by its text; the same heading again turns the order.
inline constexpr const char* kPageScript =
    R"js(for (const button of document.querySelectorAll(".steps th button")) {
  button.addEventListener("click", () => {
    const head = button.parentNode, column = head.cellIndex, body = document.querySelector(".steps tbody");
    const isNumber = body.rows.length > 0 && body.rows[0].cells[column].dataset.v !== undefined;
    const wasDescending = head.getAttribute("aria-sort") === "descending";
    const wasAscending = head.getAttribute("aria-sort") === "ascending";
    const sign = (isNumber ? wasDescending : !wasAscending) ? 1 : -1;
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const key = row => isNumber ? Number(row.cells[column].dataset.v) : row.cells[column].textContent;
    const rows = [...body.rows].map(row => [key(row), row]);
    rows.sort(([a], [b]) => sign * (isNumber ? a - b : a.localeCompare(b)));
    body.append(...rows.map(([, row]) => row));
  });
}
)js";

}  // namespace slipway
