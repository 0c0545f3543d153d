import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

const PLACES = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** The system's Chromium, or the one that the environment variable CHROMIUM names. Throws an error that says what to install. */
export function findChromium(): string {
  const { CHROMIUM: given, PATH = '' } = process.env;
  const places = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = [...(given === undefined ? [] : [given]), ...places, ...PLACES].find(isExecutable);
  if (found === undefined)
    throw new Error(
      'There is no Chromium here. Install one (on Debian and Ubuntu: apt-get install chromium), or set CHROMIUM to its path.',
    );
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
