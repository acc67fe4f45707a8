// The filter of the page. The page is complete without it. The script redraws the page for one pipeline, one month, or
// both, from the figures in #data. Amounts are whole nano-dollars in BigInt, so sums are exact here too.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const [form, pipelineSelect, monthSelect, summary] = ["filter", "of", "in", "told"].map(byId);
  const HEIGHT = 180, ROW_HEIGHT = 14, CELL_HEIGHT = 12, CALENDAR_WEEKS = 54, TOP = 10, MAX_ROWS = 15, FAILURE_RATIO = 5, LARGE_MAX_CHARS = 10;
  const KINDS = ["source", "destination", "transformation", null];
  // A text in the language of the page, with its values.
  const t = (english, values = {}) => (data.words[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const isPortuguese = data.lang === "pt-BR";
  const KIND_LABELS = [t("sources"), t("destinations"), t("transformations"), t("no single pipeline")];
  const MONTH_NAMES = [t("Jan"), t("Feb"), t("Mar"), t("Apr"), t("May"), t("Jun"), t("Jul"), t("Aug"), t("Sep"), t("Oct"), t("Nov"), t("Dec")];

  // ---- formatting, identical to that of the static page (html/number.rs)

  const decimal = (text) => isPortuguese ? text.replace(".", ",") : text;
  const groupThousands = (text) => {
    const [, sign, whole, fraction] = /^(-?)(\d+)(.*)$/.exec(text);
    return (sign ? "\u2212" : "") + whole.replace(/\B(?=(\d{3})+$)/g, isPortuguese ? "." : "\u202f") + decimal(fraction);
  };
  // Divides by a positive divisor and rounds half to even.
  const divideRounded = (dividend, divisor) => {
    let floor = dividend / divisor, rest = dividend % divisor;
    if (rest < 0n) { floor -= 1n; rest += divisor; }
    const twice = rest * 2n;
    return floor + (twice > divisor || (twice === divisor && floor % 2n !== 0n) ? 1n : 0n);
  };
  const toFixed = (units, decimals) => {
    const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, "0");
    const whole = digits.slice(0, digits.length - decimals);
    return (units < 0n ? "-" : "") + whole + (decimals ? "." + digits.slice(-decimals) : "");
  };
  const usd = (nanos, decimals = 4) => nanos === null ? "–" : groupThousands(toFixed(divideRounded(nanos, 10n ** BigInt(9 - decimals)), decimals));
  const usdDecimals = (nanos) => nanos === null || (nanos < 1000000000n && nanos > -1000000000n) ? 4 : 2;
  const count = (number) => groupThousands(String(number));
  const percent = (part, whole) => whole > 0n ? decimal(toFixed(divideRounded(divideRounded(part * 1000000n, whole), 1000n), 1)) + (isPortuguese ? "%" : "\u00a0%") : null;
  const share = (part, whole) => percent(BigInt(part), BigInt(whole)) ?? "–";
  const change = (now, before) => {
    if (now === null || before === null) return "";
    const text = percent(now - before, before);
    if (text === null) return "";
    return ` (${text.startsWith("-") ? "\u2212" + text.slice(1) : now === before ? text : "+" + text})`;
  };
  const formatDuration = (millis) => {
    if (millis < 0) return "\u2212" + formatDuration(-millis);
    const tenths = Math.floor((millis + 50) / 100), seconds = Math.floor((millis + 500) / 1000);
    const twoUnits = (large, largeUnit, small, smallUnit) => `${large}\u00a0${largeUnit}` + (small ? ` ${small}\u00a0${smallUnit}` : "");
    if (tenths < 100) return (tenths % 10 ? decimal((tenths / 10).toFixed(1)) : tenths / 10) + "\u00a0s";
    if (seconds < 60) return seconds + "\u00a0s";
    if (seconds < 3600) return twoUnits(Math.floor(seconds / 60), "min", seconds % 60, "s");
    const minutes = Math.floor((seconds + 30) / 60), hours = Math.floor((seconds + 1800) / 3600);
    if (seconds < 86400 && minutes < 1440) return twoUnits(Math.floor(minutes / 60), "h", minutes % 60, "min");
    return twoUnits(Math.floor(hours / 24), "d", hours % 24, "h");
  };

  // ---- the data

  const amount = (value) => value === null ? null : BigInt(value);
  const sums = ([runs, unknown, el, tr, credits, ok, failed, canceled, unsettled]) => ({
    runs, unknown, credits, ok, failed, canceled, unsettled, ended: ok + failed + canceled,
    total: runs > unknown ? (amount(el) ?? 0n) + (amount(tr) ?? 0n) : null,
  });
  const NONE = sums([0, 0, null, null, 0, 0, 0, 0, 0]);
  const byMonth = (series) => new Map(series.m.map(([number, ...row]) => [number, sums(row)]));
  const daysOf = (series) => {
    const days = new Map();
    for (let index = 0, day = data.day; index < series.d.length; index += 3) {
      day += series.d[index];
      days.set(day, { runs: series.d[index + 1], failed: series.d[index + 2] });
    }
    return days;
  };
  // Day 1 is January 1 of year 1.
  const dateOf = (day) => new Date((day - 719163) * 864e5);
  const dayLabel = (day) => {
    const label = dateOf(day).toISOString().slice(0, 10);
    return isPortuguese ? label.split("-").reverse().join("/") : label;
  };
  const monthOf = (day) => dateOf(day).getUTCFullYear() * 12 + dateOf(day).getUTCMonth() - data.month;
  const weekOf = (day) => Math.floor((day - 1) / 7), monday = (week) => week * 7 + 1;

  // ---- drawing

  const make = (space) => (name, attributes = {}, ...children) => {
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const html = make("http://www.w3.org/1999/xhtml"), svg = make("http://www.w3.org/2000/svg");
  const figure = (shown, exact) => exact === null ? html("span", { class: "unknown", title: t("not known") }, "–") : html("data", { value: exact }, shown);
  const usdFigure = (nanos, decimals = 4) => figure(usd(nanos, decimals), nanos === null ? null : toFixed(nanos, 9));
  const countFigure = (number) => figure(count(number), number);
  const shareFigure = (part, whole) => Number(whole) > 0 ? figure(share(part, whole), toFixed(divideRounded(BigInt(part) * 1000000n, BigInt(whole)), 6)) : figure("", null);
  const timeFigure = (millis) => figure(millis === null ? "" : formatDuration(millis), millis === null ? null : toFixed(BigInt(millis), 3));
  const number = (value) => String(Math.round(value * 100) / 100);

  const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000];
  const UNITS = {
    usd: (value) => groupThousands(toFixed(BigInt(value), 9).replace(/\.?0+$/, "")),
    time: (value) => formatDuration(value),
    share: (value) => share(value, 1000000).replace(/[.,]0/, ""),
  };
  const scale = (unit, low, high) => {
    const minStep = Math.ceil((high - low) / 4);
    let step = unit === "time" ? (TIME_STEPS.find((seconds) => seconds * 1000 >= minStep) ?? 0) * 1000 : 0;
    for (let power = 1; !step; power *= 10) step = [1, 2, 5].map((digit) => digit * power).find((value) => value >= minStep) ?? 0;
    low = Math.floor(low / step) * step;
    high = Math.max(Math.ceil(high / step) * step, low + step);
    const y = (value) => (high - value) / (high - low) * HEIGHT;
    const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, tick) => low + tick * step);
    return { y, ticks: ticks.map((value) => ({ y: number(y(value)), label: UNITS[unit](value) })) };
  };
  // Redraws the marks and the axis of a chart; the labels below its columns stay.
  const draw = (id, minColumns, unit, low, columns) => {
    const chart = byId(id);
    if (!chart) return;
    const ends = columns.flatMap(({ segments }) => segments.flatMap(({ from, to }) => [Number(from), Number(to)]));
    const { y, ticks } = scale(unit, ends.reduce((one, other) => Math.min(one, other), low), ends.reduce((one, other) => Math.max(one, other), unit === "share" ? 1000000 : 0));
    const columnWidth = 100 / Math.max(columns.length, minColumns);
    chart.querySelector(".axis").replaceChildren(...ticks.map((tick) => svg("text", { x: 58, y: tick.y }, tick.label)));
    chart.querySelector(".grid").replaceChildren(...ticks.map((tick) => svg("line", { x1: 0, x2: "100%", y1: tick.y, y2: tick.y })));
    chart.querySelector(".marks").replaceChildren(...columns.flatMap(({ segments, dim }, index) => segments.map(({ from, to, kind, title }) => {
      const top = y(Math.max(Number(from), Number(to))), bottom = y(Math.min(Number(from), Number(to)));
      return svg("rect", {
        class: kind + (dim ? " dim" : ""), x: number(columnWidth * (index + 0.13)) + "%", width: number(columnWidth * 0.74) + "%",
        y: number(top), height: number(Math.max(bottom - top, kind === "rate" ? 3 : 1)),
      }, svg("title", {}, title));
    })));
  };
  const fill = (table, rows) => table?.querySelector("tbody").replaceChildren(...rows);
  const cell = (content) => html("td", { class: "n" }, content);
  const row = (label, ...cells) => html("tr", {}, html("th", { scope: "row" }, label), ...cells.map(cell));
  const clean = (text) => text.replace(/\p{Cc}/gu, " ");
  // A pipeline with an invisible name is displayed by its id.
  const isVisible = (name) => name !== null && /[^\p{Default_Ignorable_Code_Point}\p{Cc}\p{White_Space}\u2800]/u.test(name);
  const displayName = ({ n, i }) => clean(isVisible(n) ? n : i ?? t("No single pipeline"));
  const nameOf = (pipeline) => {
    const { n, i, k } = pipeline, name = displayName(pipeline);
    const kind = html("span", { class: "kind" }, k === null ? t("none or several") : t(k));
    if (isVisible(n) && i !== null) kind.append(html("span", { class: "id" }, " · ", html("bdi", {}, clean(i))));
    return [html("bdi", { dir: "auto", class: "name", ...([...name].length > 60 ? { title: name } : {}) }, name), " ", kind];
  };
  const pipelineRow = (pipeline, ...cells) => html("tr", {}, html("th", { scope: "row" }, ...nameOf(pipeline)), ...cells);

  // ---- what the filter changes

  const ofThemUnknown = (unknown) => unknown ? t(", {unknown} of them without a known cost", { unknown: count(unknown) }) : "";
  const label = (month) => data.months[month];

  const drawTiles = (series, months, month, picked) => {
    const shown = month ?? data.focus;
    const tiles = byId("tiles");
    if (!tiles || shown === null) return;
    const now = months.get(shown) ?? NONE, isHeadline = shown === data.focus;
    const suffix = !isHeadline ? "" : !data.compared ? t(" (partial)") : data.running ? t(" so far") : "";
    const before = isHeadline ? (data.compared ? sums(series.b) : null) : shown > 0 ? months.get(shown - 1) ?? NONE : null;
    const toDate = isHeadline && data.compared && series.t ? sums(series.t) : null;
    const earlier = shown > 0 ? label(shown - 1) : t("The previous month");
    const comparison = (value, format) => {
      if (!before) return [];
      if (!toDate) return [`${earlier}: ${format(before)}${change(value(now), value(before))}`];
      return [
        t("{month} up to the same point: {value}{change}", { month: earlier, value: format(toDate), change: change(value(now), value(toDate)) }),
        t("{month}, whole month: {value}", { month: earlier, value: format(before) }),
      ];
    };
    const setTile = (id, heading, value, lines) => {
      const tile = tiles.querySelector(`[data-figure="${id}"]`);
      tile.querySelector("h3").textContent = heading;
      tile.querySelector(".big").classList.toggle("long", value.textContent.length > LARGE_MAX_CHARS);
      tile.querySelector(".big").firstElementChild.replaceWith(value);
      tile.querySelector("ul").replaceChildren(...lines.map((line) => html("li", {}, line)));
      return tile;
    };
    // The static tiles of the headline month have a forecast, so they stay if no pipeline is selected.
    if (picked || !isHeadline) {
      const cost = comparison((figures) => figures.total, (figures) => usd(figures.total, usdDecimals(figures.total)) + " USD");
      if (!before) cost.push(isHeadline ? t("The time range covers only a part of the month, so there is no comparison") : t("The previous month is not on this page"));
      if (now.unknown) cost.push(t("{unknown} of {runs} runs have no known cost", { unknown: count(now.unknown), runs: count(now.runs) }));
      setTile("cost", t("Cost in {month}", { month: label(shown) + suffix }), usdFigure(now.total, usdDecimals(now.total)), cost);
      const meter = tiles.querySelector("meter");
      const credits = comparison((figures) => BigInt(figures.credits), (figures) => count(figures.credits));
      if (meter) {
        meter.value = now.credits;
        credits.unshift(t("{share} of the plan's {credits}", { share: share(now.credits, meter.max), credits: count(meter.max) }));
      }
      setTile("credits", t("Credits in {month}", { month: label(shown) + suffix }), countFigure(now.credits), credits);
      setTile("success", t("Success rate in {month}", { month: label(shown) + suffix }), shareFigure(now.ok, now.ended),
        [t("{failed} failed and {canceled} canceled of {ended} ended runs", { failed: count(now.failed), canceled: count(now.canceled), ended: count(now.ended) }), ...comparison(() => null, (figures) => share(figures.ok, figures.ended))]);
    }
    const open = month === null ? sums(series.x) : now;
    setTile("unsettled", month === null ? t("Unsettled runs") : t("Unsettled runs in {month}", { month: label(month) }), countFigure(open.unsettled),
      [...(open.unsettled ? [t("Their status, cost or credit may still change")] : []),
        (month === null ? t("{unknown} of all {runs} runs have no known cost", { unknown: count(open.unknown), runs: count(open.runs) })
          : t("{unknown} of {runs} runs have no known cost", { unknown: count(open.unknown), runs: count(open.runs) }))]);
  };

  const drawCost = (series, months, month, picked) => {
    const kinds = data.kinds.map((kind) => new Map(kind.map(([at, nanos]) => [at, amount(nanos)])));
    const own = picked ? KINDS.indexOf(series.k) : -1;
    const costs = (at) => KINDS.map((_, kind) => picked ? (kind === own ? months.get(at)?.total ?? null : null) : kinds[kind].get(at) ?? null);
    draw("cost", 8, "usd", 0, data.months.map((name, at) => {
      let above = 0n, below = 0n;
      const segments = costs(at).flatMap((nanos, kind) => {
        if (nanos === null) return [];
        const from = nanos < 0n ? below : above, to = from + nanos;
        if (nanos < 0n) below = to; else above = to;
        return [{ from, to, kind: KINDS[kind] ?? "none", title: `${name}, ${KIND_LABELS[kind]}: ${usd(nanos)} USD` }];
      });
      return { segments, dim: month !== null && month !== at };
    }));
    const shown = data.months.map((_, at) => at).filter((at) => month === null || month === at);
    fill(byId("cost-table"), shown.map((at) => {
      const figures = months.get(at) ?? NONE;
      return row(label(at), countFigure(figures.runs), countFigure(figures.unknown), ...data.shown.map((kind) => usdFigure(costs(at)[kind])), usdFigure(figures.total), countFigure(figures.credits));
    }));
  };

  const drawSuccess = (months, month) => {
    const rated = data.months.map((_, at) => months.get(at) ?? NONE);
    const rates = rated.map(({ ok, ended }) => ended ? Number(divideRounded(BigInt(ok) * 1000000n, BigInt(ended))) : null);
    draw("success", 8, "share", 990000, rates.map((rate, at) => ({
      segments: rate === null ? [] : [{ from: rate, to: rate, kind: "rate", title: t("{month}: {share} of {runs} ended runs succeeded", { month: label(at), share: share(rate, 1000000), runs: count(rated[at].ended) }) }],
      dim: month !== null && month !== at,
    })));
    fill(byId("success-table"), rated.flatMap((figures, at) => month !== null && month !== at ? [] :
      [row(label(at), ...[figures.ended, figures.ok, figures.failed, figures.canceled].map(countFigure), shareFigure(figures.ok, figures.ended))]));
  };

  const drawTimes = (id, series, month, first) => {
    const chart = byId(id);
    if (!chart) return;
    if (!series.w) {
      chart.replaceChildren(html("p", { class: "empty" }, t("The page has no weeks for this pipeline. Run runledger report duration --by week,pipeline.")));
      return fill(byId(`${id}-table`), []);
    }
    const weeks = new Map(series.w.map(([week, ...row]) => [week, row.slice(first, first + 3)]));
    const isIn = (week) => month === null || [0, 6].some((day) => monthOf(monday(data.week + week) + day) === month);
    draw(id, 26, "time", 0, data.weeks.map((name, week) => {
      const [runs, p50, p95] = weeks.get(week) ?? [0, null, null];
      const title = t("{week}: half of {runs} runs within {p50}, 95 % within {p95}", { week: name, runs: count(runs), p50: formatDuration(p50), p95: formatDuration(p95) });
      return { segments: p50 === null ? [] : [{ from: 0, to: p95, kind: "p95", title }, { from: 0, to: p50, kind: "p50", title }], dim: !isIn(week) };
    }));
    fill(byId(`${id}-table`), [...weeks].filter(([week]) => isIn(week)).map(([week, [runs, p50, p95]]) => row(data.weeks[week], countFigure(runs), timeFigure(p50), timeFigure(p95))));
  };

  const drawCalendar = (series, month) => {
    const chart = byId("calendar");
    if (!chart) return;
    if (!series.d) {
      chart.replaceChildren(html("p", { class: "empty" }, t("The page has no days for this pipeline.")));
      return fill(byId("calendar-table"), []);
    }
    const days = daysOf(series);
    // If the month is before the weeks shown, the calendar ends with that month.
    let last = data.lastDay;
    if (month !== null && monthOf(monday(weekOf(last) - CALENDAR_WEEKS + 1)) > month) while (monthOf(last) > month) last -= 1;
    const firstWeek = Math.max(weekOf(data.day), weekOf(last) - CALENDAR_WEEKS + 1), lastWeek = weekOf(last);
    const columnWidth = 100 / Math.max(lastWeek - firstWeek + 1, 26);
    const shown = Array.from({ length: last - Math.max(monday(firstWeek), data.day) + 1 }, (_, later) => Math.max(monday(firstWeek), data.day) + later);
    const isIn = (day) => month === null || monthOf(day) === month;
    const most = Math.max(1, ...shown.map((day) => days.get(day)?.runs ?? 0));
    const dots = [];
    const rects = shown.map((day) => {
      const { runs, failed } = days.get(day) ?? { runs: 0, failed: 0 };
      const column = weekOf(day) - firstWeek, at = day - monday(weekOf(day));
      if (failed && failed * FAILURE_RATIO >= runs && isIn(day)) dots.push(svg("circle", { class: "failing", cx: number(columnWidth * (column + 0.5)) + "%", cy: at * ROW_HEIGHT + CELL_HEIGHT / 2, r: 2 }));
      const words = { day: dayLabel(day), count: count(runs), failures: count(failed) };
      const text = runs === 0 ? t("{day}: no runs", words)
        : failed ? (runs === 1 ? t("{day}: 1 run, {failures} failed", words) : t("{day}: {count} runs, {failures} failed", words))
          : runs === 1 ? t("{day}: 1 run", words) : t("{day}: {count} runs", words);
      return svg("rect", {
        class: `d${runs ? Math.min(4, Math.ceil(runs * 4 / most)) : 0}${isIn(day) ? "" : " dim"}`,
        x: number(columnWidth * (column + 0.08)) + "%", y: at * ROW_HEIGHT, width: number(columnWidth * 0.84) + "%", height: CELL_HEIGHT,
      }, svg("title", {}, text));
    });
    chart.querySelector(".marks").replaceChildren(...rects, ...dots);
    if (last !== data.lastDay) {
      chart.querySelector(".labels").replaceChildren(...Array.from({ length: lastWeek - firstWeek + 1 }, (_, column) => column).flatMap((column) => {
        const end = dateOf(monday(firstWeek + column) + 6), at = end.getUTCMonth();
        if (end.getUTCDate() > 7) return [];
        return [svg("text", { x: number(columnWidth * (column + 0.5)) + "%", y: 6 * ROW_HEIGHT + CELL_HEIGHT + 18, ...(at % 2 ? { class: "wide" } : {}) }, at ? MONTH_NAMES[at] : String(end.getUTCFullYear()))];
      }));
    }
    byId("shades").replaceChildren(t("Runs per day: up to {most}, darker for more runs. A dot: at least one in five failed.", { most: count(most) }));
    const weeks = Array.from({ length: lastWeek - firstWeek + 1 }, (_, later) => firstWeek + later);
    fill(byId("calendar-table"), weeks.map((week) => row(dayLabel(monday(week)), ...Array.from({ length: 7 }, (_, at) => monday(week) + at).map((day) =>
      day < data.day || day > last || !isIn(day) ? "" : countFigure(days.get(day)?.runs ?? 0)))));
  };

  const sparkline = (months) => {
    const shown = data.months.map((_, at) => months.get(at)?.total ?? null).slice(-24);
    const first = data.months.length - shown.length, high = Math.max(0, ...shown.map(Number)), low = Math.min(0, ...shown.map(Number));
    const pixels = (units) => units / Math.max(1, high - low) * 24;
    return svg("svg", { class: "spark", width: shown.length * 7, height: 24, viewBox: `0 0 ${shown.length * 7} 24`, role: "img", "aria-label": t("Cost by month") },
      ...shown.flatMap((nanos, at) => {
        if (nanos === null) return [];
        const height = Math.max(1, pixels(Math.abs(Number(nanos)))), y = nanos < 0n ? pixels(high) : Math.max(0, pixels(high) - height);
        return [svg("rect", { ...(first + at === data.focus ? { class: "focus" } : {}), x: at * 7, width: 5, y: number(y), height: number(height) }, svg("title", {}, `${label(first + at)}: ${usd(nanos)} USD`))];
      }));
  };

  // The selected pipelines with their sums in the selected month.
  const inScope = (picked, month) => (picked ? [picked] : data.pipelines).flatMap((pipeline) => {
    const months = byMonth(pipeline), figures = month === null ? sums(pipeline.x) : months.get(month);
    return figures ? [{ pipeline, months, figures }] : [];
  });

  const drawLists = (picked, month) => {
    const all = month === null ? sums(data.all.x) : byMonth(data.all).get(month) ?? NONE;
    const found = inScope(picked, month);
    const costliest = [...found].sort((one, other) => {
      const [left, right] = [one.figures.total, other.figures.total];
      return left === right ? 0 : left === null ? 1 : right === null ? -1 : left < right ? 1 : -1;
    }).slice(0, TOP);
    fill(byId("pipelines"), costliest.map(({ pipeline, months, figures }) => pipelineRow(pipeline, cell(usdFigure(figures.total)),
      cell(figures.total === null || all.total === null || all.total <= 0n ? figure("", null) : shareFigure(figures.total, all.total)),
      html("td", {}, sparkline(months)), cell(countFigure(figures.runs)), cell(countFigure(figures.unknown)))));
    const runs = all.runs - costliest.reduce((runs, { figures }) => runs + figures.runs, 0);
    const unknown = all.unknown - costliest.reduce((unknown, { figures }) => unknown + figures.unknown, 0);
    const rest = costliest.reduce((rest, { figures }) => rest - (figures.total ?? 0n), all.total ?? 0n);
    byId("pipelines-more").textContent = runs > 0 ? t("All others: {cost} USD for {runs} runs{unknown}.", { cost: usd(runs > unknown ? rest : null), runs: count(runs), unknown: ofThemUnknown(unknown) }) : "";

    const list = (id, weight, cells) => {
      const heaviest = found.filter((entry) => weight(entry.figures) > 0).sort((one, other) => weight(other.figures) - weight(one.figures));
      if (byId(id)) fill(byId(id), heaviest.length ? heaviest.slice(0, MAX_ROWS).map(cells) : [html("tr", {}, html("td", { colspan: 6, class: "empty" }, t("None.")))]);
      byId(`${id}-more`).textContent = heaviest.length > MAX_ROWS ? t("{count} more pipelines.", { count: count(heaviest.length - MAX_ROWS) }) : "";
    };
    list("failures", (figures) => figures.failed, ({ pipeline, figures }) => pipelineRow(pipeline, ...[figures.failed, figures.ended].map(countFigure).map(cell),
      cell(shareFigure(figures.failed, figures.ended)), cell(countFigure(pipeline.f[0])), html("td", {}, pipeline.f[1] ?? "–")));
    list("unknown", (figures) => Math.max(figures.unknown, figures.unsettled), ({ pipeline, figures }) => pipelineRow(pipeline, ...[figures.unknown, figures.unsettled, figures.runs].map(countFigure).map(cell)));
    let left = 0;
    for (const outlier of document.querySelectorAll("#outliers tbody tr")) {
      outlier.hidden = picked !== null && data.pipelines[outlier.dataset.of] !== picked;
      left += !outlier.hidden;
    }
    byId("outliers-none").hidden = !byId("outliers") || left > 0;
  };

  // ---- the filter

  const CHANGED = ["tiles", "total", "cost", "cost-table", "took", "took-table", "waited", "waited-table", "success", "success-table",
    "shades", "calendar", "calendar-table", "pipelines", "pipelines-more", "failures", "failures-more", "unknown", "unknown-more", "outliers", "outliers-none"];
  const originals = CHANGED.map(byId).filter(Boolean).map((element) => element.cloneNode(true));
  const restore = () => {
    for (const element of originals) {
      const current = byId(element.id), copy = element.cloneNode(true);
      if ("open" in current) copy.open = current.open;
      current.replaceWith(copy);
    }
  };
  const apply = () => {
    restore();
    summary.textContent = "";
    const picked = pipelineSelect.value === "" ? null : data.pipelines[pipelineSelect.value];
    const month = monthSelect.value === "" ? null : Number(monthSelect.value);
    // The comparison covers all pipelines and its own two periods.
    const change = byId("change");
    if (change) change.hidden = picked !== null || month !== null;
    // The summaries of collapsed sections cover all pipelines and months.
    for (const line of document.querySelectorAll(".unfiltered")) line.hidden = picked !== null || month !== null;
    if (picked === null && month === null) return;
    const series = picked ?? data.all, months = byMonth(series);
    drawTiles(series, months, month, picked !== null);
    drawCost(series, months, month, picked !== null);
    drawSuccess(months, month);
    drawTimes("took", series, month, 0);
    drawTimes("waited", series, month, 3);
    drawCalendar(series, month);
    drawLists(picked, month);
    const all = month === null ? sums(series.x) : months.get(month) ?? NONE;
    const where = month === null ? t("Total") : t("Total of {month}", { month: label(month) });
    const amountText = t(" USD for {runs} runs{unknown}.", { runs: count(all.runs), unknown: ofThemUnknown(all.unknown) });
    byId("total").replaceChildren(`${where}: `, html("strong", { "data-figure": "total" }, usdFigure(all.total)), amountText);
    summary.replaceChildren(html("bdi", {}, picked === null ? t("All pipelines") : displayName(picked)), `, ${where.toLowerCase()}: ${usd(all.total)}${amountText}`);
  };

  // Pipelines with the same name are listed with their ids.
  const names = new Map();
  for (const pipeline of data.pipelines) names.set(displayName(pipeline), (names.get(displayName(pipeline)) ?? 0) + 1);
  KINDS.forEach((kind, index) => {
    const options = data.pipelines.flatMap((pipeline, at) => {
      if (pipeline.k !== kind) return [];
      const name = displayName(pipeline), short = [...name].length > 60 ? [...name].slice(0, 59).join("") + "…" : name;
      return [[names.get(name) > 1 && pipeline.i !== null ? `${short} · ${pipeline.i}` : short, at]];
    });
    options.sort(([one], [other]) => one.localeCompare(other));
    if (options.length) pipelineSelect.append(html("optgroup", { label: KIND_LABELS[index] }, ...options.map(([name, at]) => html("option", { value: at }, name))));
  });
  monthSelect.append(...data.months.map((name, at) => html("option", { value: at }, name)).reverse());

  // ---- the filter in the URL fragment, as #pipeline=source:ID&month=2026-10

  const monthKey = (at) => `${String(Math.floor((data.month + at) / 12)).padStart(4, "0")}-${String(1 + (data.month + at) % 12).padStart(2, "0")}`;
  const pipelineKey = ({ k, i }) => `${k ?? ""}:${i ?? ""}`;
  const writeFragment = () => {
    const fragment = new URLSearchParams();
    if (pipelineSelect.value !== "") fragment.set("pipeline", pipelineKey(data.pipelines[pipelineSelect.value]));
    if (monthSelect.value !== "") fragment.set("month", monthKey(Number(monthSelect.value)));
    // A sandboxed frame may not change its URL; the filter works without it.
    try { history.replaceState(null, "", `#${fragment}`); } catch {}
  };
  // The fragment is untrusted: it only selects options that the page has, and is never written into the page.
  const readFragment = () => {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const select = (element, name, key) => {
      const wanted = fragment.get(name);
      const option = wanted === null ? null : [...element.options].find(({ value }) => value !== "" && key(Number(value)) === wanted);
      element.value = option ? option.value : "";
    };
    select(pipelineSelect, "pipeline", (at) => pipelineKey(data.pipelines[at]));
    select(monthSelect, "month", monthKey);
    apply();
  };
  const applyAndShare = () => { apply(); writeFragment(); };
  form.addEventListener("change", applyAndShare);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(applyAndShare));
  // A fragment without a filter is the link to a section.
  const hasFilter = () => /^#(pipeline|month)=/.test(location.hash);
  addEventListener("hashchange", () => { if (hasFilter() || location.hash === "") readFragment(); });
  form.hidden = data.pipelines.length === 0;
  if (hasFilter()) readFragment();
  // The browser may have restored the form when navigating back.
  else if (pipelineSelect.value || monthSelect.value) apply();
})();
