// For comparison, where installed: http-proxy-3.
import httpProxy from 'http-proxy-3';
import { serve } from './lib/node-proxy.mjs';

serve(httpProxy.createProxyServer);
