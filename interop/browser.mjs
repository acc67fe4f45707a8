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

const pages = {
  demo: [], month: ["--period", report("cost").at(-2).month], week: ["--period", report("cost", "--by", "week").at(-3).week],
  nothing: ["--from", "2100-01-01"],
};
for (const [name, scope] of Object.entries(pages)) runledger("report", "html", ...scope, "--output", `${folder}/${name}.html`);
const demo = `${folder}/demo.html`;

// ---- every layout, with and without JavaScript

let layouts = 0;
for (const name of [...Object.keys(pages), ...(process.env.MORE ?? "").split(" ").filter(Boolean)]) {
  for (const [size, width, height] of [["desktop", 1280, 900], ["phone", 360, 740]]) {
    for (const colorScheme of ["light", "dark"]) {
      for (const javaScriptEnabled of [true, false]) {
        const where = `${name}, ${size}, ${colorScheme}, ${javaScriptEnabled ? "with" : "without"} JavaScript`;
        const page = await open(`${folder}/${name}.html`, { width, height, colorScheme, javaScriptEnabled });
        await fits(page, where);
        if (javaScriptEnabled) await accessible(page, where);
        else assert.equal(await page.locator("#filter").isVisible(), false, where);
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
      sections: all("section").every((section) => document.getElementById(section.getAttribute("aria-labelledby"))),
      captions: all("table").every((table) => table.caption?.textContent.trim()),
      scopes: all("th").every((heading) => ["row", "col"].includes(heading.scope)),
      images: all("svg:not([aria-hidden])").every((svg) => svg.getAttribute("role") === "img" && (svg.querySelector(":scope > title") ?? svg.getAttribute("aria-label"))),
      marks: all(".marks rect, .spark rect").length,
      titles: all(".marks rect, .spark rect").every((mark) => mark.querySelector("title")?.textContent),
      tables: all(".chart").every((chart) => document.getElementById(`${chart.id}-table`)),
      labels: all("select").every((select) => select.labels.length === 1),
    };
  });
  const { headings, marks, ...rest } = found;
  assert.deepEqual(rest, { landmarks: [1, 1, 1, 1], sections: true, captions: true, scopes: true, images: true, titles: true, tables: true, labels: true });
  assert.equal(headings[0], 1);
  headings.reduce((above, level) => (assert.ok(level <= above + 1, "a heading level is skipped"), level));
  assert.ok(marks > 100, "charts have marks");

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
  assert.equal(await value(page, '[data-figure="credits"]'), String(credits.charged_runs));
  const tile = await page.locator('[data-figure="credits"]').textContent();
  assert.ok(tile.includes(`${credits.expected_credits.toString().replace(/\B(?=(\d{3})+$)/g, "\u202f")} expected`), tile);
  await page.done();
}

// ---- the filter, by keyboard

{
  const page = await open(demo);
  const whole = await page.evaluate(() => document.querySelector("main").innerHTML);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the skip link comes first");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "of");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none", "the focus is visible");
  await page.keyboard.press("ArrowDown");
  const picked = async () => page.evaluate(() => {
    const { pipelines, months } = JSON.parse(document.getElementById("data").textContent);
    return { pipeline: pipelines[document.getElementById("of").value], month: months[document.getElementById("in").value] };
  });
  const all = rows("cost", "--by", "month,pipeline");
  const matchesReport = async (where) => {
    const { pipeline, month } = await picked();
    const found = all.filter((row) => (!pipeline || (row.pipeline_id === (pipeline.i ?? "") && row.pipeline_kind === (pipeline.k ?? ""))) && (!month || row.month === month));
    assert.equal(await value(page, '[data-figure="total"]'), total(found), `${where}: ${pipeline?.n} ${month}`);
    const summary = await page.locator("#told").textContent();
    const runs = found.reduce((sum, row) => sum + Number(row.runs), 0);
    assert.ok(summary.includes(`${runs.toString().replace(/\B(?=(\d{3})+$)/g, "\u202f")} runs`), summary);
    if (month) {
      assert.equal(await value(page, '[data-figure="cost"]'), total(found), where);
      assert.equal(await value(page, '[data-figure="credits"]'), String(found.reduce((sum, row) => sum + Number(row.credits), 0)), where);
      const [drawn] = await table(page, "cost-table");
      assert.deepEqual([drawn[0], drawn.at(-2)], [month, total(found) ?? ""], where);
    }
    return found;
  };
  assert.ok((await matchesReport("arrow")).length > 0, "a pipeline is picked");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await matchesReport("two arrows");
  await accessible(page, "filtered");
  await fits(page, "filtered");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("told").textContent === "");
  assert.equal(await page.evaluate(() => document.querySelector("main").innerHTML), whole, "a reset restores the page");

  // JavaScript redraws exactly the charts of the static page, except for dimmed marks.
  const drawing = () => page.evaluate(() => ["cost", "took", "waited", "success", "calendar"].map((id) =>
    [...document.querySelectorAll(`#${id} :is(.axis text, .grid line, .marks rect)`)].map((mark) =>
      [...mark.attributes].map(({ name, value }) => `${name}=${value.replace(" dim", "")}`).sort().join(" ") + mark.textContent)));
  const drawn = await drawing();
  assert.ok(drawn.every((marks) => marks.length > 10));
  await page.selectOption("#in", { index: 1 });
  assert.deepEqual(await drawing(), drawn);

  // Every pipeline and every month has the figures of the reports.
  const weeks = rows("duration", "--by", "week,pipeline");
  const [pipelines, months] = await page.evaluate(() => ["of", "in"].map((id) => [...document.getElementById(id).options].map((option) => option.value)));
  for (const pipeline of pipelines) {
    await page.selectOption("#of", pipeline);
    await page.selectOption("#in", "");
    if (pipeline !== "") {
      await matchesReport("each pipeline");
      const { pipeline: { i, k } } = await picked();
      const took = weeks.filter((row) => row.pipeline_id === (i ?? "") && row.pipeline_kind === (k ?? "") && row.week);
      assert.deepEqual((await table(page, "took-table")).map((row) => row.slice(2)), took.map((row) => [row.p50_seconds, row.p95_seconds]));
    }
    for (const month of months.slice(1, 4)) {
      await page.selectOption("#in", month);
      await matchesReport("each pipeline and month");
    }
  }
  await page.selectOption("#of", "");
  const names = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).months);
  for (const month of months.slice(1)) {
    await page.selectOption("#in", month);
    await matchesReport("each month");
    const [costliest] = all.filter((row) => row.total_cost_usd !== "").filter((row) => row.month === names[month]).sort((one, other) => nanos(one.total_cost_usd) < nanos(other.total_cost_usd) ? 1 : -1);
    assert.equal((await table(page, "pipelines"))[0][1], costliest.total_cost_usd);
  }
  await page.done();
}

// ---- filtered on a phone; in print

{
  const page = await open(demo, { width: 360, height: 740, colorScheme: "dark" });
  await page.selectOption("#of", { index: 3 });
  await page.selectOption("#in", { index: 2 });
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
console.log(`Chromium: ${layouts} layouts, keyboard filter, every pipeline and month as in the reports, no axe violations`);
