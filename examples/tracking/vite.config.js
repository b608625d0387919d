import { defineConfig } from 'vite';

// Relative addresses: all that the page loads lies beside it.
export default defineConfig({ base: './', build: { target: 'es2022', outDir: 'build', emptyOutDir: true } });
