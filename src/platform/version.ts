declare const HEADROUTE_VERSION: string | undefined;

/** The program's version, set by the build from package.json. */
export const version: string = typeof HEADROUTE_VERSION === 'string' ? HEADROUTE_VERSION : '0.0.0-dev';
