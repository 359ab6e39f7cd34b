import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows a running box; this is where it listens.
const BOX = process.env['STANDCLEAR_BOX'] ?? 'http://127.0.0.1:8080';
// Handhelds have an address of their own; their page is /handheld.html here.
const HANDHELDS = process.env['STANDCLEAR_HANDHELDS'] ?? 'http://127.0.0.1:8081';

export default defineConfig({
  plugins: [svelte({ configFile: false })],
  build: {
    // Every byte in a file of its own: the box may then forbid `data:` and inline code.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: {
    // The box refuses a Host that is not its own.
    proxy: { '/api/handheld/': { target: HANDHELDS, ws: true, changeOrigin: true }, '/api': { target: BOX, ws: true, changeOrigin: true } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
