declare const HEADROUTE_VERSION: string | undefined;

/** The program's file (headroute-main.js) where it runs as built, null where it runs from its sources. Worker threads are started on it. */
export const bundleUrl: URL | null = typeof HEADROUTE_VERSION === 'string' ? new URL(import.meta.url) : null;
