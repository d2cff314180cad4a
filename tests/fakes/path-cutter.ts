/** The jq of the product, answered at once: for worlds whose time does not pass while a thread computes. */
import { openInterpreter } from '#pipeline/scripts/interpreter.ts';
import type { Interpreter, PathCutter, PathFailure } from '#model/scripts.ts';
import type { JsonObject } from '#model/json.ts';

let interpreter: Interpreter | undefined;

function run(path: string, object: JsonObject): JsonObject | PathFailure {
  const answer = (interpreter ??= openInterpreter()).jq([path], object);
  if (!answer.ok) return { ...answer.failure, path };
  const failure = answer.value.failures?.[0];
  return failure === undefined ? answer.value.object : { ...failure, path };
}
const isFailure = (result: JsonObject | PathFailure): result is PathFailure =>
  'path' in result && 'message' in result;

export const promptCutter: PathCutter = {
  check: async (paths) => {
    const results = paths.map((path) => ({ path, result: run(`empty|(${path})`, {}) }));
    const found = results.find(({ result }) => isFailure(result));
    return found === undefined ? undefined : { ...(found.result as PathFailure), path: found.path };
  },
  cut: async (_, cuts) => {
    const value: JsonObject[] = [];
    for (const { paths, object } of cuts) {
      let left = object;
      for (const path of paths) {
        const result = run(path, left);
        if (!isFailure(result)) left = result;
        else if (result.stopped === true) return { ok: false, failure: result };
      }
      value.push(left);
    }
    return { ok: true, value };
  },
  close: async () => interpreter?.close(),
};
