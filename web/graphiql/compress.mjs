// Compresses the build into dist, where Go embeds it: what browsers get is
// compressed once, here, and not at every start. Output is the same for the
// same input, so that a test can compare it.
import { readdirSync, readFileSync, writeFileSync, rmSync, mkdirSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { gzipSync, constants } from 'node:zlib';

rmSync('dist', { recursive: true, force: true });
for (const name of readdirSync('build', { recursive: true, withFileTypes: true })) {
  if (!name.isFile()) continue;
  const from = join(name.parentPath, name.name);
  const to = join('dist', from.slice('build'.length)) + '.gz';
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, gzipSync(readFileSync(from), { level: constants.Z_BEST_COMPRESSION }));
}
rmSync('build', { recursive: true, force: true });
