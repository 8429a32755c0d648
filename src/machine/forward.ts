/** The host port of the first forwarding in the answer of `info usernet`; undefined where there is none. */
export function parseForward(text: string): number | undefined {
  const port = /^\s*TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d{1,5})\s/m.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}
