// What is asked of each proxy.
const sizes = ['250B', '16KiB', '1MiB'];

/** What a browser or an SDK adds to a request: eight fields more. */
const EIGHT_FIELDS = {
  Accept: 'application/json, text/plain;q=0.9, */*;q=0.1',
  'Accept-Encoding': 'gzip, deflate, br',
  'Accept-Language': 'en-GB,en;q=0.8,de;q=0.5',
  'User-Agent': 'bench-client/1.0 (Linux; x86_64)',
  Authorization: 'Bearer 0123456789abcdef0123456789abcdef',
  Cookie: 'session=0123456789abcdef; theme=dark',
  'Cache-Control': 'no-cache',
  'X-Request-Id': '01890c2e-7d6a-7c3e-9b1a-5f2d3c4b5a69',
};

const small = (connections) => ({ name: `250B-c${connections}`, path: '/250B', connections });

export const LOADS = [
  ...[1, 32, 256].map(small),
  { name: '8fields250B-c32', path: '/250B', connections: 32, fields: EIGHT_FIELDS },
  ...sizes.slice(1).map((size) => ({ name: `${size}-c32`, path: `/${size}`, connections: 32 })),
  { name: 'post16KiB-c32', path: '/post', connections: 32, method: 'POST', body: 16 * 1024 },
  { name: 'chunked16KiB-c32', path: '/chunked', connections: 32 },
  { name: 'close250B-c32', path: '/250B', connections: 32, close: true },
  // Last: what they leave behind in a proxy is not to weigh on the others.
  ...[1000, 5000].map(small),
];

export const QUICK_LOADS = LOADS.filter(({ name }) => name === '250B-c32');
