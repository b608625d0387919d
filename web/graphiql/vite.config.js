import { defineConfig } from 'vite';
import react from '@vitejs/plugin-react';

// Relative addresses, so that the page works under any path; everything it
// loads lies beside it.
export default defineConfig({
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
  build: { target: 'es2022', outDir: 'build', emptyOutDir: true, chunkSizeWarningLimit: 10000 },
});
