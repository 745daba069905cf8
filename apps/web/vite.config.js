// Builds the server's page into a flat folder that is embedded into the program: index.html, assets/, docs/,
// favicon.svg, openapi.json and third_party.txt. Everything is local: the page asks nothing of any other host.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { parse } from 'yaml';
import { noticesOf, packagesOf } from './notices.mjs';

const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

// The description of the interface, and what shows it. /docs/ is the page itself, which knows its address.
function apiDocs() {
  return {
    name: 'slipway-api-docs',
    writeBundle({ dir }) {
      writeFileSync(join(dir, 'openapi.json'), JSON.stringify(parse(readFileSync('openapi.yaml', 'utf8'))));
      mkdirSync(join(dir, 'docs'), { recursive: true });
      copyFileSync(join(dir, 'index.html'), join(dir, 'docs/index.html'));
      for (const file of ['swagger-ui-bundle.js', 'swagger-ui.css']) {
        copyFileSync(join(swagger, file), join(dir, 'docs', file));
      }
    },
  };
}

// The licences of what is built in.
function notices() {
  return {
    name: 'slipway-notices',
    writeBundle({ dir }) {
      const folders = packagesOf([...this.getModuleIds()]);
      writeFileSync(join(dir, 'third_party.txt'), noticesOf([...folders, swagger]));
    },
  };
}

export default defineConfig({
  plugins: [svelte(), apiDocs(), notices()],
  build: {
    // One script and one sheet. Their names carry a hash of what they hold: the server lets browsers keep
    // what is under assets/ for ever.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        codeSplitting: false,
        entryFileNames: 'assets/app-[hash].js',
        assetFileNames: 'assets/app-[hash][extname]',
      },
    },
  },
});
