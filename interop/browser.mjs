// The HTML report in a real browser: desktop and phone, light and dark, with and without JavaScript, by keyboard, in
// print. Its figures must be those of the other reports, and it must pass the accessibility rules of axe.
//
//     node browser.mjs RUNLEDGER ARCHIVE FOLDER MODULES
//
// ARCHIVE is a demo archive in the folder of its settings file. FOLDER receives pages, screenshots and PDFs. MODULES
// contains node_modules. MORE names further pages in FOLDER, which only get the screenshots.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [program, archive, folder, modules] = process.argv.slice(2).map((path) => resolve(path));
const load = createRequire(`${modules}/node_modules/`);
const { chromium } = load("playwright-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

const runledger = (...args) => execFileSync(program, ["--db", archive, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
const report = (...args) => JSON.parse(runledger("report", ...args, "--format", "json")).rows;
const nanos = (usd) => BigInt(usd.toString().replace(".", ""));
const exact = (nanos) => `${nanos < 0n ? "-" : ""}${(nanos < 0n ? -nanos : nanos).toString().padStart(10, "0").replace(/(.{9})$/, ".$1")}`;
// Amounts come from CSV, as JavaScript's numbers would lose digits.
const rows = (...args) => {
  const lines = [[]];
  for (const [, quoted, plain, end] of runledger("report", ...args, "--format", "csv").matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n)/g)) {
    lines.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ",") lines.push([]);
  }
  const [columns, ...found] = lines.slice(0, -1);
  return found.map((line) => Object.fromEntries(line.map((cell, place) => [columns[place], cell])));
};
const total = (found) => {
  const known = found.filter((row) => row.total_cost_usd !== "");
  return known.length ? exact(known.reduce((sum, row) => sum + nanos(row.total_cost_usd), 0n)) : null;
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// Opens a page. Console output, dialogs and requests for other URLs are failures.
const open = async (file, options = {}) => {
  const { width = 1280, height = 900, ...rest } = options;
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce", ...rest });
  const page = await context.newPage(), url = pathToFileURL(file).href, wrong = [];
  page.on("console", (message) => wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("request", (request) => { if (request.url().split("#")[0] !== url) wrong.push(`request: ${request.url()}`); });
  page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(url);
  page.done = async () => {
    assert.deepEqual(wrong, [], file);
    await context.close();
  };
  return page;
};

const fits = async (page, where) => {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= room, `${where}: the page is ${wide} pixels wide, the window ${room}`);
};

const accessible = async (page, where) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html)}`), [], where);
};

const value = (page, selector) => page.evaluate((selector) => document.querySelector(selector)?.querySelector("data")?.value ?? null, selector);
const table = (page, id) => page.evaluate((id) => [...document.querySelectorAll(`#${id} tbody tr`)].map((row) =>
  [...row.cells].map((cell, place) => place ? cell.querySelector("data")?.value ?? "" : cell.textContent)), id);

const slot = (page, name) => page.evaluate((name) => document.querySelector(`[data-slot="${name}"]`).textContent, name);
const exactCost = (page) => page.evaluate(() => document.querySelector('[data-slot="cost"]').value);
const grouped = (count) => count.toString().replace(/\B(?=(\d{3})+$)/g, ",");

const pages = {
  demo: [], month: ["--period", report("cost").at(-2).month], closed: ["--period", report("cost").at(-3).month], week: ["--period", report("cost", "--by", "week").at(-3).week],
  nothing: ["--from", "2100-01-01"],
};
for (const [name, scope] of Object.entries(pages)) runledger("report", "html", ...scope, "--output", `${folder}/${name}.html`);
const demo = `${folder}/demo.html`;

// ---- every layout, with and without JavaScript

let layouts = 0;
for (const name of [...Object.keys(pages), ...(process.env.MORE ?? "").split(" ").filter(Boolean)]) {
  for (const [size, width, height] of [["desktop", 1280, 900], ["tablet", 768, 1024], ["phone", 360, 740]]) {
    for (const colorScheme of ["light", "dark"]) {
      for (const javaScriptEnabled of [true, false]) {
        const where = `${name}, ${size}, ${colorScheme}, ${javaScriptEnabled ? "with" : "without"} JavaScript`;
        const page = await open(`${folder}/${name}.html`, { width, height, colorScheme, javaScriptEnabled });
        await fits(page, where);
        if (javaScriptEnabled) {
          await accessible(page, where);
          // The contents of folded sections, which axe leaves out otherwise.
          await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
          await accessible(page, `${where}, unfolded`);
          await fits(page, `${where}, unfolded`);
          await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = false; }));
        } else {
          assert.equal(await page.locator("#filter").isVisible(), false, where);
          // Each bar says its figures without the script.
          assert.ok(await page.evaluate(() => [...document.querySelectorAll("#chart .m:has(rect)")].every((bar) => bar.querySelector("title")?.textContent)), where);
        }
        await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}${javaScriptEnabled ? "" : "-no-script"}.png`, fullPage: true });
        await page.done();
        layouts += 1;
      }
    }
  }
}

// ---- structure and figures

{
  const page = await open(demo, { javaScriptEnabled: true });
  const found = await page.evaluate(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    return {
      landmarks: ["header", "main", "footer", "form[aria-label]"].map((name) => all(name).length),
      headings: all("h1, h2, h3").map((heading) => Number(heading.tagName[1])),
      sections: all("section").every((section) => section.getAttribute("aria-label") || document.getElementById(section.getAttribute("aria-labelledby"))),
      captions: all("table").every((table) => table.caption?.textContent.trim() || table.closest("section[aria-labelledby]")),
      scopes: all("th").every((heading) => ["row", "col"].includes(heading.scope)),
      images: all("svg:not([aria-hidden], [aria-hidden] svg, svg svg, [role=img] svg)").every((svg) => svg.getAttribute("role") && (svg.querySelector(":scope > title") ?? svg.getAttribute("aria-label") ?? svg.getAttribute("aria-labelledby"))),
      bars: all("#chart .m").length,
      tables: ["took", "waited", "success", "load", "calendar", "cost"].every((id) => document.getElementById(`${id}-table`)?.querySelector("tbody tr")),
      policy: document.querySelector('meta[http-equiv="Content-Security-Policy"]').content.startsWith("default-src 'none'; "),
      labels: all("select").every((select) => select.labels.length === 1),
    };
  });
  const { headings, bars, ...rest } = found;
  assert.deepEqual(rest, { landmarks: [1, 1, 1, 1], sections: true, captions: true, scopes: true, images: true, tables: true, policy: true, labels: true });
  assert.equal(headings[0], 1);
  headings.reduce((above, level) => (assert.ok(level <= above + 1, "a heading level is skipped"), level));
  assert.ok(bars > 30, "charts have bars");

  const months = rows("cost");
  assert.equal(await value(page, '[data-figure="total"]'), total(months));
  const drawn = await table(page, "cost-table");
  // Marks of closed and running months follow the label.
  assert.deepEqual(drawn.map((row) => [row[0].split(" ")[0], row[1], row[2], row.at(-2), row.at(-1)]),
    months.map((row) => [row.month, row.runs, row.runs_cost_unknown, row.total_cost_usd, row.credits]));
  const weeks = rows("duration", "--by", "week").filter((row) => row.week);
  assert.deepEqual((await table(page, "took-table")).map((row) => [row[0], row[2], row[3]]), weeks.map((row) => [row.week, row.p50_seconds, row.p95_seconds]));
  assert.deepEqual((await table(page, "waited-table")).map((row) => [row[0], row[2], row[3]]), weeks.map((row) => [row.week, row.queued_p50_seconds, row.queued_p95_seconds]));
  const days = rows("cost", "--by", "day").reduce((sum, row) => sum + Number(row.runs), 0);
  const inCalendar = (await table(page, "calendar-table")).flatMap((row) => row.slice(1)).reduce((sum, runs) => sum + Number(runs), 0);
  assert.equal(inCalendar, days, "the calendar counts every run");
  const credits = report("credits").at(-1);
  assert.equal(await slot(page, "credits"), grouped(credits.charged_runs));
  assert.equal(await slot(page, "expected"), grouped(credits.expected_credits));
  assert.equal(await exactCost(page), total(months.slice(-1)));
  await page.done();
}

// ---- the filter: by keyboard, in the URL fragment, and its figures

{
  const page = await open(demo);
  const shown = () => page.evaluate(() => document.querySelector("main").innerText.replace(/\s+/g, " "));
  const whole = await shown();
  const drawing = () => page.evaluate(() => [...document.querySelectorAll("#chart rect")].map((mark) =>
    [...mark.attributes].map(({ name, value }) => `${name}=${value}`).sort().join(" ")));
  const drawn = await drawing();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the skip link comes first");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "f-month");
  assert.ok(await page.evaluate(() => [document.activeElement, document.activeElement.parentElement].some((element) => {
    const { outlineStyle, boxShadow } = getComputedStyle(element);
    return outlineStyle !== "none" || boxShadow !== "none";
  })), "the focus is visible");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "f-pipeline");
  const { pipelines, months } = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent));
  const all = rows("cost", "--by", "month,pipeline");
  const picked = () => page.evaluate(() => Object.fromEntries(["month", "pipeline", "kind"].map((name) => [name, document.getElementById(`f-${name}`).value])));
  const matchesReport = async (where) => {
    const { month, pipeline, kind } = await picked();
    const one = pipelines.find(({ k }) => k === pipeline);
    const found = all.filter((row) => row.month === month && (!kind || row.pipeline_kind === kind) && (!one || (row.pipeline_id === (one.i ?? "") && `${row.pipeline_kind}` === pipeline.split(":")[0])));
    const runs = found.reduce((sum, row) => sum + Number(row.runs), 0);
    if (runs > 0) {
      assert.equal(await exactCost(page), total(found) ?? "", `${where}: ${one?.n} ${kind} ${month}`);
      assert.ok((await slot(page, "count")).startsWith(grouped(runs)), `${where}: ${await slot(page, "count")}`);
      assert.equal(await slot(page, "credits"), grouped(found.reduce((sum, row) => sum + Number(row.credits), 0)), where);
    } else assert.deepEqual([await slot(page, "cost"), await exactCost(page), await slot(page, "credits")], ["–", "", "–"], where);
    return found;
  };
  // The first pipelines of the list can be without runs in the month.
  let withRuns = false;
  for (let presses = 0; presses < pipelines.length && !withRuns; presses += 1) {
    await page.keyboard.press("ArrowDown");
    assert.notEqual((await picked()).pipeline, "", "the arrow key picks a pipeline");
    withRuns = (await matchesReport("arrow")).length > 0;
  }
  assert.ok(withRuns, "the arrow key reaches a pipeline with runs");
  assert.match(page.url(), /#pipeline=/);
  await page.evaluate(() => document.querySelectorAll(".folds > details").forEach((details) => { details.open = true; }));
  await accessible(page, "filtered");
  await fits(page, "filtered");

  // The folded charts are those of the pipeline, as in the reports.
  const { pipeline: key } = await picked();
  const chosen = pipelines.find(({ k }) => k === key);
  const folded = () => page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".folds > details")].map((details) =>
    [details.querySelector("h2").id.slice(2), details.hidden ? null : details.querySelector("summary span").textContent])));
  const lines = await folded();
  assert.deepEqual(Object.keys(lines).filter((name) => lines[name] !== null), ["took", "waited", "success", "calendar"]);
  const weeks = rows("duration", "--by", "week,pipeline").filter((row) => row.week && row.pipeline_id === chosen.i && row.p50_seconds !== "");
  assert.ok(lines.took.startsWith(`${weeks.at(-1).week}: half of `), lines.took);
  const busiest = rows("cost", "--by", "day,pipeline").filter((row) => row.pipeline_id === chosen.i)
    .reduce((most, row) => Number(row.runs) > Number(most.runs) ? row : most);
  assert.equal(lines.calendar, `Busiest day: ${busiest.day}, ${grouped(busiest.runs)} runs`);
  const columns = await page.evaluate(() => [...document.querySelectorAll("#took .marks rect.p95")].filter((mark) => Number(mark.getAttribute("y")) < 180).length);
  assert.equal(columns, weeks.length, "a column for each week of the pipeline");
  const shaded = await page.evaluate(() => [...document.querySelectorAll("#calendar .marks rect:not(.d0)")].length);
  assert.equal(shaded, new Set(rows("cost", "--by", "day,pipeline").filter((row) => row.pipeline_id === chosen.i && Number(row.runs) > 0).map((row) => row.day)).size,
    "a shade for each day of the pipeline");
  await page.locator("#filter button[type=reset]").focus();
  await page.keyboard.press("Enter");
  await page.evaluate(() => document.querySelectorAll(".folds > details").forEach((details) => { details.open = false; }));
  assert.equal(await shown(), whole, "a reset restores the page");
  assert.deepEqual(await drawing(), drawn, "a reset restores the charts");

  // Each pipeline, kind and month has the figures of the reports.
  const select = async (name, value) => page.selectOption(`#f-${name}`, value);
  for (const month of months) {
    await select("month", month);
    const found = await matchesReport("each month");
    const [costliest] = found.filter((row) => row.total_cost_usd !== "").map((row) => nanos(row.total_cost_usd)).sort((one, other) => one < other ? 1 : -1);
    const leader = await page.evaluate(() => {
      const cell = document.querySelector(".pipes tbody tr").cells[2];
      return cell.querySelector("data")?.value ?? cell.title;
    });
    assert.equal(leader, exact(costliest), `${month}: the costliest pipeline is first`);
    // The folded sections are about every month.
    assert.equal(await page.locator(".folds").isVisible(), month === months.at(-1), month);
    for (const kind of ["source", "transformation", "destination"]) {
      await select("kind", kind);
      await matchesReport("each kind and month");
    }
    await select("kind", "");
  }
  for (const { k } of pipelines) {
    await select("pipeline", k);
    for (const month of months.slice(-3)) {
      await select("month", month);
      await matchesReport("each pipeline and month");
    }
  }

  // The fragment selects what the page has, and nothing else.
  const last = months.at(-2);
  await page.goto(`${pathToFileURL(demo).href}#month=${last}&kind=source`);
  await page.reload();
  assert.deepEqual(await picked(), { month: last, pipeline: "", kind: "source" });
  await matchesReport("fragment");
  for (const hostile of ["#month=%3Cscript%3Ealert(1)%3C/script%3E", "#pipeline=__proto__", "#kind=%00", `#month=${"9".repeat(5000)}`, "#month=%E0%A4%A"]) {
    await page.goto(`${pathToFileURL(demo).href}${hostile}`);
    await page.reload();
    assert.equal(await shown(), whole, hostile);
  }

  // One tooltip with the whole stack, by arrow keys; Enter chooses the month.
  await page.goto(pathToFileURL(demo).href);
  await page.reload();
  await page.locator('#chart .v-month .m[tabindex="0"]').focus();
  await page.keyboard.press("ArrowLeft");
  const tip = await page.locator("#tip, .tip").first().innerText();
  assert.ok(await page.locator("#tip.on").count() === 1 && tip.split("\n").length > 4, tip);
  await page.keyboard.press("Enter");
  assert.equal((await picked()).month, last);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#tip.on").count(), 0);
  await page.done();
}

// ---- touch: the first tap shows the tooltip, the second one chooses

{
  const page = await open(demo, { width: 390, height: 844, hasTouch: true, isMobile: true });
  const bar = page.locator("#chart .v-month .m[data-month]").nth(6);
  const month = () => page.evaluate(() => document.getElementById("f-month").value);
  const before = await month();
  await bar.tap({ position: { x: 10, y: 200 } });
  assert.equal(await page.locator("#tip.on").count(), 1, "the first tap shows the tooltip");
  assert.equal(await month(), before, "the first tap chooses nothing");
  await bar.tap({ position: { x: 10, y: 200 } });
  assert.equal(await month(), await bar.getAttribute("data-month"), "the second tap chooses the month");
  await page.done();
}

// ---- filtered on a phone; in print

{
  const page = await open(demo, { width: 360, height: 740, colorScheme: "dark" });
  await page.selectOption("#f-pipeline", { index: 3 });
  await page.selectOption("#f-month", { index: 2 });
  await fits(page, "filtered on a phone");
  await page.screenshot({ path: `${folder}/filtered-phone-dark.png`, fullPage: true });
  await page.done();
}
for (const name of ["demo", "nothing"]) {
  const page = await open(`${folder}/${name}.html`, { colorScheme: "dark" });
  await page.pdf({ path: `${folder}/${name}.pdf`, format: "A4" });
  assert.ok(statSync(`${folder}/${name}.pdf`).size > 10_000, "the PDF is not blank");
  await page.done();
}

await browser.close();
console.log(`Chromium: ${layouts} layouts, filters by keyboard and fragment, every pipeline, kind and month as in the reports, no axe violations`);
