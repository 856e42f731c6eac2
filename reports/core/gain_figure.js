// The main figure: gains over the base, or accuracies, of the corruptions that are switched on. It draws from the data
// in the page, in place of the drawn figure, which stays where scripts do not run.
const DECIMALS = 1, NARROW = 560, MANY = 30;
const escaped = text => String(text).replace(/[&<>"']/g, letter => `&#${letter.charCodeAt(0)};`);
const printed = (value, sign) => {
  const text = Math.abs(100 * value).toFixed(DECIMALS), zero = Number(text) === 0;
  return (value < 0 && !zero ? "\u2212" : sign && !zero ? "+" : "") + text;
};

// values[corruption][setting][seed] -> the mean over the chosen corruptions that were measured, settings x seeds.
function meanOver(values, chosen) {
  return values[0].map((row, setting) => row.map((_, seed) => {
    const present = chosen.map(corruption => values[corruption][setting][seed]).filter(value => value !== null);
    return present.length ? average(present) : NaN;
  }));
}

// A row a setting: what is drawn of it. state: gain (over the base, or accuracy), chosen (corruptions).
function computed(data, state) {
  const values = meanOver(data.values, state.chosen);
  const rows = state.gain ? gainsOver(values, data.base, data.level) : values.map(each => {
    const { n, mean, variance } = summary(each, 1), std = Math.sqrt(variance);
    return { each, n, mean, low: mean - std, high: mean + std };
  });
  return rows.map((row, place) => ({ ...row, label: data.settings[place], base: place === data.base }))
    .filter(row => row.n > 0);
}

function described(row, data, state) {
  const unit = state.gain ? " points" : "%", { mean, low, high } = row;
  const bars = state.gain ? `${+(100 * (1 - data.level)).toPrecision(4)}% interval ${printed(low, true)} to ${printed(high, true)}`
    : `standard deviation ${printed((high - low) / 2)}`;
  const seeds = row.each.map((value, i) => isNaN(value) ? "" : `seed ${data.seeds[i]}: ${printed(value, state.gain)}`);
  const lines = [`${printed(mean, state.gain)}${unit}`, ...(isNaN(low) ? [] : [bars]), seeds.filter(Boolean).join(", ")];
  return row.base && state.gain ? ["the base", `n = ${row.n}`] : [...lines, `n = ${row.n}`];
}

// Round steps of an axis from low to high, about `count` of them.
function steps(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

function drawn(rows, data, state, width) {
  const narrow = width < NARROW, height = narrow ? 40 : 26, left = narrow ? 8 : Math.min(230, width * 0.3);
  const ends = rows.flatMap(row => [...row.each, row.low, row.high]).filter(isFinite).map(value => 100 * value);
  let low = Math.min(...ends, state.gain ? 0 : Infinity), high = Math.max(...ends, state.gain ? 0 : -Infinity);
  const margin = 0.04 * (high - low) || 1;
  low -= margin; high += margin;
  const x = value => left + (100 * value - low) / (high - low) * (width - left - 12);
  const y = place => 12 + height * place + (narrow ? 28 : 13), bottom = 12 + height * rows.length;
  const parts = steps(low, high, width / 70).map(tick =>
    `<line class="grid" x1="${x(tick / 100)}" x2="${x(tick / 100)}" y1="6" y2="${bottom}"/>` +
    `<text class="tick" x="${x(tick / 100)}" y="${bottom + 18}">${escaped(+tick.toPrecision(6)).replace("-", "\u2212")}</text>`);
  if (state.gain) parts.push(`<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="6" y2="${bottom}"/>`);
  data.seeds.forEach((_, seed) => {
    const points = rows.map((row, place) => [row.each[seed], place]).filter(([value]) => !isNaN(value));
    parts.push(`<polyline class="seed" points="${points.map(([value, place]) => `${x(value)},${y(place)}`).join(" ")}"/>`);
  });
  rows.forEach((row, place) => {
    const name = row.label + (row.base ? " (base)" : ""), room = Math.floor((narrow ? width : left) / 7.2);
    const short = name.length > room ? `${name.slice(0, room / 2 - 1)}\u2026${name.slice(-room / 2)}` : name;
    const where = narrow ? `x="8" y="${y(place) - 13}"` : `x="0" y="${y(place) + 4}"`;
    const dots = row.each.map(value => isNaN(value) ? "" : `<circle class="each" cx="${x(value)}" cy="${y(place)}" r="2.2"/>`);
    const bar = isNaN(row.low) ? "" : `<line class="bar" x1="${x(row.low)}" x2="${x(row.high)}" y1="${y(place)}" y2="${y(place)}"/>`;
    parts.push(`<g class="row" role="img" tabindex="${place ? -1 : 0}" data-place="${place}"`
      + ` aria-label="${escaped([row.label, ...described(row, data, state)].join("; "))}">`
      + `<rect x="0" y="${12 + height * place}" width="${width}" height="${height}"/><text ${where}>${escaped(short)}</text>`
      + `${bar}${dots.join("")}<circle class="mean" cx="${x(row.mean)}" cy="${y(place)}" r="4.5"/></g>`);
  });
  const over = (width - left) / 6.5 < 20 + (data.settings[data.base] ?? "").length ? "the base" : data.settings[data.base];
  const title = state.gain ? `gain over ${over} (points)` : "top-1 accuracy (%)";
  parts.push(`<text class="tick" x="${(left + width) / 2}" y="${bottom + 38}">${escaped(title)}</text>`);
  return `<svg width="${width}" height="${bottom + 46}" role="group" aria-label="${escaped(title)}">${parts.join("")}</svg>`;
}

function switches(data, name) {
  const families = [...new Set(data.corruptions.map(([, family]) => family))].filter(family => family !== "clean");
  const box = (kind, value, text) =>
    `<label><input type="checkbox" data-${kind}="${escaped(value)}" checked> ${escaped(text)}</label>`;
  const choice = (kind, values) => values.map(([value, text], i) =>
    `<label><input type="radio" name="${name}-${kind}" data-${kind}="${value}"${i ? "" : " checked"}> ${text}</label>`).join("");
  const group = (title, inner) => `<fieldset><legend>${escaped(title)}</legend>${inner}</fieldset>`;
  const single = families.map(family => group(family, data.corruptions.map(([corruption, own], i) =>
    own === family ? box("corruption", i, corruption) : "").join("")));
  const images = families.length && data.corruptions.some(([, family]) => family === "clean");
  const gains = [["gain", "gain over the base"], ["accuracy", "accuracy"]];
  return (data.base === null ? "" : group("Show", choice("show", gains)))
    + (images ? group("Images", choice("images", [["corrupted", "under corruption"], ["clean", "clean"]])) : "")
    + group("Order", choice("order", [["study", "of the study"], ["mean", "by mean"]]))
    + (families.length > 1 ? group("Families", families.map(family => box("family", family, family)).join("")) : "")
    + (families.length ? `<details><summary>Single corruptions</summary>${single.join("")}</details>` : "");
}

// What the switches say, after those of a family and its corruptions were brought in line with the one that changed.
function read(form, data, changed) {
  const all = kind => [...form.querySelectorAll(`[data-${kind}]`)], own = box => data.corruptions[box.dataset.corruption][1];
  const singles = all("corruption");
  for (const box of singles) if (changed?.dataset.family === own(box)) box.checked = changed.checked;
  for (const box of all("family")) {
    const inside = singles.filter(single => own(single) === box.dataset.family).map(single => single.checked);
    box.checked = inside.every(Boolean);
    box.indeterminate = !box.checked && inside.some(Boolean);
  }
  const picked = kind => form.querySelector(`[data-${kind}]:checked`)?.dataset[kind];
  const clean = picked("images") === "clean" || !singles.length;
  for (const box of [...singles, ...all("family")]) box.disabled = clean;
  const chosen = clean ? data.corruptions.map((_, i) => i).filter(i => data.corruptions[i][1] === "clean")
    : singles.filter(box => box.checked).map(box => Number(box.dataset.corruption));
  return { gain: picked("show") === "gain", byMean: picked("order") === "mean", clean, chosen };
}

function mainFigure(source) {
  const data = JSON.parse(source.textContent), section = source.closest("section"), box = document.createElement("div");
  box.className = "live";
  box.innerHTML = `<form>${switches(data, section.id)}</form><p class="soft" role="status"></p>`
    + `<div class="plot"><div class="drawing"></div><div class="tip" hidden></div></div><button type="button" hidden></button>`;
  const [form, status, plot, more] = box.children, [drawing, tip] = plot.children;
  section.querySelector("figure").replaceWith(box);
  let rows = [], state, all = false, width = 0;
  const draw = changed => {
    state = read(form, data, changed);
    const measured = state.clean ? 0 : data.corruptions.filter(([, family]) => family !== "clean").length;
    status.textContent = state.clean ? "On clean images." : state.chosen.length
      ? `Mean over ${state.chosen.length} of ${measured} corruptions.` : "No corruption is switched on.";
    rows = state.chosen.length ? computed(data, state) : [];
    const without = data.settings.length - rows.length;
    if (state.chosen.length && without) status.textContent += ` Without ${without} settings that `
      + `${state.gain ? "share no seed with the base" : "were not measured"}.`;
    if (state.byMean) rows.sort((a, b) => b.mean - a.mean);
    more.hidden = all || rows.length <= MANY;
    more.textContent = `Show all ${rows.length} settings`;
    if (!more.hidden) rows = rows.filter((row, i) => i < MANY || row.base);
    tip.hidden = true;
    width = plot.clientWidth;
    drawing.innerHTML = rows.length ? drawn(rows, data, state, Math.max(280, width)) : "";
  };
  const show = event => {
    const target = event.target.closest?.(".row");
    if (!target) return;
    const row = rows[target.dataset.place], [first, ...rest] = described(row, data, state);
    tip.innerHTML = `<strong>${escaped(row.label)}: ${escaped(first)}</strong>${rest.map(line => `<div>${escaped(line)}</div>`).join("")}`;
    tip.hidden = false;
    const place = target.querySelector(".mean").getBoundingClientRect(), frame = plot.getBoundingClientRect();
    tip.style.left = `${Math.max(0, Math.min(place.x - frame.x + 12, frame.width - tip.offsetWidth))}px`;
    tip.style.top = `${place.bottom - frame.y + 6}px`;
  };
  const hide = () => { tip.hidden = true; };
  drawing.addEventListener("pointerover", show);
  drawing.addEventListener("pointerleave", hide);
  drawing.addEventListener("focusin", show);
  drawing.addEventListener("focusout", hide);
  drawing.addEventListener("keydown", event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], here = document.activeElement.closest(".row");
    if (event.key === "Escape") hide();
    const next = here && step && drawing.querySelectorAll(".row")[Number(here.dataset.place) + step];
    if (!next) return;
    event.preventDefault();
    here.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  form.addEventListener("change", event => draw(event.target));
  more.addEventListener("click", () => { all = true; draw(); });
  new ResizeObserver(() => { if (plot.clientWidth !== width) draw(); }).observe(plot);
  draw();
}
for (const source of document.querySelectorAll("script[data-gains]")) mainFigure(source);
