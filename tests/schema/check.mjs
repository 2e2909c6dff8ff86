// Writes good and broken studies with the schema beside them, and says which of them taplo passes.
//
//   node check.mjs FLOW WORK      WORK holds node_modules with @taplo/cli

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [flow, work] = process.argv.slice(2).map((path) => resolve(path));
const schema = execFileSync(flow, ["schema"]);

/** Studies that parse and plan. */
function good() {
  const page = readFileSync("crates/flow-plan/src/grammar.rs", "utf8").replace(/^\/\/! ?/gm, "");
  const examples = [...page.matchAll(/```toml\n([^]*?)```/g)].map((found) => found[1]);
  const kinds = JSON.parse(execFileSync(flow, ["kinds", "--json"]));
  const listed = spawnSync(flow, ["init", work, "--template", "?"], { encoding: "utf8" }).stderr;
  const templates = [...listed.matchAll(/^ {4}(\S+)/gm)].map((found) => found[1]);
  const studies = { default: readFileSync("pipeline.toml", "utf8") };
  examples.forEach((text, at) => (studies[`grammar-${at + 1}`] = text));
  kinds.forEach(({ name, example }) => (studies[`kind-${name}`] = example));
  for (const name of templates) {
    const folder = join(work, "templates", name);
    execFileSync(flow, ["init", folder, "--template", name]);
    studies[`template-${name}`] = readFileSync(join(folder, "pipeline.toml"), "utf8");
  }
  return studies;
}

/** Studies with one mistake each that a schema can see. */
const BROKEN = {
  "a part that is none": "[nodes.a]\nkind = \"cohort\"",
  "a key of the head that is none": "[study]\ntitle = \"x\"",
  "a name that is a number": "[study]\nname = 3",
  "a node without a kind": "[node.a]\nsubjects = 3",
  "a kind that is none": "[node.a]\nkind = \"cohrt\"",
  "a param that is none": "[node.a]\nkind = \"cohort\"\nsubjcts = 3",
  "text for a number": "[node.a]\nkind = \"cohort\"\nsubjects = \"three\"",
  "a number out of range": "[node.a]\nkind = \"cohort\"\nsubjects = 23",
  "a fraction for a whole number": "[node.a]\nkind = \"cohort\"\nsubjects = 2.5",
  "a choice that is none": "[node.a]\nkind = \"folds\"\nrecordings = \"b.c\"\nmethod = \"drew\"",
  "a port with nothing": "[node.a]\nkind = \"z-score\"",
  "a list on a port of one": "[node.a]\nkind = \"z-score\"\nepochs = [\"a.b\", \"c.d\"]",
  "a file with a strange key": "[node.a]\nkind = \"z-score\"\nepochs = { path = \"a\" }",
  "files on a port of one": "[node.a]\nkind = \"z-score\"\nepochs = { files = \"a*\" }",
  "a seed for a kind that draws nothing": "[node.a]\nkind = \"cohort\"\nseed = 3",
  "no cores": "[node.a]\nkind = \"cohort\"\ncores = 0",
  "keep as text": "[node.a]\nkind = \"cohort\"\nkeep = \"no\"",
  "for_each as a list": "[node.a]\nkind = \"cohort\"\nfor_each = [1]",
  "zip as text": "[node.a]\nkind = \"cohort\"\nfor_each = { a = [1] }\nzip = \"a\"",
  "an exclude that is no table": "[node.a]\nkind = \"cohort\"\nfor_each = { a = [1] }\nexclude = [1]",
  "a path that is a number": "[node.a]\nkind = \"cohort\"\npublish = { recordings = 3 }",
  "an output of a strange type": "[node.a]\nkind = \"command\"\nshell = \"x\"\noutputs = { a = { path = \"a\", type = \"tabel\" } }",
  "a pool of none": "[pools]\ndisk = 0",
  "a param of the study that is a table": "[params]\na = { b = 1 }",
  "a section that is no list": "[report]\nsection = { title = \"x\" }",
  "an output that is none": "[node.a]\nkind = \"cohort\"\npublish = { table = \"a.csv\" }",
  "a strange key of a section": "[[report.section]]\nfigures = [\"a.b\"]",
};

/** The names of those that taplo refuses. */
function refused(studies) {
  const names = Object.keys(studies);
  const files = names.map((name, at) => {
    const folder = join(work, "studies", String(at));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "flow.schema.json"), schema);
    const text = studies[name].replace(/^#:schema.*\n/, "");
    writeFileSync(join(folder, "pipeline.toml"), `#:schema ./flow.schema.json\n${text}`);
    return join(folder, "pipeline.toml");
  });
  const taplo = join(work, "node_modules/@taplo/cli/dist/cli.js");
  const said = spawnSync("node", [taplo, "lint", "--colors", "never", ...files], { encoding: "utf8", maxBuffer: 1 << 28, cwd: work });
  const wrong = new Set([...said.stderr.matchAll(/invalid file .*path="([^"]+)"/g)].map((found) => found[1]));
  if (said.status === 0 && wrong.size > 0) throw new Error(said.stderr);
  if (said.status !== 0 && wrong.size === 0) throw new Error(`taplo: ${said.stderr}`);
  const broken = names.filter((_, at) => wrong.has(files[at]));
  rmSync(join(work, "studies"), { recursive: true });
  return { broken, words: said.stderr };
}

rmSync(join(work, "templates"), { recursive: true, force: true });
const studies = good();
const { broken, words } = refused(studies);
if (broken.length > 0) {
  console.error(words.slice(0, 4000));
  console.error(`the schema refuses good studies: ${broken.join(", ")}`);
  process.exit(1);
}
const caught = refused(BROKEN).broken;
const missed = Object.keys(BROKEN).filter((name) => !caught.includes(name));
if (missed.length > 0) {
  console.error(`the schema passes broken studies: ${missed.join("; ")}`);
  process.exit(1);
}
console.log(`the schema passes ${Object.keys(studies).length} studies and refuses ${caught.length} broken ones`);
