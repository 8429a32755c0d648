// Writes the generated parts of the documents from the schemas and registries of dist/; with --check it only compares.
// A generated part stands between two comments: `<!-- generated: NAME -->` and `<!-- end of generated: NAME -->`.
import { readFileSync, writeFileSync } from 'node:fs';

process.chdir(new URL('..', import.meta.url).pathname);
const { conditionKeys, documentSchemas, toJsonSchema } = await import('../dist/schema/index.js');
const { builtins, schemaSources } = await import('../dist/suite/index.js');

const { commands: rows } = await import('../dist/cli/commands/index.js');
const { loadCommand } = await import('../dist/cli/command.js');
const commands = await Promise.all(rows.map(loadCommand));
const { causes } = await import('../dist/guest/serial/causes.js');
const { signatures } = await import('../dist/guest/serial/signatures.js');
const { optionTable, globalOptions } = await import('../dist/cli/options.js');

const { reporters } = await import('../dist/report/index.js');
const { catalogue } = await import('../dist/errors/catalogue.js');

const sources = schemaSources(builtins);
const suite = toJsonSchema(documentSchemas(sources).suite);
const definitions = suite.$defs;

const resolved = (schema) => {
  const name = schema.$ref?.replace('#/$defs/', '');
  return name === undefined ? schema : { ...definitions[name], ...schema, $ref: undefined, name };
};

const KINDS = { string: 'text', number: 'number', integer: 'number', boolean: 'true or false' };
const EXPECTED = {
  ExpectedString: 'text or matcher',
  ExpectedNumber: 'number or matcher',
  ExpectedSize: 'size or matcher',
  ExpectedDuration: 'duration or matcher',
  ExpectedScalar: 'text, number or matcher',
  ExpectedList: 'list (exactly that set) or matcher',
  ExpectedText: 'text, list of patterns or matcher',
  Eventually: '`{ within, every }`',
  Needs: '`{ arch, memory, network, kvm, tool }`',
  Xfail: '`{ reason, tracker, until }`',
  FromEnvironment: '`{ env, default, secret }`',
  Step: 'steps',
  Test: 'tests',
};

/** What may be written as a value, in a few words. */
function describeValue(property) {
  const schema = resolved(property);
  if (EXPECTED[schema.name]) return EXPECTED[schema.name];
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((word) => `\`${word}\``).join(' ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(describeValue))].join(' or ');
  if (schema.type === 'array') return `list of ${describeValue(schema.items ?? {})}`;
  if (schema.type === 'object') {
    const keys = Object.keys(schema.properties ?? {});
    if (keys.length > 0) return `\`{ ${keys.join(', ')} }\``;
    return `names, each with ${describeValue(schema.additionalProperties ?? {})}`;
  }
  return KINDS[schema.type] ?? 'any value';
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function keyTable(properties, required = []) {
  const rows = Object.entries(properties).map(([key, property]) => {
    const { description = '', default: fallback } = resolved(property);
    const notes = [
      ...(required.includes(key) ? ['**required**'] : []),
      ...(description ? [description] : []),
      ...(fallback === undefined ? [] : [`default \`${fallback}\``]),
    ];
    return `| \`${key}\` | ${cell(describeValue(property))} | ${cell(notes.join('; '))} |`;
  });
  return ['| key | value | meaning |', '|---|---|---|', ...rows].join('\n');
}

function checkSections(steps) {
  return sources.checks
    .filter((check) => Boolean(check.step) === steps)
    .map((check) => {
      const { properties, required, additionalProperties: others } = definitions[`${check.name}Check`];
      const known = Object.entries(properties).filter(([key]) => !conditionKeys.includes(key));
      const own = keyTable(Object.fromEntries(others ? [['…', others], ...known] : known), required);
      const bare = check.bare ? ` (${check.bare})` : '';
      const short = check.short ? ` \`${check.name}: …\` is short for \`${check.name}: { ${check.short}: … }\`.` : '';
      return `### \`${check.name}\`\n\n${check.description}${bare}.${short}${offlineText(check)}\n\n${own}`;
    })
    .join('\n\n');
}

/** Whether a powered-off disk can answer a check: by the fact of the same name. */
function offlineText({ name }) {
  const { live = [] } = builtins.checks.find((check) => check.name === name) ?? {};
  if (!builtins.facts.find((fact) => fact.name === name)?.offline) return '';
  const except = live.length > 0 ? `, all but ${live.map((key) => `\`${key}\``).join(', ')}` : '';
  return ` Offline as well${except}.`;
}

function matcherTable() {
  const rows = builtins.matchers.map((m) => `| \`${m.key}\` | ${m.kinds.join(', ')} | ${cell(m.description)} |`);
  return ['| matcher | of | holds when |', '|---|---|---|', ...rows].join('\n');
}

function optionRows(names) {
  const rows = names.map((name) => {
    const { short, value, about } = optionTable[name];
    return `| \`${short ? `-${short}, ` : ''}--${name}${value ? ` ${cell(value)}` : ''}\` | ${cell(about)} |`;
  });
  return ['| option | meaning |', '|---|---|', ...rows].join('\n');
}

function commandSections() {
  return commands
    .map((command) => {
      const title = `### \`gvm ${command.name} ${command.usage}\``.replace(/ +`$/, '`');
      const about = command.about ? `\n\n${command.about.replaceAll('\n', ' ')}` : '';
      const options = command.options.length > 0 ? `\n\n${optionRows(command.options)}` : '';
      const examples = command.examples.map(([line, what]) => `$ ${line.padEnd(44)} # ${what}`).join('\n');
      return `${title}\n\n${command.summary}${about}${options}\n\n\`\`\`console\n${examples}\n\`\`\``;
    })
    .join('\n\n');
}

function reporterTable() {
  const rows = reporters.map(({ name, about }) => `| \`${name}\` | ${cell(about)} |`);
  return ['| reporter | writes |', '|---|---|', ...rows].join('\n');
}

function errorTable() {
  const rows = Object.entries(catalogue).map(
    ([code, [exit, meaning]]) => `| \`${code}\` | ${exit} | ${cell(meaning)} |`,
  );
  return ['| code | exit | meaning |', '|---|---|---|', ...rows].join('\n');
}

const SHAPES = {
  prompt: 'waits for input',
  final: 'is the last that is printed',
  idle: 'is the last that is printed, and the processor stays in real mode',
  login: 'waits, and no SSH server answers',
  unreached: 'waits, and no driver has taken the network card',
  mention: 'explains an end',
};

function causeTable() {
  const rows = Object.entries(causes).map(([cause, { meaning, advice }]) => {
    const stages = [...new Set(signatures.filter((s) => s.cause === cause).map((s) => s.stage))];
    return `| \`${cause}\` | ${stages.join(', ')} | ${cell(meaning)} | ${cell(advice)} |`;
  });
  return ['| cause | stage | what it means | what to look at |', '|---|---|---|---|', ...rows].join('\n');
}

function signatureTable() {
  const rows = signatures.map(({ cause, shape, example, kernel }) => {
    const line = `\`${cell(example.trim().replaceAll('`', "'"))}\``;
    return `| \`${cause}\` | ${line} | ${kernel ? 'the kernel says it, and it ' : ''}${SHAPES[shape]} |`;
  });
  return ['| cause | an example | the line |', '|---|---|---|', ...rows].join('\n');
}

const test = resolved(suite.properties.tests.items);
const checkNames = sources.checks.map((check) => check.name);
const notChecks = ({ properties }) =>
  Object.fromEntries(Object.entries(properties).filter(([key]) => !checkNames.includes(key)));

const parts = {
  'docs/reports.md': { reporters: reporterTable() },
  'docs/troubleshooting.md': { errors: errorTable() },
  'docs/boot-failures.md': { causes: causeTable(), signatures: signatureTable() },
  'docs/commands.md': { commands: commandSections(), 'options everywhere': optionRows(globalOptions) },
  'docs/suites.md': {
    'suite keys': keyTable(
      suite.properties,
      suite.required.filter((key) => suite.properties[key].default === undefined),
    ),
    'machine keys': keyTable(suite.properties.machine.properties),
    'test keys': keyTable(notChecks(test), test.required),
    'needs keys': keyTable(definitions.Needs.properties),
    'xfail keys': keyTable(definitions.Xfail.properties, definitions.Xfail.required),
    checks: checkSections(false),
    steps: checkSections(true),
    matchers: matcherTable(),
  },
};

const check = process.argv.includes('--check');
let stale = false;
for (const [file, sections] of Object.entries(parts)) {
  const before = readFileSync(file, 'utf8');
  let after = before;
  for (const [name, text] of Object.entries(sections)) {
    const [from, to] = [`<!-- generated: ${name} -->`, `<!-- end of generated: ${name} -->`];
    const [start, end] = [after.indexOf(from), after.indexOf(to)];
    if (start < 0 || end < start) throw new Error(`${file} has no generated part "${name}"`);
    after = `${after.slice(0, start + from.length)}\n\n${text}\n\n${after.slice(end)}`;
  }
  if (after === before) continue;
  if (check) {
    stale = true;
    console.error(`${file} is stale: run node ci/docs.mjs`);
  } else {
    writeFileSync(file, after);
    console.error(`docs: wrote ${file}`);
  }
}
process.exit(stale ? 1 : 0);
