// Compares what parts of a page look like with small grey pictures that were looked at once.
//
// A picture is 128 pixels wide: fine enough to see a missing panel, a moved legend or an unreadable
// colour, too coarse to see which font the machine has. It is compared as a whole and tile by tile, so
// that a small part that is gone is seen too; `comparisonCanFail` takes such parts away and expects that.
import { readFileSync, writeFileSync } from "node:fs";
import { deflateSync, inflateSync } from "node:zlib";

const WIDTH = 128;
// Mean difference of grey levels (of 255), and of heights in parts, that is still the same picture.
const [DIFFERENT, TALLER] = [6, 0.06];
// Tiles of so many pixels, and the difference of their mean grey levels that is still the same.
const [TILE, ELSEWHERE] = [4, 12];

// The element's grey levels, row by row, 128 pixels wide.
async function thumbnail(page, element) {
  const image = await element.screenshot({ encoding: "base64" });
  return page.evaluate(async (image, width) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${image}`;
    await picture.decode();
    const height = Math.max(1, Math.round((picture.height / picture.width) * width));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, 0, 0, width, height);
    const { data } = pen.getImageData(0, 0, width, height);
    const grey = [];
    for (let i = 0; i < data.length; i += 4) grey.push(Math.round(0.3 * data[i] + 0.59 * data[i + 1] + 0.11 * data[i + 2]));
    return { height, grey };
  }, image, WIDTH);
}

function compare(name, seen, golden, claim) {
  const known = golden[name];
  if (!known) return claim(false, `there is no picture to compare ${name} with`);
  const wanted = inflateSync(Buffer.from(known.grey, "base64"));
  claim(Math.abs(seen.height - known.height) <= 1 + TALLER * known.height, `${name}: ${seen.height} high, the picture ${known.height}`);
  const length = Math.min(wanted.length, seen.grey.length);
  let sum = 0;
  for (let i = 0; i < length; i++) sum += Math.abs(wanted[i] - seen.grey[i]);
  claim(sum / length <= DIFFERENT, `${name} differs from its picture by ${(sum / length).toFixed(1)} grey levels`);
  const most = widestTile(wanted, seen.grey, length);
  claim(most.by <= ELSEWHERE, `${name} differs from its picture by ${most.by.toFixed(1)} grey levels ${most.where}`);
}

// The tile whose mean grey levels differ most.
function widestTile(wanted, seen, length) {
  let most = { by: 0, where: "" };
  for (let top = 0; (top + TILE) * WIDTH <= length; top += TILE) {
    for (let left = 0; left < WIDTH; left += TILE) {
      let sum = 0;
      for (let i = 0; i < TILE * TILE; i++) {
        const at = (top + Math.floor(i / TILE)) * WIDTH + left + (i % TILE);
        sum += seen[at] - wanted[at];
      }
      const by = Math.abs(sum) / (TILE * TILE);
      if (by > most.by) most = { by, where: `at ${Math.round((100 * left) / WIDTH)} % from the left, ${Math.round((100 * top * WIDTH) / length)} % from the top` };
    }
  }
  return most;
}

// Takes parts of the page away, one at a time, and claims that the comparison sees each.
export async function comparisonCanFail(page, file, claim) {
  const golden = JSON.parse(readFileSync(file, "utf8"));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  const parts = [["night", ".view", ".view .uplot:last-child"], ["night", ".view", ".view .uplot:nth-child(2)"], ["header", "header", ".lead"], ["table", "main .scroll", "main .scroll tbody tr:nth-child(2)"]];
  for (const [name, selector, gone] of parts) {
    const element = await page.$(selector);
    const part = await page.$(gone);
    if (!element || !part) { claim(false, `there is no ${gone}`); continue; }
    await part.evaluate((e) => { e.style.visibility = "hidden"; });
    const complaints = [];
    compare(`${name}, light`, await thumbnail(page, element), golden, (holds, words) => { if (!holds) complaints.push(words); });
    await part.evaluate((e) => { e.style.visibility = ""; });
    claim(complaints.length > 0, `without ${gone} the page still looks like its picture`);
  }
}

// Compares the parts of a page in both schemes; `update` writes the pictures instead.
export async function comparePictures(page, file, update, claim) {
  const golden = update ? {} : JSON.parse(readFileSync(file, "utf8"));
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setViewport({ width: 1200, height: 900 });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const parts = [["header", await page.$("header")], ["night", await page.$(".view")], ["table", await page.$("main .scroll")]];
    if (scheme === "light") {
      for (const [at, figure] of (await page.$$("figure .card")).entries()) parts.push([`figure ${at + 1}`, figure]);
    }
    for (const [part, element] of parts) {
      const name = `${part}, ${scheme}`;
      if (!element) { claim(false, `there is no ${part}`); continue; }
      const seen = await thumbnail(page, element);
      if (update) golden[name] = { height: seen.height, grey: deflateSync(Buffer.from(seen.grey), { level: 9 }).toString("base64") };
      else compare(name, seen, golden, claim);
    }
  }
  if (update) writeFileSync(file, `${JSON.stringify(golden, null, 1)}\n`);
}
