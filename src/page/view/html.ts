import htm from 'htm';
import { h, type VNode } from 'preact';

type Html = (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** Markup in template strings: the same on the server and in the browser. Whatever is put into it is escaped. */
export const html: Html = (htm as unknown as { bind(create: typeof h): Html }).bind(h);
