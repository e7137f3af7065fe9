// What is asked of each proxy.
const sizes = ['250B', '16KiB', '1MiB'];

export const LOADS = [
  ...[1, 32, 256].map((connections) => ({ name: `250B-c${connections}`, path: '/250B', connections })),
  ...sizes.slice(1).map((size) => ({ name: `${size}-c32`, path: `/${size}`, connections: 32 })),
  { name: 'post16KiB-c32', path: '/post', connections: 32, method: 'POST', body: 16 * 1024 },
  { name: 'chunked16KiB-c32', path: '/chunked', connections: 32 },
  { name: 'close250B-c32', path: '/250B', connections: 32, close: true },
];

export const QUICK_LOADS = LOADS.filter(({ name }) => name === '250B-c32');
