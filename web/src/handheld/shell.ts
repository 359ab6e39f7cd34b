// What the page's HTML needs to open. Pure, and read by the service worker alone.

/** The files of its own that a page names, each once. */
export function assetsOf(html: string): readonly string[] {
  return [...new Set([...html.matchAll(/(?:src|href)="(\/handheld\/assets\/[^"]+)"/g)].map(([, path]) => path ?? ''))];
}
