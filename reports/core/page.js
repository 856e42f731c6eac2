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
// Rows that have every word of the filter stay; shades go from the lowest to the highest number of a column.
function shade(table, on) {
  for (const th of table.tHead.rows[0].cells) {
    const cells = [...table.tBodies[0].rows].map(row => row.cells[th.cellIndex]), values = cells.map(cell => number(cell.textContent.trim()));
    const known = values.filter(isFinite), low = Math.min(...known), high = Math.max(...known);
    cells.forEach((cell, i) => {
      const share = on && th.cellIndex && high > low && isFinite(values[i]) ? 4 + 32 * (values[i] - low) / (high - low) : 0;
      cell.style.background = share ? `color-mix(in srgb, var(--link) ${share.toFixed(0)}%, var(--paper))` : "";
    });
  }
}
for (const box of document.querySelectorAll(".table")) {
  const table = box.querySelector("table"), rows = [...table.tBodies[0].rows], tools = document.createElement("div");
  if (rows.length < 4) continue;
  tools.className = "tools";
  tools.innerHTML = '<label>Filter rows <input type="search"></label><label><input type="checkbox"> Shade numbers</label><span role="status"></span>';
  const [filter, shades] = tools.querySelectorAll("input"), status = tools.lastChild;
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
    status.textContent = filter.value.trim() ? `${rows.filter(row => !row.hidden).length} of ${rows.length} rows` : "";
  });
  shades.addEventListener("change", () => shade(table, shades.checked));
  box.closest(".frame").before(tools);
}
// The right edge of what scrolls fades while there is more.
for (const box of document.querySelectorAll(".scroll")) {
  const look = () => box.parentElement.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  box.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(box);
}
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", async () => {
  const source = document.getElementById(button.dataset.copy), status = button.parentElement.querySelector("[role=status]");
  const range = document.createRange();
  try {
    await navigator.clipboard.writeText(source.textContent);
    status.textContent = "Copied.";
  } catch {  // no clipboard for pages from disk, or not allowed: select it, so that the keys copy
    const details = source.closest("details");
    if (details) details.open = true;
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    status.textContent = document.execCommand("copy") ? "Copied." : "Selected: copy it with the keyboard.";
  }
});
