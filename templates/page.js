// The filter and the tooltip of the page, which is complete without them. Texts and charts are prepared for every selection;
// the script puts them in place. It does not add up, format or draw.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse(byId("data").textContent);
  const form = byId("filter"), tip = byId("tip");

  // ---- one tooltip for a whole bar: pointer, touch, and arrow keys

  const hide = () => {
    tip.classList.remove("on");
    all(".m.on").forEach((bar) => bar.classList.remove("on"));
  };
  const element = (name, text, className = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = className;
    return made;
  };
  const swatch = (className) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    svg.setAttribute("class", `sw ${className}`);
    rect.setAttribute("width", 12);
    rect.setAttribute("height", 12);
    svg.append(rect);
    return svg;
  };
  // The lines of a bar's title: period, state, each part from the top, total, runs and credits.
  const show = (bar, lines) => {
    const chart = bar.closest(".chart"), parts = lines.slice(2, -2), list = document.createElement("div");
    const classes = bar.dataset.parts.split(" ");
    parts.forEach((part, at) => {
      const [name, value] = part.split(/: (?=[^:]*$)/), [amount, share = ""] = value.split(" · ");
      list.append(swatch(classes[at]), element("span", name), element("span", amount, "v"), element("span", share, "v"));
    });
    const [name, amount] = lines.at(-2).split(/: (?=[^:]*$)/);
    list.append(document.createElement("hr"), element("span", ""), element("span", name, "sum"), element("span", amount, "v sum"), element("span", ""));
    tip.replaceChildren(element("b", lines[0]), ...(lines[1] ? [element("p", lines[1])] : []), list, element("p", lines.at(-1)));
    chart.append(tip);
    const box = chart.getBoundingClientRect(), hit = bar.querySelector(".hit").getBoundingClientRect();
    const right = hit.right - box.left + 8, left = hit.left - box.left - 280;
    tip.style.left = `${right + 272 <= box.width ? right : Math.max(0, left)}px`;
    tip.style.top = "24px";
    hide();
    bar.classList.add("on");
    tip.classList.add("on");
  };
  // A finger covers the bar: its first tap shows the tooltip, the second one chooses.
  let isTouch = false, tapped = null;
  addEventListener("pointerdown", ({ pointerType }) => { isTouch = pointerType === "touch"; }, true);
  const prepare = (chart) => {
    const bars = all(".m", chart).filter((bar) => bar.querySelector("title")), last = bars.length - 1;
    bars.forEach((bar, at) => {
      const title = bar.querySelector("title"), lines = title.textContent.split("\n");
      title.remove();
      const area = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of [["class", "hit"], ["height", 246]]) area.setAttribute(name, value);
      bar.prepend(area);
      // Parts are drawn from the bottom, and named from the top.
      const named = lines.length - 4, drawn = all("rect", bar).map((rect) => rect.getAttribute("class")).filter((name) => !["hit", "hatch", "ghost"].includes(name));
      bar.dataset.parts = (drawn.length === named ? drawn.reverse() : Array(named).fill("none")).join(" ");
      // The name has all that the tooltip says.
      bar.setAttribute("aria-label", lines.filter(Boolean).join("; "));
      bar.tabIndex = at === last ? 0 : -1;
      for (const event of ["pointerenter", "focus"]) bar.addEventListener(event, () => show(bar, lines));
      bar.addEventListener("pointerleave", ({ pointerType }) => { if (pointerType !== "touch") hide(); });
      bar.addEventListener("blur", () => {
        hide();
        tapped = null;
      });
      const choose = () => {
        show(bar, lines);
        if (bar.dataset.month) select("month", bar.dataset.month);
      };
      bar.addEventListener("click", () => {
        const isFirstTap = isTouch && tapped !== bar;
        tapped = bar;
        isFirstTap ? show(bar, lines) : choose();
      });
      bar.addEventListener("keydown", (key) => {
        const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[key.key];
        if (key.key === "Escape") hide();
        if (key.key === "Enter" || key.key === " ") { key.preventDefault(); choose(); }
        if (bars[to]) {
          key.preventDefault();
          bar.tabIndex = -1;
          bars[to].tabIndex = 0;
          bars[to].focus();
        }
      });
    });
  };
  const mark = (month) => all(".m[data-month]").forEach((bar) => bar.classList.toggle("chosen", bar.dataset.month === month && month !== data.months[data.focus]));

  // ---- the selection

  const selects = Object.fromEntries(["month", "pipeline", "kind", "center"].map((name) => [name, byId(`f-${name}`)]));
  const selectable = data.groups.concat(data.pipelines);
  const first = form ? selects.month.value : null;
  const chosen = () => selectable.find(({ f, k }) => f && selects[f].value === k) ?? data.groups[0];
  const originals = new Map(["days"].map((id) => [id, byId(id)?.cloneNode(true)]));
  const charts = all("#chart .v-month .chart, #chart .v-credit .chart").map((chart) => [chart, chart.cloneNode(true)]);

  const fill = (names, texts) => names.forEach((name, at) => {
    for (const slot of all(`[data-slot="${name}"]`)) {
      slot.textContent = texts[at];
      const box = slot.closest(".kv div") ?? (slot.matches(".pill") ? slot : null);
      if (box && !name.endsWith("-label")) box.hidden = texts[at] === "";
    }
  });
  const text = (names, texts, name) => texts[names.indexOf(name)];
  const fillCards = (selection, month, at) => {
    fill(data.monthSlots, data.texts[at]);
    const badge = document.querySelector("[data-badge]"), state = text(data.monthSlots, data.texts[at], "badge-class");
    badge.hidden = state === "";
    badge.className = `pill ${state}`;
    badge.querySelector("use").setAttribute("href", state === "closed" ? "#lock" : "#run");
    const texts = selection.c[at] ?? data.slots.map((name) => ["cost", "credits", "failed"].includes(name) ? "–" : "");
    fill(data.slots, texts);
    for (const name of ["cost", "credits", "failed"]) document.querySelector(`[data-slot="${name}-delta"]`).className = text(data.slots, texts, `${name}-delta-class`);
    const cost = document.querySelector('[data-slot="cost"]'), exact = text(data.slots, texts, "cost-exact");
    cost.value = cost.title = exact;
    selection.s.forEach(([solid, dashes, last], spark) => {
      const paths = all(`[data-spark="${spark}"] path`), end = document.querySelector(`[data-spark="${spark}"] circle`);
      paths[0]?.setAttribute("d", solid);
      paths[1]?.setAttribute("d", dashes);
      end?.setAttribute("cy", `${last || 50}%`);
    });
    all(".headline").forEach((part) => part.classList.toggle("off", selection !== data.groups[0] || at !== data.focus));
  };
  const template = (id) => byId(id)?.content.cloneNode(true);
  const swapCharts = (selection, month, at) => {
    const isAll = selection === data.groups[0], place = data.groups.indexOf(selection);
    const fragment = isAll ? null : template(place < 0 ? `chart-p${data.pipelines.indexOf(selection)}` : `chart-g${place}`);
    for (const entry of charts) {
      const name = entry[1].dataset.chart, found = isAll ? entry[1].cloneNode(true) : fragment?.querySelector(`[data-chart="${name}"]`);
      const next = found ?? element("p", byId("no-chart").textContent, "note");
      entry[0].replaceWith(next);
      entry[0] = next;
      if (found) prepare(next);
    }
    const days = byId("days"), own = !isAll ? undefined : at === data.focus ? originals.get("days").cloneNode(true) : template(`days-${month}`);
    days.replaceChildren(...(own ? own.childNodes : []));
    all(".chart", days).forEach(prepare);
    byId("no-days").hidden = own !== undefined;
    all("#chart .of-all").forEach((note) => { note.hidden = !isAll; });
    mark(month);
  };
  const table = document.querySelector(".pipes"), sample = table?.querySelector("tbody tr")?.cloneNode(true);
  const row = (name, kind, cost, exact, [width, share, delta, className], key) => {
    const made = sample.cloneNode(true), cells = made.children;
    made.querySelector("bdi").textContent = name;
    const kindName = [...selects.kind.options].find(({ value }) => value === kind)?.textContent;
    if (key === null || kindName === undefined) made.querySelector(".hide")?.remove();
    else made.querySelector(".hide").textContent = `, ${kindName}`;
    const bar = made.querySelector("rect");
    bar.setAttribute("class", kind);
    bar.setAttribute("width", `${width}%`);
    cells[2].replaceChildren(element(key === null ? "span" : "b", cost));
    cells[2].title = exact;
    cells[3].textContent = share;
    cells[4].replaceChildren(element("span", delta, className));
    if (key === null) {
      made.className = "rest";
      bar.remove();
      delete made.dataset.key;
    } else made.dataset.key = key;
    return made;
  };
  const fillList = (selection, at) => {
    const panel = byId("leaders");
    panel.hidden = !selection.t || !sample;
    if (panel.hidden) return;
    const [pipelines, rest] = selection.t[at];
    table.tBodies[0].replaceChildren(...pipelines.map((place) => {
      const { n, kind, c, r, k } = data.pipelines[place];
      return row(n, kind ?? "none", text(data.slots, c[at], "cost"), text(data.slots, c[at], "cost-exact"), r[at], k);
    }));
    table.tFoot.replaceChildren(...(rest ? [row(rest[4], "none", rest[5], rest[6], rest, null)] : []));
  };
  const filterAttention = (selection, at) => {
    const panel = byId("attention"), isAll = selection === data.groups[0];
    const fits = ({ dataset }) => isAll || (selection.f === "kind" ? dataset.kind === selection.k : dataset.key === selection.k);
    const items = all("li", panel);
    panel.hidden = at !== data.focus || selection.f === "center" || !isAll && !items.some(fits);
    for (const item of items) {
      item.classList.toggle("gone", !fits(item));
      item.classList.toggle("shown", !isAll && fits(item));
    }
    all(".others, .fine, .note", panel).forEach((part) => { part.hidden = !isAll; });
  };
  // A selection has its own marks, ticks and shades in the folded charts of all runs. Its tables are not in the page.
  const folds = all(".folds > details").map((fold) => ({ fold, line: fold.querySelector("summary span"), content: fold.querySelector(".in") }));
  folds.forEach((entry) => { [entry.words, entry.original] = [entry.line?.textContent, entry.content.cloneNode(true)]; });
  const fillColumns = (content, ticks, tops) => {
    for (const [part, names] of [[".axis", ["y"]], [".grid", ["y1", "y2"]]]) {
      const parent = content.querySelector(part), sample = parent.firstElementChild;
      parent.replaceChildren(...ticks.map(([y, label]) => {
        const tick = sample.cloneNode(true);
        names.forEach((name) => tick.setAttribute(name, y));
        if (part === ".axis") tick.textContent = label;
        return tick;
      }));
    }
    all(".marks title", content).forEach((title) => title.remove());
    all(".marks rect", content).forEach((rect, at) => rect.setAttribute("y", parseInt(tops.slice(2 * at, 2 * at + 2), 36)));
  };
  const fillCalendar = (content, legend, shades) => {
    const [perDay, failing] = ["first", "last"].map((place) => content.querySelector(`.legend > :${place}-child`).textContent);
    all(".shade", content).slice(0, legend.length).forEach((shade, at) => {
      shade.hidden = legend[at] === "";
      shade.lastChild.textContent = legend[at];
    });
    all(".marks rect", content).forEach((day, at) => {
      const shade = Number(shades[at]), title = day.firstElementChild, date = title.textContent.split(": ")[0];
      day.setAttribute("class", `d${shade}`);
      title.textContent = `${date}. ${perDay}${legend[shade < legend.length ? shade : shade - legend.length + 1]}${shade < legend.length ? "" : `; ${failing}`}`;
    });
  };
  const fillFolds = (selection) => {
    const isAll = selection === data.groups[0];
    for (const entry of folds) {
      const own = isAll ? null : selection.folds?.[entry.fold.dataset.fold], content = entry.original.cloneNode(true);
      entry.fold.hidden = !isAll && !own;
      if (entry.line) entry.line.textContent = own ? own[0] : entry.words;
      if (own) {
        all(".data, .note", content).forEach((part) => part.remove());
        content.querySelector("desc").textContent = own[0];
        (entry.fold.dataset.fold === "calendar" ? fillCalendar : fillColumns)(content, own[1], own[2]);
      }
      entry.content.replaceWith(content);
      entry.content = content;
    }
    return folds.some(({ fold }) => !fold.hidden);
  };
  const apply = () => {
    const selection = chosen(), month = selects.month.value, at = data.months.indexOf(month), isAll = selection === data.groups[0];
    const isFiltered = !isAll || month !== first;
    hide();
    fillCards(selection, month, at);
    swapCharts(selection, month, at);
    fillList(selection, at);
    filterAttention(selection, at);
    // The comparison covers all pipelines of one month, the folded sections cover all months.
    if (byId("change")) byId("change").hidden = isFiltered;
    const folded = document.querySelector(".folds"), hasFolds = fillFolds(selection);
    if (folded) folded.hidden = month !== first || !hasFolds;
    for (const [name, element] of Object.entries(selects)) element.closest(".f").classList.toggle("set", name === "month" ? month !== first : element.value !== "");
    form.querySelector("button").hidden = !isFiltered;
    const printed = byId("filtered");
    printed.hidden = isAll;
    printed.textContent = isAll ? "" : selection.n;
  };
  // One of pipeline, kind and cost center at a time: the last one chosen.
  const select = (name, value) => {
    for (const other of ["pipeline", "kind", "center"]) if (name !== "month" && other !== name) selects[other].value = "";
    selects[name].value = value;
    apply();
    writeFragment();
  };

  // ---- the filter in the URL fragment, as #month=2026-10&pipeline=source:ID

  const writeFragment = () => {
    const fragment = new URLSearchParams();
    if (selects.month.value !== first) fragment.set("month", selects.month.value);
    for (const name of ["pipeline", "kind", "center"]) if (selects[name].value !== "") fragment.set(name, selects[name].value);
    // A sandboxed frame may not change its URL; the filter works without it.
    try { history.replaceState(null, "", `#${fragment}`); } catch {}
  };
  // The fragment is untrusted: it only selects options that the page has, and is never written into the page.
  const readFragment = () => {
    const fragment = new URLSearchParams(location.hash.slice(1));
    let isFound = false;
    for (const [name, element] of Object.entries(selects)) {
      const wanted = name !== "month" && isFound ? null : fragment.get(name);
      const option = wanted === null ? null : [...element.options].find(({ value }) => value !== "" && value === wanted);
      element.value = option ? option.value : name === "month" ? first : "";
      isFound ||= name !== "month" && option !== null && option !== undefined;
    }
    apply();
  };

  all(".stack").forEach(prepare);
  if (!form) return;
  // Pipelines with the same name are listed with their ids.
  const names = new Map();
  for (const { n } of data.pipelines) names.set(n, (names.get(n) ?? 0) + 1);
  const options = data.pipelines.map(({ n, i, k }) => {
    const short = [...n].length > 60 ? [...n].slice(0, 59).join("") + "…" : n;
    const option = element("option", names.get(n) > 1 && i !== null ? `${short} · ${i}` : short);
    option.value = k;
    return option;
  });
  options.sort((one, other) => one.textContent.localeCompare(other.textContent));
  selects.pipeline.append(...options);
  table?.addEventListener("click", (event) => {
    const key = event.target.closest("tr[data-key]")?.dataset.key;
    if (key !== undefined && options.some(({ value }) => value === key)) select("pipeline", key);
  });
  for (const [name, element] of Object.entries(selects)) element.addEventListener("change", () => select(name, element.value));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const [name, element] of Object.entries(selects)) element.value = name === "month" ? first : "";
    apply();
    writeFragment();
  });
  // A fragment without a filter is the link to a section.
  const hasFilter = () => /^#(month|pipeline|kind|center)=/.test(location.hash);
  addEventListener("hashchange", () => { if (hasFilter() || location.hash === "") readFragment(); });
  form.hidden = false;
  for (const [name, element] of Object.entries(selects)) element.value = name === "month" ? first : "";
  if (hasFilter()) readFragment();
})();
