/** The body of a request, as the object that it has to be. */
import { isObject, parseJson } from '#model/json.ts';
import { badRequest } from './status.ts';

export function parsedBody(body: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${String(error)}`);
  }
  if (!isObject(value)) throw badRequest('the body is not an object');
  return value;
}
