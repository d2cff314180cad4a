/**
 * Reads a file of YAML or JSON documents as Kubernetes would, or refuses it. The library gives the syntax tree of one
 * document at a time, every scalar as text; what the text means is said in scalars.ts. Aliases become shared
 * references, and what they would expand to is only counted: a bomb is found before anything expands (F21).
 */
import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  type Document,
  type ErrorCode,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { fail, ok, type Failure, type Result } from '#model/failure.ts';
import type { Json } from '#model/json.ts';
import { sizeText, type RenderLimits } from './limits.ts';
import { refusal } from './refusal.ts';
import { readKey, readPlain } from './scalars.ts';

/** One value, with where it starts and how large it is when its aliases are expanded. */
export interface Decoded {
  readonly value: Json;
  /** From 1. */
  readonly line: number;
  /** As JSON. */
  readonly bytes: number;
  /** What its member `items` lists, for documents that hold many objects. */
  readonly items?: readonly Decoded[];
}

interface Reading {
  readonly path: string;
  readonly limits: RenderLimits;
  readonly lines: LineCounter;
  /** Of the document that is read; 'open' while the anchor's own node is. */
  anchors: Map<string, Measured | 'open'>;
  /** Member names from the document's root, for messages. */
  readonly names: string[];
  aliases: number;
  nodes: number;
  failure: Failure | undefined;
}

interface Measured {
  readonly value: Json;
  readonly nodes: number;
  readonly bytes: number;
  /** The parts of a list that is a member of the document's root. */
  readonly items?: readonly Decoded[];
}

const nothing: Measured = { value: null, nodes: 1, bytes: 4 };

/** The documents of a file, empty ones left out. `path` is for messages. */
export function decodeYaml(path: string, text: string, limits: RenderLimits): Result<readonly Decoded[]> {
  const lines = new LineCounter();
  const reading: Reading = {
    path,
    limits,
    lines,
    anchors: new Map(),
    names: [],
    aliases: 0,
    nodes: 0,
    failure: undefined,
  };
  const composer = new Composer({
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: lines,
  });
  const documents: Decoded[] = [];
  try {
    for (const document of composer.compose(new Parser(lines.addNewLine).parse(text))) {
      const decoded = readDocument(reading, document);
      if (reading.failure !== undefined) return fail(reading.failure);
      if (decoded !== undefined) documents.push(decoded);
    }
  } catch (error) {
    // The library recurses: a file that is nested thousands of levels deep runs out of stack, not of our patience.
    if (!(error instanceof RangeError)) throw error;
    return fail(tooDeep(reading));
  }
  return ok(documents);
}

function readDocument(reading: Reading, document: Document.Parsed): Decoded | undefined {
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = reading.lines.linePos(error.pos[0]);
    reading.failure =
      error.code === 'RESOURCE_EXHAUSTION'
        ? tooDeep(reading)
        : refusal('InvalidYaml', syntaxMessage(error.code), 'correct the file', { path: reading.path, line });
    return undefined;
  }
  if (document.directives.yaml.explicit === true) {
    reading.failure = refusal('AmbiguousYaml', 'The file has a %YAML directive.', 'remove the directive', {
      path: reading.path,
      line: 1,
    });
    return undefined;
  }
  const { contents } = document;
  if (contents === null) return undefined;
  reading.anchors = new Map();
  const root = contents as Node;
  const { value, bytes, items } = readNode(reading, root, 0);
  if (value === null) return undefined;
  return { value, line: lineOf(reading, root), bytes, ...(items === undefined ? {} : { items }) };
}

function readNode(reading: Reading, node: Node | null, depth: number): Measured {
  if (reading.failure !== undefined || node === null) return nothing;
  if (depth > reading.limits.depthMax) return refuse(reading, tooDeep(reading, node));
  if (isAlias(node)) return readAlias(reading, node.source, node);
  if (node.tag !== undefined)
    return refuse(reading, ambiguous(reading, node, 'has a tag', 'remove the tag; put text in quotes'));
  const { anchor } = node as { anchor?: string };
  if (anchor !== undefined) reading.anchors.set(anchor, 'open');
  let measured: Measured;
  if (isScalar(node)) measured = readScalar(reading, node as Scalar);
  else if (isSeq(node)) measured = readList(reading, node, depth);
  else if (isMap(node)) measured = readMap(reading, node, depth);
  else return nothing;
  if (anchor !== undefined) reading.anchors.set(anchor, measured);
  return measured;
}

function readAlias(reading: Reading, name: string, node: Node): Measured {
  reading.aliases += 1;
  if (reading.aliases > reading.limits.aliasesMax)
    return refuse(reading, bomb(reading, node, `has more than ${reading.limits.aliasesMax} aliases`));
  const target = reading.anchors.get(name);
  const at = { path: reading.path, line: lineOf(reading, node) };
  if (target === undefined)
    return refuse(
      reading,
      refusal('InvalidYaml', 'An alias names no anchor before it.', 'correct the file', at),
    );
  if (target === 'open')
    return refuse(reading, refusal('YamlBomb', 'An anchor contains itself.', 'write the value out', at));
  return grow(reading, node, target);
}

function readScalar(reading: Reading, node: Scalar): Measured {
  const text = String(node.value);
  if (node.type !== 'PLAIN') return textValue(reading, node, text);
  const plain = readPlain(text);
  if (!('value' in plain))
    return refuse(reading, ambiguous(reading, node, `would be read as ${plain.looks}`, plain.instead));
  if (typeof plain.value === 'string') return textValue(reading, node, plain.value);
  return grow(reading, node, { value: plain.value, nodes: 1, bytes: String(plain.value).length });
}

function textValue(reading: Reading, node: Node, text: string): Measured {
  return grow(reading, node, { value: text, nodes: 1, bytes: Buffer.byteLength(text) + 2 });
}

function readList(reading: Reading, list: YAMLSeq, depth: number): Measured {
  const values: Json[] = [];
  const items: Decoded[] = [];
  let nodes = 1;
  let bytes = 2;
  for (const node of list.items as readonly (Node | null)[]) {
    const item = readNode(reading, node, depth + 1);
    if (reading.failure !== undefined) return nothing;
    values.push(item.value);
    if (depth === 1 && node !== null)
      items.push({ value: item.value, line: lineOf(reading, node), bytes: item.bytes });
    nodes += item.nodes;
    bytes += item.bytes + 1;
  }
  return bounded(reading, list, { value: values, nodes, bytes, ...(depth === 1 ? { items } : {}) });
}

function readMap(reading: Reading, map: YAMLMap, depth: number): Measured {
  const members = new Map<string, Json>();
  let items: readonly Decoded[] | undefined;
  let nodes = 1;
  let bytes = 2;
  for (const pair of map.items) {
    const key = pair.key as Node | null;
    const name = readName(reading, key);
    if (name === undefined) return nothing;
    if (members.has(name)) {
      const at = { path: reading.path, line: lineOf(reading, key!) };
      const message = `The key ${shown(reading, name)} is there twice.`;
      return refuse(reading, refusal('AmbiguousYaml', message, 'remove one of them', at));
    }
    reading.names.push(name);
    const member = readNode(reading, pair.value as Node | null, depth + 1);
    reading.names.pop();
    if (reading.failure !== undefined) return nothing;
    if (depth === 0 && name === 'items') items = member.items;
    members.set(name, member.value);
    nodes += member.nodes;
    bytes += member.bytes + Buffer.byteLength(name) + 4;
  }
  const value = Object.fromEntries(members);
  return bounded(reading, map, { value, nodes, bytes, ...(items === undefined ? {} : { items }) });
}

function readName(reading: Reading, key: Node | null): string | undefined {
  const problem = (what: string, instead: string): undefined => {
    refuse(
      reading,
      refusal('AmbiguousYaml', `A key in ${shown(reading)} ${what}.`, instead, {
        path: reading.path,
        ...(key === null ? {} : { line: lineOf(reading, key) }),
      }),
    );
    return undefined;
  };
  if (key === null || !isScalar(key)) return problem('is not text', 'put the key in quotes');
  if (key.tag !== undefined) return problem('has a tag', 'remove the tag');
  const text = String(key.value);
  if (text === '__proto__') return problem('has a name that is not allowed', 'rename it');
  if (key.type !== 'PLAIN') return text;
  if (text === '<<')
    return problem('is a merge key', 'write the merged members out; merge keys are not supported yet');
  const name = readKey(text);
  return typeof name === 'string' ? name : problem(`would be read as ${name.looks}`, name.instead);
}

/** Counts what was read, aliases expanded, against the limits of the file. */
function grow(reading: Reading, node: Node, measured: Measured): Measured {
  reading.nodes += measured.nodes;
  const { nodesMax } = reading.limits;
  if (reading.nodes > nodesMax)
    return refuse(reading, bomb(reading, node, `has more than ${nodesMax} values`));
  return measured;
}

function bounded(reading: Reading, node: Node, measured: Measured): Measured {
  const { totalBytesMax } = reading.limits;
  if (measured.bytes <= totalBytesMax) return measured;
  return refuse(reading, bomb(reading, node, `has values of more than ${sizeText(totalBytesMax)}`));
}

function refuse(reading: Reading, failure: Failure): Measured {
  reading.failure ??= failure;
  return nothing;
}

function ambiguous(reading: Reading, node: Node, what: string, instead: string): Failure {
  return refusal('AmbiguousYaml', `The value of ${shown(reading)} ${what}.`, instead, {
    path: reading.path,
    line: lineOf(reading, node),
  });
}

function bomb(reading: Reading, node: Node, what: string): Failure {
  return refusal(
    'YamlBomb',
    `The file ${what} when its aliases are expanded.`,
    'write the values out, or split the file',
    { path: reading.path, line: lineOf(reading, node) },
  );
}

function tooDeep(reading: Reading, node?: Node): Failure {
  const at = { path: reading.path, ...(node === undefined ? {} : { line: lineOf(reading, node) }) };
  return refusal(
    'YamlBomb',
    `The file is nested more than ${reading.limits.depthMax} levels deep.`,
    'flatten it',
    at,
  );
}

function shown(reading: Reading, ...more: readonly string[]): string {
  const names = [...reading.names, ...more];
  return names.length === 0 ? 'the document' : `\`${names.join('.')}\``;
}

function lineOf(reading: Reading, node: Node): number {
  return reading.lines.linePos(node.range?.[0] ?? 0).line;
}

/** The library's own messages quote the file, which may hold secrets (S14). */
const syntaxMessages: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'An alias is malformed, or names no anchor before it.',
  BAD_DQ_ESCAPE: 'A double-quoted text has an invalid escape sequence.',
  BAD_INDENT: 'The indentation is inconsistent.',
  BAD_SCALAR_START: 'A value starts with a character that must be quoted.',
  BLOCK_AS_IMPLICIT_KEY: 'A nested mapping is not allowed on the same line; a `: ` in text needs quotes.',
  MISSING_CHAR: 'Something is missing: a closing quote or bracket, a colon, a comma, or a space after one.',
  MULTILINE_IMPLICIT_KEY: 'A key spans several lines; perhaps a colon is missing.',
  TAB_AS_INDENT: 'A tab is used for indentation; YAML allows spaces only.',
  UNEXPECTED_TOKEN: 'There is something that was not expected here.',
};

function syntaxMessage(code: ErrorCode): string {
  return syntaxMessages[code] ?? `This is not valid YAML (${code.toLowerCase().replaceAll('_', ' ')}).`;
}
