/** Where this project's built programs lie: beside the running bundle, or in dist/ when run from source. */

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // not there, or not to be seen: the next place is tried
  }
}

/** The directory of proxy.js and its siblings. @throws Error when nothing was built */
export function bundleDirectory(): string {
  let directory = new URL(".", import.meta.url).pathname.replace(/\/$/, "");
  for (; directory !== ""; directory = directory.slice(0, directory.lastIndexOf("/"))) {
    if (exists(`${directory}/proxy.js`)) return directory;
    if (exists(`${directory}/dist/proxy.js`)) return `${directory}/dist`;
  }
  throw new Error('the programs are not built: run "deno task build"');
}
