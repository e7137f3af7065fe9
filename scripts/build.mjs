// npm run build: the program into dist/.
import { bundleProgram } from './bundle.mjs';

await bundleProgram(new URL('../dist', import.meta.url).pathname);
