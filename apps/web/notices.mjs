// third_party.txt: name, version and licence of every package that has a part in the built page, as its authors
// ship them. Which packages those are is what the bundler read, so that none is forgotten.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const NOTICE = /^(LICEN[CS]E|NOTICE)(\.(md|txt))?$|^swagger-ui-bundle\.js\.LICENSE\.txt$/i;

// The folders of the packages that these modules are of.
export function packagesOf(modules) {
  const folders = modules.map((id) => /^\0?(.*\/node_modules\/(@[^/]+\/)?[^/]+)\//.exec(id)?.[1]);
  return [...new Set(folders.filter(Boolean))];
}

export function noticesOf(folders) {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const files = readdirSync(folder).filter((file) => NOTICE.test(file)).sort();
    if (!files.length) throw new Error(`${name} ${version}: no file of a licence in ${folder}`);
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  return `${parts.sort().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
