declare const HEADROUTE_PAGE_SCRIPT: string | undefined;
declare const HEADROUTE_PAGE_STYLE: string | undefined;

/** The page's one script and its style, bundled into the program by the build; without one they are empty. */
export const pageScript: string = typeof HEADROUTE_PAGE_SCRIPT === 'string' ? HEADROUTE_PAGE_SCRIPT : '';
export const pageStyle: string = typeof HEADROUTE_PAGE_STYLE === 'string' ? HEADROUTE_PAGE_STYLE : '';
