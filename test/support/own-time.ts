/** Milliseconds of processor time that this process has used: what a busy machine does not lengthen. */
export function ownTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
