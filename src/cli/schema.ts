import { jsonSchema } from '../control/config/grammar/json-schema.ts';

/**
 * `headroute schema`: prints the JSON Schema of the configuration.
 * @returns the exit status, always 0
 */
export function schema(out: (text: string) => void): number {
  out(JSON.stringify(jsonSchema(), null, 2));
  return 0;
}
