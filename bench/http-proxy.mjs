// The baseline: http-proxy 1.18.1.
import httpProxy from 'http-proxy';
import { serve } from './lib/node-proxy.mjs';

serve(httpProxy.createProxyServer);
