// Pictures of the page and of a terminal, from the real output of the demo archive.
//
//     node pictures.mjs RUNLEDGER FOLDER MODULES
//
// FOLDER has demo.db, and receives html-report.png and terminal.png. The terminal has its own background, so that the
// picture is readable on a light and on a dark page.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [program, folder, modules] = process.argv.slice(2).map((path) => resolve(path));
const { chromium } = createRequire(`${modules}/node_modules/`)("playwright-core");

const COLUMNS = 80;
const COMMANDS = [
  ["report", "cost", "--last", "90d"],
  ["report", "cost", "--by", "pipeline", "--limit", "5"],
  ["runs", "--status", "failed", "--limit", "5"],
];
const run = (args) => execFileSync(program, args, {
  cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"],
  env: { ...process.env, RUNLEDGER_DB: "demo.db", COLUMNS: `${COLUMNS}`, NO_COLOR: "" },
});

// ---- escape sequences of colors as HTML

const COLORS = ["#5c6370", "#f07178", "#7fd88f", "#e5c07b", "#7aa2f7", "#c792ea", "#56b6c2", "#d7dae0"];
const escaped = (text) => text.replace(/[&<>]/g, (found) => `&#${found.charCodeAt(0)};`);
const html = (ansi) => {
  let style = {};
  return ansi.split(/\u001b\[([\d;]*)m/).map((part, at) => {
    if (at % 2 === 0) return part && `<span style="${Object.entries(style).map(([name, value]) => `${name}:${value}`).join(";")}">${escaped(part)}</span>`;
    for (const code of part.split(";").map(Number)) {
      if (code === 0) style = {};
      else if (code === 1) style["font-weight"] = 700;
      else if (code === 2) style.opacity = 0.6;
      else if (code === 3) style["font-style"] = "italic";
      else if (code === 4) style["text-decoration"] = "underline";
      else if (code >= 30 && code <= 37) style.color = COLORS[code - 30];
      else if (code >= 90 && code <= 97) style.color = COLORS[code - 90];
      else throw new Error(`unknown code ${code}`);
    }
    return "";
  }).join("");
};
const session = COMMANDS.map((args) =>
  `<b style="color:${COLORS[2]}">$</b> runledger ${escaped(args.join(" "))}\n${html(run(["--color", "always", ...args]))}`).join("\n");
const terminal = `<!DOCTYPE html><meta charset="utf-8"><style>
  body { margin: 0; background: #0000; }
  pre { display: inline-block; box-sizing: border-box; margin: 0; padding: 18px 22px; width: 720px; background: #16181d; color: #d7dae0; font: 14px/19px "DejaVu Sans Mono", monospace; }
</style><pre>${session}</pre>`;

// ---- pictures

run(["report", "html", "--output", "demo.html"]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 1480 }, colorScheme: "light", reducedMotion: "reduce" });
await page.goto(pathToFileURL(`${folder}/demo.html`).href);
await page.screenshot({ path: `${folder}/html-report.png` });
// A page of its own: the policy of the report forbids other styles.
const other = await browser.newPage({ viewport: { width: 1280, height: 900 }, deviceScaleFactor: 1.5 });
await other.setContent(terminal);
await other.locator("pre").screenshot({ path: `${folder}/terminal.png` });
await browser.close();
