/**
 * Values as YAML that every reader takes for the same: YAML 1.1 has booleans and numbers that 1.2 has not (`yes`, `on`,
 * `1_000`, `1:30`) and the other way round (`0o14`), so a text that either could take for something else is quoted.
 */
import { Document, Scalar, visit } from 'yaml';

const mayBeNoText = /^([-+.\d=<~]|(y|n|yes|no|on|off|true|false|null)$)/i;

export function yamlText(value: unknown): string {
  const document = new Document(value, { version: '1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      const isRisky =
        typeof node.value === 'string' && !node.value.includes('\n') && mayBeNoText.test(node.value);
      if (isRisky) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 });
}
