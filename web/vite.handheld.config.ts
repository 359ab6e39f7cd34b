import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The handheld page is built by itself, so that it shares no file with the operator page: another listener serves it,
// under /handheld only, and a phone loads nothing it does not need.
export default defineConfig({
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: 'dist',
    emptyOutDir: false, // the operator page was built there before
    assetsDir: 'handheld/assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rollupOptions: {
      input: { handheld: 'handheld.html', sw: 'src/handheld/sw.ts' },
      output: {
        // A service worker is known by its address: it has no hash.
        entryFileNames: (chunk) => (chunk.name === 'sw' ? 'handheld/sw.js' : 'handheld/assets/[name]-[hash].js'),
      },
    },
  },
});
