"use strict";
// A cell sorts by its first number where all cells of the column begin with one; empty cells come last.
const number = text => {
  const found = text.replace("\u2212", "-").replace("\u221e", "Infinity").match(/^[(<\u2264\s]*([+-]?(?:Infinity|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+))/i);
  return found ? Number(found[1]) : NaN;
};
const shown = new Map();
for (const button of document.querySelectorAll("th button")) button.addEventListener("click", () => {
  const th = button.parentElement, body = th.closest("table").tBodies[0], at = th.cellIndex;
  if (!shown.has(body)) shown.set(body, [...body.rows]);
  const next = { ascending: "descending", descending: null }[th.getAttribute("aria-sort")];
  const order = next === undefined ? "ascending" : next;
  for (const other of th.parentElement.cells) other.removeAttribute("aria-sort");
  if (order) th.setAttribute("aria-sort", order);
  const text = row => row.cells[at].textContent.trim();
  const rows = [...shown.get(body)], full = rows.filter(text), empty = rows.filter(row => !text(row));
  const numeric = full.every(row => !isNaN(number(text(row))));
  const sign = order === "descending" ? -1 : 1;
  const compare = numeric
    ? (a, b) => { const x = number(text(a)), y = number(text(b)); return x === y ? 0 : sign * (x < y ? -1 : 1); }
    : (a, b) => sign * text(a).localeCompare(text(b), "en", { numeric: true });
  body.append(...(order ? [...full.sort(compare), ...empty] : rows));
});
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", async () => {
  const source = document.getElementById(button.dataset.copy), status = button.parentElement.querySelector("[role=status]");
  const range = document.createRange();
  try {
    await navigator.clipboard.writeText(source.textContent);
    status.textContent = "Copied.";
  } catch {  // no clipboard for pages from disk, or not allowed: select it, so that the keys copy
    source.closest("details").open = true;
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    status.textContent = document.execCommand("copy") ? "Copied." : "Selected: copy it with the keyboard.";
  }
});
