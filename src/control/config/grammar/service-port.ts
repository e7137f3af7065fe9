import * as z from 'zod';
import { wrongKind } from './messages.ts';
import { port, textThat } from './scalars.ts';

/** IANA_SVC_NAME, as Kubernetes checks the names of ports (RFC 6335 section 5.1). */
const portName = textThat("a port's number or name", (value) => {
  if (/^[0-9]+$/.test(value)) return 'is a text: write the number without quotes';
  const fits =
    /^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(value) && /[a-z]/.test(value) && !value.includes('--');
  return fits
    ? null
    : 'is not the name of a port: up to 15 lower-case letters, digits and -, at least one letter';
});

/** A port of a Service: its name, or a number. */
export const servicePort = z.union([port, portName], {
  error: (issue) => wrongKind(issue.input, "a port's number or name"),
});
